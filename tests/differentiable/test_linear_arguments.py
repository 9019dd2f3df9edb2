"""The compiled entry: what it is given is checked before a pixel is touched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native.native_rows import unaligned

from augsynth import _native
from augsynth.errors import ArgumentError, ArgumentTypeError

NONE = ("fill", "matrix", "of_mean", "offset", "boxes", "values", "gain", "bias")


def _parameters(**changes: Any) -> dict[str, Any]:
    given = {"inverse": np.eye(3)[None].repeat(2, 0), "edge": np.ones((2, 2)), "interpolation": 1, "border": 1}
    return given | dict.fromkeys(NONE) | changes


def _run(source: Any, output: Any, adjoint: bool = False, threads: int = 1, **changes: Any) -> None:
    _native.linear_pass(source, output, _parameters(**changes), adjoint=adjoint, threads=threads)


def _batch(*shape: int, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.zeros(shape, dtype)


def test_copies_what_it_is_given() -> None:
    images = np.random.default_rng(0).random((2, 3, 4, 5))
    output = np.empty_like(images)
    _run(images, output)
    np.testing.assert_array_equal(output, images)


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"source": _batch(2, 3, 4, 5, dtype=np.uint8)}, ArgumentTypeError, "source is |u1.* expected 4 axes of <f4"),
        ({"source": _batch(2, 3, 4, 5).astype(">f4")}, ArgumentTypeError, "source is >f4"),
        ({"source": _batch(3, 4, 5)}, ArgumentTypeError, r"source is <f4 \(3, 4, 5\)"),
        ({"source": _batch(2, 3, 4, 5, dtype=np.float64)}, ArgumentTypeError, "output is <f4"),
        ({"output": np.broadcast_to(np.float32(0), (2, 3, 4, 5))}, ArgumentTypeError, "output is read-only"),
        ({"output": _batch(1, 3, 4, 5)}, ArgumentError, r"output is <f4 \(1, 3, 4, 5\) for <f4 \(2, 3, 4, 5\)"),
        ({"output": _batch(2, 3, 4, 0)}, ArgumentError, "sides of 1 to 2\\^24"),
        ({"inverse": None}, ArgumentError, "inverse is missing"),
        ({"inverse": np.eye(3)[None]}, ArgumentError, "inverse is .* expected a contiguous array <f8"),
        ({"edge": np.ones((2, 4))[:, ::2]}, ArgumentError, "edge is .* expected a contiguous array"),
        ({"gain": np.ones((2, 3))}, ArgumentError, r"gain is <f8 \(2, 3\), expected a contiguous array <f4"),
        ({"boxes": np.zeros((2, 4), np.int32)}, ArgumentError, "boxes is"),
        ({"values": np.zeros((2, 1, 3), np.float32)}, ArgumentError, "values is"),
        ({"interpolation": 2}, ArgumentError, "interpolation is 2, expected 0 to 1"),
        ({"border": -1}, ArgumentError, "border is -1, expected 0 to 4"),
        ({"threads": 0}, ArgumentError, "threads is 0"),
        ({"inverse": np.full((2, 3, 3), np.inf)}, ArgumentError, r"inverse\[0\] has a number that is not finite"),
    ],
)
def test_refuses_what_does_not_fit(
    changes: dict[str, Any], error: type[Exception], message: str, adjoint: bool
) -> None:
    given: dict[str, Any] = {"source": _batch(2, 3, 4, 5), "output": _batch(2, 3, 4, 5)} | changes
    with pytest.raises(error, match=message):
        _run(**given, adjoint=adjoint)


@pytest.mark.parametrize("name", ["source", "output", "inverse"])
def test_addresses_must_be_whole_elements(name: str) -> None:
    images = _batch(2, 3, 4, 5, dtype=np.float64)
    given: dict[str, Any] = {"source": images, "output": images.copy(), "inverse": np.eye(3)[None].repeat(2, 0)}
    with pytest.raises(ArgumentTypeError, match=f"{name} lies at an address that is no multiple"):
        _run(**given | {name: unaligned(given[name])})


def test_strides_must_be_whole_elements() -> None:
    odd = np.zeros(2 * 3 * 4 * 5 * 6, np.uint8)
    shifted = np.lib.stride_tricks.as_strided(odd[:4].view(np.float32), (2, 3, 4, 5), (360, 120, 30, 6))
    with pytest.raises(ArgumentTypeError, match="no multiples"):
        _run(shifted, _batch(2, 3, 4, 5))
