"""Run-length encoded masks, as COCO stores crowds: down the columns, beginning with a run of zeros."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from augsynth.arrays import Array
from augsynth.errors import ArgumentError, ArgumentTypeError


def is_rle(segmentation: Any) -> bool:
    """Whether a segmentation is run-length encoded, and no list of polygons."""
    return isinstance(segmentation, Mapping)


def decode(segmentation: Mapping[str, Any], what: str) -> Array:
    """The mask (H, W), uint8, of {"size": [H, W], "counts": …}; compressed counts need pycocotools.

    >>> decode({"size": [2, 3], "counts": [1, 2, 3]}, "segmentation").tolist()
    [[0, 1, 0], [1, 0, 0]]
    """
    counts = segmentation.get("counts")
    if isinstance(counts, (str, bytes)):
        compressed: Array = _pycocotools(what).decode(dict(segmentation))
        return compressed
    height, width = segmentation.get("size", (0, 0))
    if not isinstance(counts, (list, tuple, np.ndarray)) or sum(counts) != height * width:
        raise ArgumentError(
            f"{what} must have 'size' [H, W] and 'counts' that sum to H * W, got {dict(segmentation)!r}"
        )
    values = np.arange(len(counts), dtype=np.uint8) % 2
    mask: Array = np.repeat(values, counts).reshape(width, height).T
    return mask


def encode_like(mask: Array, original: Mapping[str, Any], what: str) -> dict[str, Any]:
    """A mask (H, W) encoded as `original` is, with its other entries.

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
    """The lengths of the runs of zeros and others, in turn; the first are zeros.

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
