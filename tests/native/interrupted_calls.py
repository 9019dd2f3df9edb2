"""Long native calls of every kind, each ended by Ctrl-C; a script, whose argument is on how many threads.

Ctrl-C is pressed again and again, from a random moment on, and the handler raises `KeyboardInterrupt` the third time:
a call that does not look for signals sees the handler run once, when it is over. Prints the name of each call that
ended.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from native_rows import make_rows, picture

from augsynth import _native
from augsynth._native import _cpu
from augsynth._native.layout import MISSING, Border, Interpolation, NoiseKind, Tables

THREADS = int(sys.argv[1])
LONG_ENOUGH = 3  # presses
Call = Callable[[], Any]


def run_pass(shape: tuple[int, int, int], source: Any, tables: Tables | None = None, **fields: Any) -> Call:
    """A pass that brings a source to the shape (C, H, W) of its output."""
    output = np.empty(shape, np.uint8)
    rows = make_rows(source, output, **fields)
    rows["inverse"][0] = np.diag([source.shape[1] / shape[2], source.shape[0] / shape[1], 1.0])
    return lambda: _native.run(rows, [source], [output], tables=tables or Tables(), threads=THREADS)


def fill() -> Call:
    """A source of which every value is missing, and is drawn."""
    rule = np.zeros(1, MISSING)
    rule["low"], rule["high"], rule["value"] = 0.0, 200.0, 5.0
    return run_pass((3, 8, 8), np.full((6000, 6000, 3), 5, np.uint8), Tables(missing=rule), missing=0)


def linear(adjoint: bool, means: bool = False) -> Call:
    """A linear pass of many channels."""
    images = [np.ones((4, 16, 1500, 1500), np.float32) for _ in range(2)]
    given: dict[str, Any] = dict.fromkeys(("fill", "offset", "boxes", "values", "gain", "bias", "of_mean"))
    matrix = np.ones((4, 16, 16), np.float32)
    given |= {"inverse": np.tile(np.eye(3), (4, 1, 1)), "edge": np.ones((4, 2)), "matrix": matrix}
    if means:
        given["of_mean"] = matrix
    given |= {"interpolation": int(Interpolation.BILINEAR), "border": int(Border.WRAP), "height": 1500, "width": 1500}
    return lambda: _cpu.linear_pass(*images, given, adjoint=adjoint, threads=THREADS)


def calls() -> dict[str, Callable[[], Call]]:
    """By name, what makes the inputs of a call that would take from some seconds to minutes."""
    large = np.broadcast_to(np.uint8(1), (1 << 14, 1 << 14, 3))  # in no memory
    poisson = {"noise": NoiseKind.POISSON, "noise_parameters": (8.0, 0, 0, 0)}
    weights = np.full(2048, 2.0**-12, np.float32)
    return {
        "pass": lambda: run_pass((16, 3000, 3000), picture((8, 8, 16)), **poisson),
        "filter": lambda: run_pass((3, 12, 12), large, antialias=1, support=(1 << 14) / 12),
        "blur": lambda: lambda: _native.blur(large[:3000, :3000].copy(), weights, weights),
        "clahe": lambda: lambda: _native.clahe(large, 4.0, 8, 8),
        "count": lambda: lambda: _native.count_levels(np.broadcast_to(np.uint8(1), (1 << 16, 1 << 16, 1))),
        "fill": fill,
        "linear": lambda: linear(adjoint=False),
        "means": lambda: linear(adjoint=False, means=True),
        "adjoint": lambda: linear(adjoint=True),
    }


def is_ended(call: Call) -> bool:
    """Return whether Ctrl-C ends the call."""
    over, presses = threading.Event(), []

    def press() -> None:
        over.wait(random.uniform(0.0, 0.1))
        while not over.wait(0.02):
            os.kill(os.getpid(), signal.SIGINT)

    def handle(number: int, frame: Any) -> None:
        presses.append(number)
        if len(presses) == LONG_ENOUGH:
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, handle)
    thread = threading.Thread(target=press)
    thread.start()
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        over.set()
        thread.join()
    return False


def assert_works() -> None:
    """A call that is quick, and of which the result is known."""
    source, output = picture((90, 80, 3)), np.zeros((3, 90, 80), np.uint8)
    _native.run(make_rows(source, output), [source], [output], threads=THREADS)
    assert np.array_equal(output, source.transpose(2, 0, 1))


def assert_memory_comes_back(call: Callable[[], Call]) -> None:
    """Repeats a call of some 150 MB until it would have used up more than all of it."""
    sizes = []
    for _ in range(4):
        assert is_ended(call())
        sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())
    assert sizes[-1] < sizes[0] + 100e6, sizes


def main() -> None:
    for name, make in calls().items():
        if is_ended(make()):
            print(name)
        assert_works()
    assert_memory_comes_back(calls()["pass"])


if __name__ == "__main__":
    main()
