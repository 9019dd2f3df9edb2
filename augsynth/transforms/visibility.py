"""Windows and rectangles that leave objects visible: only the key and the sample's own boxes decide."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from augsynth.core.geometry import box_areas, clip_boxes
from augsynth.core.typing import Floats, Ints, Mask
from augsynth.plan.lowering import ImageInfo
from augsynth.transforms.windows import random_offsets

ATTEMPTS = 10


def attempts(min_visible: float) -> int:
    """The number of windows that are drawn to choose from."""
    return ATTEMPTS if min_visible > 0 else 1


def most_visible(images: ImageInfo, windows: npt.NDArray[np.number], min_visible: float) -> Ints:
    """The first (n,) of the windows (n, m, 4), as XYXY, in which all boxes keep `min_visible` of their area.

    If there is none, it is the window in which most boxes do. If several are equal in that, it is the one that shows
    the most of the boxes' areas. A box counts by its part that is in view before.
    """
    chosen = np.zeros(len(windows), np.int64)
    for sample, boxes in enumerate(in_view(images)):
        fractions = covered(boxes, windows[sample].astype(np.float64))
        fits = fractions >= min_visible
        shown = np.count_nonzero(fits, axis=1) + fractions.sum(axis=1) / (len(boxes) + 1)
        chosen[sample] = np.argmax(np.where(fits.all(axis=1), np.inf, shown))
    return chosen


def first_sparing(images: ImageInfo, rectangles: npt.NDArray[np.number], fits: Mask, min_visible: float) -> Mask:
    """A mask of `rectangles` in `fits` that leave `min_visible` of each box, together with the rectangles before them.

    `rectangles` are (n, count, m, 4), as (top, left, bottom, right). The first of the m that fits is the one that is
    used.
    """
    if min_visible == 0:
        return fits
    result: Mask = fits.copy()
    for sample, boxes in enumerate(in_view(images)):
        left = np.ones(len(boxes))
        for number, tried in enumerate(rectangles[sample]):
            hidden = covered(boxes, tried[:, [1, 0, 3, 2]].astype(np.float64))
            result[sample, number] &= np.all(left - hidden >= min_visible, axis=1)
            if result[sample, number].any():
                left -= hidden[result[sample, number].argmax()]
    return result


def covered(boxes: Floats, windows: Floats) -> Floats:
    """The fraction (m, k) of each of the boxes (k, 4) that lies within each of the windows (m, 4).

    >>> covered(np.array([[0.0, 0.0, 4.0, 2.0]]), np.array([[1.0, 0.0, 9.0, 9.0]])).tolist()
    [[0.75]]
    """
    fractions: Floats = common(boxes, windows) / box_areas(boxes)
    return fractions


def common(boxes: Floats, windows: Floats) -> Floats:
    """The area (m, k) that each of the boxes (k, 4) and each of the windows (m, 4) have in common."""
    low = np.maximum(boxes[None, :, :2], windows[:, None, :2])
    high = np.minimum(boxes[None, :, 2:], windows[:, None, 2:])
    shared = np.concatenate([low, high], axis=-1)
    areas: Floats = box_areas(shared).reshape(shared.shape[:2])
    return areas


def showing_all(images: ImageInfo, size: tuple[int, int], low: Floats, high: Floats, u: Floats) -> Floats:
    """The (top, left) (n, 2) of a window of `size` that shows all boxes, drawn with `u`; NaN if there is none.

    `low` and `high` (n, 2) are the bounds of the (top, left).
    """
    corners = np.full(low.shape, np.nan)
    for sample, boxes in enumerate(in_view(images)):
        if len(boxes):
            first = np.maximum(low[sample], np.ceil(boxes[:, :1:-1].max(axis=0)) - size)
            room = np.minimum(high[sample], np.floor(boxes[:, 1::-1].min(axis=0))) - first
            if (room >= 0).all():
                corners[sample] = first + random_offsets(u[sample], room)
    return corners


def in_view(images: ImageInfo) -> list[Floats]:
    """The part of each sample's boxes that is in the frame, (k, 4); an empty list without boxes."""
    found = images.boxes
    if found is None:
        return []
    clipped = [clip_boxes(boxes, *size) for boxes, size in zip(found, images.sizes, strict=True)]
    return [boxes[box_areas(boxes) > 0] for boxes in clipped]
