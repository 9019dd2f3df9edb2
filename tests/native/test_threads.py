from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from native_rows import make_rows, picture, rotation, turned_batch

from augsynth import _native
from augsynth._native.layout import Border, Interpolation
from augsynth.errors import ArgumentError

TASKS = Path("/proc/self/task")  # Linux: the threads of this process


def send_batch(connection: Any, threads: int) -> None:
    connection.send((turned_batch(threads), len(list(TASKS.iterdir())) if TASKS.exists() else None))


def test_the_result_does_not_depend_on_the_threads(isa: str) -> None:
    alone = turned_batch(threads=1)
    assert alone.std() > 30
    for threads in (2, 7):
        np.testing.assert_array_equal(turned_batch(threads), alone)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_process_makes_its_own_threads(method: str) -> None:
    expected = turned_batch(threads=3)
    context: Any = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=send_batch, args=(sender, 3), daemon=True)
    child.start()
    arrived = receiver.poll(timeout=60)
    received, tasks = receiver.recv() if arrived else (None, None)
    child.kill()
    child.join()
    assert arrived, "the child never finished"
    np.testing.assert_array_equal(received, expected)
    assert tasks is None or tasks >= 3, "the child worked without threads of its own"


def test_python_threads_share_the_pool() -> None:
    expected = turned_batch(threads=1)
    results: list[Any] = []
    callers = [
        threading.Thread(target=lambda: results.extend(turned_batch(threads=3) for _ in range(4)), daemon=True)
        for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=60)
    assert len(results) == 16
    for result in results:
        np.testing.assert_array_equal(result, expected)


def half_done_seen(run: Callable[[], None], output: Any) -> bool:
    """Return whether this thread runs while `run` is under way in another one."""
    caller = threading.Thread(target=run, daemon=True)
    caller.start()
    first, last = output.reshape(-1)[:1], output.reshape(-1)[-1:]
    while not last[0]:
        if first[0]:
            seen = not last[0]
            caller.join()
            return bool(seen)
    caller.join()
    return False


def test_the_gil_is_released() -> None:
    source = np.full((64, 64, 3), 200, np.uint8)
    output = np.zeros((3, 1500, 1500), np.uint8)
    fields = {"border": Border.WRAP, "interpolation": Interpolation.BICUBIC, "antialias": 1, "support": 2.0}
    rows = make_rows(source, output, inverse=rotation(0.3, 64, 64), **fields)
    for _ in range(3):  # a busy machine may not let this thread look in time
        output[...] = 0
        if half_done_seen(lambda: _native.run(rows, [source], [output], threads=1), output):
            return
    pytest.fail("no other thread ran while the batch was under way")


def test_rows_changed_during_a_run_do_no_harm() -> None:
    """The rows are copied before they are checked."""
    source, output = picture((64, 64, 3)), np.zeros((3, 900, 900), np.uint8)
    rows = make_rows(source, output, inverse=rotation(0.3, 64, 64), border=Border.REFLECT)
    expected = output.copy()
    _native.run(rows, [source], [expected], threads=1)
    caller = threading.Thread(target=lambda: _native.run(rows, [source], [output], threads=1), daemon=True)
    caller.start()
    while not output[0, 0, 0] and caller.is_alive():
        pass
    rows["source_size"] = 2**24
    caller.join()
    np.testing.assert_array_equal(output, expected)


def test_the_number_of_threads_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUGSYNTH_NUM_THREADS", "3")
    assert _native.num_threads() == 3
    monkeypatch.delenv("AUGSYNTH_NUM_THREADS")
    import torch

    assert _native.num_threads() == torch.get_num_threads()


@pytest.mark.parametrize("value", ["0", "-2", "two", "1.5", " "])
def test_a_wrong_number_of_threads_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AUGSYNTH_NUM_THREADS", value)
    with pytest.raises(ArgumentError, match="AUGSYNTH_NUM_THREADS"):
        _native.num_threads()


def send_many(connection: Any) -> None:
    """Eight threads at once, in a child that a process of as many busy threads has forked."""
    results: list[Any] = []
    callers = [threading.Thread(target=lambda: results.append(turned_batch(threads=3))) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    connection.send(results)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system has no fork")
def test_children_are_forked_while_eight_threads_work() -> None:
    expected, context = turned_batch(threads=1), multiprocessing.get_context("fork")
    over, failed = threading.Event(), []

    def work() -> None:
        while not over.is_set():
            if not np.array_equal(turned_batch(threads=3), expected):
                failed.append(threading.current_thread().name)

    callers = [threading.Thread(target=work, daemon=True) for _ in range(8)]
    for caller in callers:
        caller.start()
    children = []
    for _ in range(6):
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=send_many, args=(sender,), daemon=True)
        child.start()
        children.append((child, receiver))
    received = [receiver.recv() if receiver.poll(timeout=120) else None for _, receiver in children]
    over.set()
    for child, _ in children:
        child.kill()
        child.join()
    for caller in callers:
        caller.join(timeout=60)
    assert not failed
    for results in received:
        assert results is not None, "a child never finished"
        np.testing.assert_array_equal(results, [expected] * 8)
