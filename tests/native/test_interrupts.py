"""Ctrl-C ends a native call, whatever it is at, and the process goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from native_rows import make_rows, picture

from augsynth import _native
from augsynth._native.layout import NoiseKind

HERE = Path(__file__).parent


@pytest.mark.parametrize("threads", [1, 3])
def test_ctrl_c_ends_a_call_of_any_kind(threads: int) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), *sys.path]))}
    command = [sys.executable, str(HERE / "interrupted_calls.py"), str(threads)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["pass", "filter", "blur", "clahe", "count", "fill", "linear", "means", "adjoint"]


@pytest.mark.parametrize("threads", [1, 3])
def test_only_the_first_thread_runs_handlers(threads: int) -> None:
    """A call of another one goes on; that Python's handlers run there is no business of its."""
    source, output = picture((8, 8, 16)), np.zeros((16, 1000, 1000), np.uint8)
    poisson = {"noise": NoiseKind.POISSON, "noise_parameters": (8.0, 0, 0, 0)}
    rows = make_rows(source, output, inverse=np.diag([0.008, 0.008, 1.0]), **poisson)
    ran: list[Any] = []
    thread = threading.Thread(target=_native.run, args=(rows, [source], [output]), kwargs={"threads": threads})
    before = signal.signal(signal.SIGUSR1, lambda *_: ran.append(threading.current_thread()))
    try:
        thread.start()
        while thread.is_alive():
            os.kill(os.getpid(), signal.SIGUSR1)
            thread.join(0.02)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert set(ran) == {threading.main_thread()}
    assert output.any(axis=(0, 1)).all()
