"""A picture drawn by code, with boxes, masks and keypoints, to show transforms without any data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsynth.core.typing import Bytes, Mask


def scene(height: int = 96, width: int = 128) -> tuple[Bytes, dict[str, Any]]:
    """Return an image `(H, W, 3)` of a house and a tree under the sun, and a target with both and two keypoints each.

    A black wire is the only part with the value 0; it stands for missing values.

    Args:
        height: height in pixels; default 96.
        width: width in pixels; default 128.

    >>> image, target = scene()
    >>> image.shape, target["masks"].shape, sorted(target)
    ((96, 128, 3), (2, 96, 128), ['boxes', 'keypoints', 'labels', 'masks'])
    """
    x, y = (np.arange(width) + 0.5) / width, ((np.arange(height) + 0.5) / height)[:, None]
    wall = (abs(x - 0.33) < 0.16) & (y > 0.5) & (y < 0.85)
    roof = (y >= 0.27) & (y <= 0.5) & (abs(x - 0.33) < 0.9 * (y - 0.27))
    crown = ((x - 0.76) / 0.14) ** 2 + ((y - 0.45) / 0.22) ** 2 < 1
    trunk = (abs(x - 0.76) < 0.025) & (y >= 0.6) & (y < 0.88)
    painted: list[tuple[Mask, tuple[int, int, int]]] = [
        (y > 0.72 + 0.05 * np.sin(7 * x), (96, 150, 70)),
        ((x - 0.55) ** 2 + ((y - 0.17) * height / width) ** 2 < 0.004, (255, 221, 90)),
        (wall, (214, 176, 134)),
        (roof, (176, 62, 48)),
        ((abs(x - 0.38) < 0.04) & (y > 0.62) & (y < 0.85), (84, 58, 44)),
        ((abs(x - 0.25) < 0.04) & (abs(y - 0.63) < 0.06), (120, 170, 210)),
        (trunk, (110, 76, 50)),
        (crown, (44, 112, 62)),
        (abs(y - (0.08 + 0.12 * x)) * height < 0.5, (0, 0, 0)),
    ]
    sky = np.stack([120 + 100 * y + 0 * x, 170 + 50 * y + 0 * x, 235 + 0 * (x + y)], axis=-1)
    image = sky.astype(np.uint8)
    for where, colour in painted:
        image[np.broadcast_to(where, (height, width))] = colour
    masks = np.stack([np.broadcast_to(mask, (height, width)) for mask in (wall | roof, crown | trunk)])
    points = np.array([[(0.33, 0.27), (0.38, 0.735)], [(0.76, 0.45), (0.76, 0.88)]]) * (width, height)
    return image, {
        "boxes": np.stack([_box_around(mask) for mask in masks]),
        "labels": np.arange(2),
        "masks": masks,
        "keypoints": np.concatenate([points, np.full((2, 2, 1), 2.0)], axis=2),
    }


def _box_around(mask: Mask) -> NDArray[np.float64]:
    x, y = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return np.array([x[0], y[0], x[-1] + 1.0, y[-1] + 1.0])
