"""Filling missing values from the picture around them.

Missing is what `mask` marks (true where missing), or else what equals `missing` (with NaN: what is NaN). Channels are
filled each by itself, so a value may be missing in one and serve in another; one that is missing altogether is filled
with `value`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.errors import ArgumentError
from augsynth.operations.scale import Floats, Image, stored

Mask = npt.NDArray[np.bool_]
Fill = Callable[[Floats, Mask], Floats]


def fill_missing_nearest(
    image: Image, *, missing: float = np.nan, mask: npt.ArrayLike | None = None, value: float = 0.0
) -> Image:
    """Each missing value becomes that of the nearest pixel (in Euclidean distance) where the channel has one.

    >>> fill_missing_nearest(np.array([[[7], [0], [0], [9]]], np.uint8), missing=0).ravel().tolist()
    [7, 7, 9, 9]
    """
    distance_transform = _imported("scipy.ndimage").distance_transform_edt

    def nearest(channel: Floats, gone: Mask) -> Floats:
        rows, columns = distance_transform(gone, return_distances=False, return_indices=True)
        filled: Floats = channel[rows, columns]
        return filled

    return _filled(image, missing, mask, value, nearest)


def fill_missing_inpaint(
    image: Image, *, missing: float = np.nan, mask: npt.ArrayLike | None = None, value: float = 0.0
) -> Image:
    """Continue the picture smoothly into what is missing, by biharmonic equations.

    Damelin and Hoang, "On Surface Completion and Image Inpainting by Biharmonic Functions" (2018), as in scikit-image.

    >>> image = np.repeat(np.arange(5, dtype=np.float32)[None, :, None], 5, axis=0)
    >>> image[2, 2] = np.nan
    >>> round(float(fill_missing_inpaint(image)[2, 2, 0]), 5)
    2.0
    """
    return _filled(image, missing, mask, value, _imported("skimage.restoration").inpaint_biharmonic)


def _filled(image: Image, missing: float, mask: npt.ArrayLike | None, value: float, fill: Fill) -> Image:
    gone = where_missing(image, missing, mask)
    result: Image = image.copy()
    for channel in range(image.shape[-1]):
        here = gone[..., channel]
        if here.all():
            result[..., channel] = stored(np.float64(value), image.dtype)
        elif here.any():
            known = np.where(here, 0.0, image[..., channel]).astype(np.float64)
            result[here, channel] = stored(fill(known, here)[here], image.dtype)
    return result


def where_missing(image: Image, missing: float = np.nan, mask: npt.ArrayLike | None = None) -> Mask:
    """Which values (H, W, C) of the image are missing; `mask` is (H, W).

    >>> where_missing(np.array([[[0.0], [np.nan]]], np.float32)).ravel().tolist()
    [False, True]
    """
    if mask is None:
        gone: Mask = np.isnan(image) if np.isnan(missing) else image == missing
        return gone
    marked = np.asarray(mask, dtype=bool)
    if marked.shape != image.shape[:2]:
        raise ArgumentError(f"the mask of missing values has shape {marked.shape}, the image is {image.shape[:2]}")
    return np.broadcast_to(marked[..., None], image.shape)


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ArgumentError(
            f"filling missing values from the picture needs {package}: pip install 'augsynth[missing]'"
        ) from error
