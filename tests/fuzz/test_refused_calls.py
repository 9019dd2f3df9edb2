"""A refused call leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import refused_calls

from augsynth.errors import AugsynthError

PER_CALL = 100  # bytes; the least that a leak of one object would take


@pytest.mark.parametrize("name", refused_calls.REFUSED)
def test_a_call_is_refused(name: str) -> None:
    with pytest.raises(AugsynthError):
        refused_calls.REFUSED[name]()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell a process's memory")
def test_20_000_refused_calls_take_no_memory() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, refused_calls.__file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["grew"] < PER_CALL * refused_calls.CALLS
