"""Run-length encoded masks, as COCO stores crowds: along the columns, beginning with a run of zeros."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, TypeGuard

import numpy as np

from augsynth.core.typing import Array
from augsynth.errors import ArgumentError, ArgumentTypeError, shown


def is_rle(segmentation: Any) -> bool:
    """Return whether a segmentation is run-length encoded, and no list of polygons."""
    return isinstance(segmentation, Mapping)


def decode(segmentation: Mapping[str, Any], what: str) -> Array:
    """Return the mask (H, W), uint8, of {"size": [H, W], "counts": …}.

    Args:
        segmentation: the encoded mask; compressed counts need pycocotools.
        what: its name in messages.

    >>> decode({"size": [2, 3], "counts": [1, 2, 3]}, "segmentation").tolist()
    [[0, 1, 0], [1, 0, 0]]
    """
    counts = segmentation.get("counts")
    if isinstance(counts, (str, bytes)):
        compressed: Array = _pycocotools(what).decode(dict(segmentation))
        return compressed
    size = segmentation.get("size")
    if not (_are_lengths(counts) and _are_lengths(size) and len(size) == 2 and sum(counts) == math.prod(size)):
        raise ArgumentError(
            f"{what} must have 'size' [H, W] and 'counts' that sum to H * W, got {shown(dict(segmentation))}"
        )
    height, width = size
    values = np.arange(len(counts), dtype=np.uint8) % 2
    mask: Array = np.repeat(values, counts).reshape(width, height).T
    return mask


def _are_lengths(values: Any) -> TypeGuard[Sequence[int]]:
    """Return whether a value is a list of integers of at least 0."""
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return isinstance(listed, (list, tuple)) and all(
        isinstance(length, Integral) and int(length) >= 0 for length in listed
    )


def encode_like(mask: Array, original: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return a mask encoded in the form of another segmentation, with the other entries of that.

    Args:
        mask: (H, W).
        original: the segmentation whose form is taken.
        what: its name in messages.

    >>> encode_like(np.array([[0, 1, 0], [1, 0, 0]], np.uint8), {"size": [9, 9], "counts": []}, "segmentation")
    {'size': [2, 3], 'counts': [1, 2, 3]}
    """
    height, width = mask.shape
    counts: Any
    if isinstance(original["counts"], (str, bytes)):
        counts = _pycocotools(what).encode(np.asfortranarray(mask))["counts"]
        if isinstance(original["counts"], str):
            counts = counts.decode("ascii")
    else:
        counts = runs(mask.T.reshape(-1))
    return {**original, "size": [height, width], "counts": counts}


def runs(values: Array) -> list[int]:
    """Return the lengths of the runs of zeros and of other values in turn; zeros come first.

    >>> runs(np.array([1, 1, 0]))
    [0, 2, 1]
    """
    bits = values != 0
    borders = np.flatnonzero(np.diff(bits, prepend=False))
    return [int(length) for length in np.diff(borders, prepend=0, append=len(bits))]


def _pycocotools(what: str) -> Any:
    try:
        from pycocotools import mask
    except ImportError:
        raise ArgumentTypeError(
            f"{what} is compressed, and pycocotools, which reads that, is not installed: `pip install pycocotools`, or "
            "give uncompressed counts (a list of run lengths)"
        ) from None
    return mask
