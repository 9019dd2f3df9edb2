"""Showing: the part of a target that an output shows, where other images lie above it, or one object is cut out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from augsynth.core.arrays import to_numpy
from augsynth.core.geometry import box_areas
from augsynth.core.typing import Array, Floats, Mask
from augsynth.targets.boxes import Placed, enough, fractions, large_enough, mask_box
from augsynth.targets.rules import TargetRules


@dataclass(frozen=True)
class Showing:
    """The part of a target that an output shows.

    Args:
        hidden: bool (H, W), the pixels of the output that other images cover; None (the default) for none.
        only: the number of the one object that is shown; None (the default) for all.
    """

    hidden: Mask | None = None
    only: int | None = None

    def chosen(self, placed: Placed) -> Placed:
        """Return objects of which `only` one is kept."""
        if self.only is None:
            return placed
        return replace(placed, kept=placed.kept & (np.arange(len(placed.kept)) == self.only))

    def of_masks(self, masks: Any) -> Any:
        """Return masks (n, H, W) of objects, an array or a tensor, without the pixels that are hidden."""
        if self.hidden is None:
            return masks
        if isinstance(masks, torch.Tensor):
            return masks.masked_fill(torch.from_numpy(self.hidden).to(masks.device), 0)
        return np.where(self.hidden, masks.dtype.type(0), masks)

    def of_points(self, points: Floats, visibility: Array) -> Array:
        """Return the visibility of points (..., 2): 1 instead of 2 where they are hidden."""
        if self.hidden is None:
            return visibility
        height, width = self.hidden.shape
        there = np.nan_to_num(points, nan=-1.0)
        inside = np.all((there >= 0) & (there < (width, height)), axis=-1)
        pixels = np.where(inside[..., None], there, 0).astype(np.int64)
        covered = inside & self.hidden[pixels[..., 1], pixels[..., 0]]
        hidden: Array = np.where(covered & (visibility == 2), 1, visibility).astype(visibility.dtype)
        return hidden

    def of_boxes(self, placed: Placed, masks: Any | None, rules: TargetRules) -> Placed:
        """Return objects whose boxes lie around the parts that are not hidden; those with no such part are not kept.

        Args:
            placed: the objects without anything above them.
            masks: their moved masks (n, H, W), with the hidden pixels; None if they have none.
            rules: rules for what is kept.
        """
        if self.hidden is None or not self.hidden.any():
            return placed
        found = [self._left_of(placed, number, masks) for number in range(len(placed.boxes))]
        boxes = np.array([box for box, _ in found]).reshape(-1, 4)
        visible = placed.visible * np.array([share for _, share in found])
        kept = placed.kept & enough(visible, rules) & large_enough(boxes, rules) & (box_areas(boxes) >= rules.min_area)
        return Placed(boxes, visible, kept)

    def _left_of(self, placed: Placed, number: int, masks: Any | None) -> tuple[Floats, float]:
        """Return the box around the part of an object that is not hidden, and the share of that part."""
        assert self.hidden is not None
        box = placed.boxes[number]
        if not placed.kept[number]:
            return box, 1.0
        if masks is not None:
            mask = to_numpy(masks[number] != 0, "masks")
            rest = mask & ~self.hidden
            before, after = np.count_nonzero(mask), np.count_nonzero(rest)
            if after == before:
                return box, 1.0
            return (mask_box(rest), after / before) if after else (box, 0.0)
        return _left_of_box(box, self.hidden)


EVERYTHING = Showing()


def _left_of_box(box: Floats, hidden: Mask) -> tuple[Floats, float]:
    """Return the box around the part of a box (4,) within the frame that is not hidden, and the share of its area."""
    left, top = np.floor(box[:2]).astype(int)
    right, bottom = np.ceil(box[2:]).astype(int)
    covered = hidden[top:bottom, left:right]
    if not covered.any():
        return box, 1.0
    down = _lengths(top, bottom, box[1], box[3])
    across = _lengths(left, right, box[0], box[2])
    share = 1.0 - float(fractions(down @ covered @ across, down.sum() * across.sum()))
    if covered.all():
        return box, 0.0
    rest = mask_box(~covered) + np.array([left, top, left, top])
    return np.concatenate([np.maximum(rest[:2], box[:2]), np.minimum(rest[2:], box[2:])]), share


def _lengths(first: int, behind: int, low: float, high: float) -> Floats:
    """Return the length of [low, high] that lies in each of the pixels first, …, behind − 1."""
    pixels = np.arange(first, behind)
    lengths: Floats = np.minimum(pixels + 1.0, high) - np.maximum(pixels, low)
    return lengths


def covered_by(regions: Sequence[tuple[tuple[int, int], Mask]], size: tuple[int, int]) -> Mask | None:
    """Return the pixels of an output that regions cover; None if there are none.

    Args:
        regions: the (top, left) of each region, and its pixels, bool (h, w).
        size: (H, W) of the output.
    """
    if not regions:
        return None
    hidden = np.zeros(size, bool)
    for (top, left), region in regions:
        height, width = region.shape
        hidden[top : top + height, left : left + width] |= region
    return hidden
