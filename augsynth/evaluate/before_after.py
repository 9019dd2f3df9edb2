"""Pictures of the effect of a transform: the image before and after, with its targets drawn in."""

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
    """Return a sheet (H', W', 4) with an image and several transformed variants of it.

    Args:
        transform: transform or pipeline.
        image: uint8 (H, W, 3).
        target: boxes, masks and keypoints, which are drawn over every picture in one colour an object; None to draw
            nothing.
        variants: number of variants; variant j has the key (seed, j, 0).
        seed: seed of the keys.
        gap: distance between pictures in pixels; default 4.
    """
    cells = [image if target is None else with_targets(image, target)]
    for epoch in range(variants):
        key = (seed, epoch, 0)
        output, moved = (transform(image, key=key), None) if target is None else transform(image, target, key=key)
        shown = displayable(output[None])[0][0]
        cells.append(shown if moved is None else with_targets(shown, moved))
    return side_by_side(cells, gap)


def side_by_side(images: Sequence[Bytes], gap: int) -> Bytes:
    """Return images (H, W, 1 or 3) of any sizes in one row, on a transparent sheet; the gap is in pixels."""
    height, width = max(len(image) for image in images), sum(image.shape[1] for image in images)
    sheet = np.zeros((height, width + gap * (len(images) - 1), 4), np.uint8)
    left = 0
    for image in images:
        top = (height - len(image)) // 2
        cell = sheet[top : top + len(image), left : left + image.shape[1]]
        cell[..., :3], cell[..., 3] = image[..., :3], 255
        left += image.shape[1] + gap
    return sheet


def with_targets(image: Bytes, target: Mapping[str, Any]) -> Bytes:
    """Return the image with the mask of each object tinted, its box outlined, and a cross on each visible keypoint."""
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
