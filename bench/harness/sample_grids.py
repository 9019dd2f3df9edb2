"""Pictures of generated images: a column for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

ROWS, COLUMNS, SCALE, GAP = 4, 10, 2, 2


def write_grid(images: Tensor, path: Path) -> None:
    """Write the first 40 images, row by row, as a PNG file.

    Args:
        images: uint8 (n, 1 or 3, H, W), n at least 40.
        path: the file.
    """
    pixels = images[: ROWS * COLUMNS].permute(0, 2, 3, 1).numpy()
    height, width = SCALE * pixels.shape[1], SCALE * pixels.shape[2]
    page = np.full((ROWS * (height + GAP), COLUMNS * (width + GAP), 3), 255, np.uint8)
    for index, image in enumerate(pixels):
        row, column = divmod(index, COLUMNS)
        top, left = row * (height + GAP), column * (width + GAP)
        page[top : top + height, left : left + width] = image.repeat(SCALE, 0).repeat(SCALE, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(page).quantize(64).save(path, optimize=True)
