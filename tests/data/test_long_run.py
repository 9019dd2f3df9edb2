"""DataLoaders that run long, are interrupted, or lose a worker: they leak nothing, end soon, and say what happened.

`AUGSYNTH_LONG_RUN_MINUTES=60 pytest -m slow -s tests/data/test_long_run.py -k leaks` runs for an hour; the default is a
minute.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from long_run_script import descendants, shared_memory, status
from mixing_toys import toy_generator
from PIL import Image

from augsynth.data import SyntheticPool

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and /dev/shm")]
METHODS = ("fork", "forkserver", "spawn")
MINUTES = float(os.environ.get("AUGSYNTH_LONG_RUN_MINUTES", "1"))
ENDS_WITHIN = 2.0
PATIENCE = 600.0  # for a machine with much other work
SCRIPT = Path(__file__).with_name("long_run_script.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of four classes and a pool of the same shape."""
    root = tmp_path_factory.mktemp("long")
    rng = np.random.default_rng(0)
    for number in range(200):
        path = root / f"photos/{number % 4}/{number:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (48, 60, 3), np.uint8)).save(path)
    SyntheticPool.create(root / "pool", toy_generator(), 300, shard_size=64, progress=False)
    return root


class Program:
    """The script, in a process group of its own."""

    def __init__(self, folder: Path, method: str, seconds: float = 0) -> None:
        command = [sys.executable, str(SCRIPT), str(folder), method, str(seconds)]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, start_new_session=True, **pipes)
        self.pids = [self.process.pid]

    def started(self) -> dict[str, Any]:
        """Wait until workers run and batches come."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            state: dict[str, Any] = json.loads(line)
            if state["batches"] > 1:
                self.pids += descendants(self.process.pid)
                return state
        raise AssertionError(self.process.communicate()[1])

    def end(self) -> str:
        """Wait for its end, and return what it wrote to stderr."""
        return self.process.communicate(timeout=PATIENCE)[1]

    def alive(self) -> list[int]:
        """Processes of it that have not ended."""
        return [pid for pid in self.pids if status(pid)[:1] not in ([], ["Z"])]

    def kill(self) -> None:
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def start(folder: Path) -> Iterator[Any]:
    """Start programs, which have ended when the test ends."""
    programs: list[Program] = []

    def begin(method: str, seconds: float = 0) -> Program:
        programs.append(Program(folder, method, seconds))
        return programs[-1]

    yield begin
    for program in programs:
        program.kill()


def test_nothing_leaks(start: Any) -> None:
    program = start("fork", 60 * MINUTES)
    out, err = program.process.communicate()
    assert program.process.returncode == 0, err
    states = [json.loads(line) for line in out.splitlines()]
    settled = [state for state in states[:-1] if state["seconds"] > min(120.0, 20 * MINUTES)]
    early, late = (
        np.median([state["memory"] for state in part])
        for part in (settled[: len(settled) // 2], settled[len(settled) // 2 :])
    )
    print(f"\n{states[-1]['batches']} batches in {states[-1]['seconds']} s, {early / 1e6:.1f} MB, {late / 1e6:.1f} MB")
    assert late <= 1.02 * early
    assert max(state["zombies"] for state in states) == 0
    assert max(state["files"] for state in settled) <= settled[0]["files"] + 8
    assert max(state["shared"] for state in settled) <= settled[0]["shared"] + 8
    assert states[-1]["workers"] == []
    program.pids += states[0]["workers"]
    assert program.alive() == []
    assert shared_memory(program.pids) == []


def waited(pid: int) -> float:
    """Seconds in which a process was ready and got no processor, because of other work of the machine."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


@pytest.mark.parametrize("target", ["group", "program"])
@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_ends_everything(start: Any, method: str, target: str) -> None:
    """Of the time until all processes have ended, waits for a processor do not count: the machine may have other work.

    Processes wait for each other, so the longest of their waits is a part of the whole that is not too large.
    """
    program = start(method)
    program.started()
    before = {pid: waited(pid) for pid in program.pids}
    waits = dict.fromkeys(program.pids, 0.0)
    begin = time.monotonic()
    (os.killpg if target == "group" else os.kill)(program.process.pid, signal.SIGINT)
    while program.alive() and time.monotonic() < begin + PATIENCE:
        waits |= {pid: max(waits[pid], waited(pid) - before[pid]) for pid in program.pids}
        time.sleep(0.01)
    seconds = time.monotonic() - begin
    print(f"\n{method}, {target}: {seconds:.2f} s, of which {max(waits.values()):.2f} s without a processor")
    assert seconds - max(waits.values()) <= ENDS_WITHIN
    assert "KeyboardInterrupt" in program.end()
    assert program.process.returncode in (-signal.SIGINT, 128 + signal.SIGINT, 1)
    assert shared_memory(program.pids) == []


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_worker_is_an_error_that_says_so(start: Any, method: str) -> None:
    """torch learns at once of the end of its own children, and after 5 s of a fork server's.

    A batch that such a worker had already announced is lost with it, and then the error is that of its connection.
    """
    program = start(method)
    victim = program.started()["workers"][0]
    os.kill(victim, signal.SIGKILL)
    err = program.end()
    assert program.process.returncode == 1
    lost = method == "forkserver" and ("ConnectionResetError" in err or "ConnectionRefusedError" in err)
    assert lost or ("DataLoader worker (pid" in err and f"{victim}" in err)
    deadline = time.monotonic() + PATIENCE
    while program.alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert program.alive() == []
    assert shared_memory(program.pids) == []
