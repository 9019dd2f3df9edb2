"""What one transform does: a sheet of the picture before and after, with its targets drawn in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsynth.core.typing import Bytes
from augsynth.evaluate.figures import displayable
from augsynth.transforms import Compose, Transform

COLOURS = np.array([(255, 64, 160), (40, 90, 255), (255, 150, 0), (0, 200, 170)], np.uint8)


def before_after(
    transform: Transform | Compose,
    image: Bytes,
    target: Mapping[str, Any] | None,
    variants: int,
    seed: int,
    gap: int = 4,
) -> Bytes:
    """A sheet (H', W', 4): the image (H, W, 3) as it is, then `variants` draws of it, whose keys are (seed, j, 0).

    With a target, its masks, boxes and keypoints are drawn over every picture, one colour an object.
    """
    cells = [image if target is None else with_targets(image, target)]
    for epoch in range(variants):
        key = (seed, epoch, 0)
        output, moved = (transform(image, key=key), None) if target is None else transform(image, target, key=key)
        shown = displayable(output[None])[0][0]
        cells.append(shown if moved is None else with_targets(shown, moved))
    return side_by_side(cells, gap)


def side_by_side(images: Sequence[Bytes], gap: int) -> Bytes:
    """Images (H, W, 1 or 3) of any sizes in a line, on a transparent sheet."""
    height, width = max(len(one) for one in images), sum(one.shape[1] for one in images)
    sheet = np.zeros((height, width + gap * (len(images) - 1), 4), np.uint8)
    left = 0
    for one in images:
        top = (height - len(one)) // 2
        cell = sheet[top : top + len(one), left : left + one.shape[1]]
        cell[..., :3], cell[..., 3] = one[..., :3], 255
        left += one.shape[1] + gap
    return sheet


def with_targets(image: Bytes, target: Mapping[str, Any]) -> Bytes:
    """The image with each object's mask tinted, its box outlined, and a cross on each of its visible keypoints."""
    drawn: Bytes = image.copy()
    for number, (box, mask, points) in enumerate(
        zip(target["boxes"], target["masks"], target["keypoints"], strict=True)
    ):
        colour = COLOURS[number % len(COLOURS)]
        drawn[mask] = (2 * drawn[mask].astype(np.uint16) + colour) // 3
        _outline(drawn, box, colour)
        for x, y, visible in points:
            if visible:
                _cross(drawn, x, y)
    return drawn


def _outline(image: Bytes, box: NDArray[np.float64], colour: Bytes) -> None:
    left, top = np.floor(box[:2]).astype(int)
    right, bottom = np.ceil(box[2:]).astype(int)
    inner = image[top + 1 : bottom - 1, left + 1 : right - 1].copy()
    image[top:bottom, left:right] = colour
    image[top + 1 : bottom - 1, left + 1 : right - 1] = inner


def _cross(image: Bytes, x: float, y: float, reach: int = 2) -> None:
    height, width = image.shape[:2]
    column, row = min(int(x), width - 1), min(int(y), height - 1)
    image[row, max(column - reach, 0) : column + reach + 1] = 255
    image[max(row - reach, 0) : row + reach + 1, column] = 255
