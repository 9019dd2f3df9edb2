"""Type aliases of arrays that all folders share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth._native.arguments import Array

__all__ = ["Array", "Bits", "Bytes", "Floats", "Image", "Images", "Ints", "Labels", "Mask", "Singles"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.integer[Any]]  # classes, in any type that holds them
Mask = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint32]  # random words
Bytes = npt.NDArray[np.uint8]
Image = Array  # (H, W, C) or (H, W)
Images = Sequence[Image] | Array  # a list of images, or one array (n, H, W, C)
