"""DataLoaders that run long, are interrupted, or lose a worker: they leak nothing, end soon, and say what happened.

`AUGSYNTH_LONG_RUN=3600 pytest -m slow tests/data/test_long_run.py -k leaks` runs for an hour; the default is a minute.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from endless_loader import descendants, shared_memory
from mixing_toys import toy_generator
from PIL import Image
from torch.utils.data import DataLoader

from augsynth import transforms as T
from augsynth.data import SyntheticMixDataset, SyntheticPool, collate

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and /dev/shm")]
METHODS = ("fork", "spawn", "forkserver")
SECONDS = float(os.environ.get("AUGSYNTH_LONG_RUN", "60"))
ENDS_WITHIN = 2.0
SCRIPT = Path(__file__).with_name("endless_loader.py")


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


def start(folder: Path, method: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), str(folder), method, str(seconds)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, **pipes)


def first_state(program: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait until workers run and batches come."""
    assert program.stdout is not None
    for line in program.stdout:
        state: dict[str, Any] = json.loads(line)
        if state["batches"] > 1:
            return state
    raise AssertionError(program.communicate()[1])


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def wait_until_gone(pids: list[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not gone(pids) and time.monotonic() < end:
        time.sleep(0.02)
    return gone(pids)


def test_nothing_leaks(folder: Path) -> None:
    program = start(folder, "fork", SECONDS)
    out, err = program.communicate()
    assert program.returncode == 0, err
    states = [json.loads(line) for line in out.splitlines()]
    running = [state for state in states[:-1] if state["seconds"] > min(20.0, SECONDS / 3)]
    half = len(running) // 2
    early, late = (np.median([state["memory"] for state in part]) for part in (running[:half], running[half:]))
    print(f"{len(states)} states, {states[-1]['batches']} batches, {states[-1]['seconds']} s")
    for state in running[:: max(1, len(running) // 10)]:
        print({name: state[name] for name in ("seconds", "batches", "memory", "files", "zombies", "shared")})
    assert late <= 1.02 * early
    assert max(state["zombies"] for state in states) == 0
    assert all(max(state["files"]) <= max(running[0]["files"]) + 4 for state in running)
    assert max(state["shared"] for state in running) <= running[0]["shared"] + 8
    assert states[-1]["workers"] == []
    pids = [program.pid, *states[0]["workers"]]
    assert gone(pids)
    assert shared_memory(pids) == []


@pytest.mark.parametrize("target", ["group", "parent"])
@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_ends_everything(folder: Path, method: str, target: str) -> None:
    program = start(folder, method, 0)
    first_state(program)
    pids = [program.pid, *descendants(program.pid)]
    begin = time.monotonic()
    (os.killpg if target == "group" else os.kill)(program.pid, signal.SIGINT)
    _, err = program.communicate(timeout=60)
    assert "KeyboardInterrupt" in err
    assert program.returncode in (-signal.SIGINT, 128 + signal.SIGINT, 1)
    assert wait_until_gone(pids, ENDS_WITHIN)
    print(f"{method}, {target}: ended after {time.monotonic() - begin:.2f} s")
    assert time.monotonic() - begin <= ENDS_WITHIN * scale()
    assert shared_memory(pids) == []


def scale() -> float:
    """How much longer work takes than on an idle machine: other processes must not fail a test."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_worker_is_an_error_that_says_so(folder: Path, method: str) -> None:
    program = start(folder, method, 0)
    workers = first_state(program)["workers"] if method != "forkserver" else None
    below = descendants(program.pid)
    victim = workers[0] if workers else next(pid for pid in below if not descendants(pid) and is_worker(pid))
    os.kill(victim, signal.SIGKILL)
    _, err = program.communicate(timeout=60)
    assert program.returncode == 1
    assert f"DataLoader worker (pid {victim}) is killed by signal: Killed" in err or "exited unexpectedly" in err
    assert str(victim) in err
    assert wait_until_gone([program.pid, *below], 10 * ENDS_WITHIN)
    assert shared_memory([program.pid, *below]) == []


def is_worker(pid: int) -> bool:
    return b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()


class Failing:
    """Item 7 cannot be read."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Any:
        if index == 7:
            raise ValueError("torn page")
        return np.full((4, 4, 3), index, np.uint8), 0


class Sound(Failing):
    def __getitem__(self, index: int) -> Any:
        return np.full((4, 4, 3), index, np.uint8), 0


def bomb(image: Any) -> Any:
    if image[0, 0, 0] == 7:
        raise ValueError("torn page")
    return image


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("where", ["data set", "transform"])
def test_an_exception_in_a_worker_names_the_item(method: str, where: str) -> None:
    real, transform = (Failing(), None) if where == "data set" else (Sound(), T.Lambda(bomb))
    mix = SyntheticMixDataset(real, None, ratio=0, transform=transform)
    loader = DataLoader(mix, 4, num_workers=2, collate_fn=collate, multiprocessing_context=method)
    with pytest.raises(ValueError, match=r"torn page .position 7 of epoch 0, real item 7"):
        list(loader)
