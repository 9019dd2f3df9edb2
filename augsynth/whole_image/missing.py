"""Filling missing values, by the picture around them or without it.

Missing is what `mask` (H, W) marks (true where missing), or else what equals `missing` (with NaN: what is NaN).
Channels are filled each by itself, so a value may be missing in one and serve in another. In a channel that is missing
altogether, everything becomes `value`, a number or one a channel.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.core.scale import stored
from augsynth.core.typing import Floats, Image, Mask
from augsynth.errors import ArgumentError
from augsynth.whole_image.description import WholeImageOperation

Fill = Callable[[Floats, Mask], npt.ArrayLike]


def fill_missing_constant(
    image: Image, *, missing: float = np.nan, mask: Mask | None = None, value: npt.ArrayLike = 0.0
) -> Image:
    """Each missing value becomes `value`.

    >>> fill_missing_constant(np.array([[[7], [0]]], np.uint8), missing=0, value=5).ravel().tolist()
    [7, 5]
    """
    gone = where_missing(image, missing, mask)
    filled: Image = np.where(gone, stored(np.asarray(value, np.float64), image.dtype), image)
    return filled


def fill_missing_random(
    image: Image,
    *,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    stream: npt.NDArray[np.uint32],
    missing: float = np.nan,
    mask: Mask | None = None,
) -> Image:
    """Each missing value becomes uniform in [low, high); `stream` (4,) keys the bits.

    >>> key = np.arange(4, dtype=np.uint32)
    >>> filled = fill_missing_random(np.zeros((1, 9, 1), np.float32), low=1.0, high=2.0, stream=key, missing=0)
    >>> bool(((filled >= 1) & (filled < 2)).all())
    True
    """
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    bits = np.random.Philox(key=np.ascontiguousarray(stream).view(np.uint64)).random_raw(image.size)
    values = low + (high - low) * ((bits >> np.uint64(11)) * 2.0**-53).reshape(image.shape)
    filled: Image = np.where(where_missing(image, missing, mask), stored(values, image.dtype), image)
    return filled


def fill_missing_mean(
    image: Image, *, missing: float = np.nan, mask: Mask | None = None, value: npt.ArrayLike = 0.0
) -> Image:
    """Each missing value becomes the mean of the channel's values that are there.

    >>> fill_missing_mean(np.array([[[10], [0], [13]]], np.uint8), missing=0).ravel().tolist()
    [10, 12, 13]
    """
    return _filled(image, missing, mask, value, lambda channel, gone: channel[~gone].mean())


def fill_missing_nearest(
    image: Image, *, missing: float = np.nan, mask: Mask | None = None, value: npt.ArrayLike = 0.0
) -> Image:
    """Each missing value becomes that of the nearest pixel (in Euclidean distance) where the channel has one.

    >>> fill_missing_nearest(np.array([[[7], [0], [0], [9]]], np.uint8), missing=0).ravel().tolist()
    [7, 7, 9, 9]
    """
    distance_transform = _imported("scipy.ndimage").distance_transform_edt

    def nearest(channel: Floats, gone: Mask) -> Floats:
        rows, columns = distance_transform(gone, return_distances=False, return_indices=True)
        found: Floats = channel[rows[gone], columns[gone]]
        return found

    return _filled(image, missing, mask, value, nearest)


def fill_missing_inpaint(
    image: Image, *, missing: float = np.nan, mask: Mask | None = None, value: npt.ArrayLike = 0.0
) -> Image:
    """Continue the picture smoothly into what is missing, by biharmonic equations, as scikit-image does.

    Damelin and Hoang, "On surface completion and image inpainting by biharmonic functions: numerical aspects" (2018).

    >>> image = np.repeat(np.arange(5, dtype=np.float32)[None, :, None], 5, axis=0)
    >>> image[2, 2] = np.nan
    >>> round(float(fill_missing_inpaint(image)[2, 2, 0]), 5)
    2.0
    """
    inpaint = _imported("skimage.restoration").inpaint_biharmonic
    return _filled(image, missing, mask, value, lambda channel, gone: inpaint(channel, gone)[gone])


def where_missing(image: Image, missing: float = np.nan, mask: Mask | None = None) -> Mask:
    """Return True for each missing value: (H, W, C), or (H, W, 1) for a mask.

    Args:
        image: (H, W, C).
        missing: the value that marks missing values.
        mask: bool (H, W), True where values are missing; it takes the place of `missing`.

    >>> where_missing(np.array([[[0.0], [np.nan]]], np.float32)).ravel().tolist()
    [False, True]
    """
    if mask is None:
        gone: Mask = np.isnan(image) if np.isnan(missing) else image == missing
        return gone
    if mask.shape != image.shape[:2] or mask.dtype != bool:
        raise ArgumentError(
            f"a mask of missing values must be bool {image.shape[:2]}, as the image, got {mask.dtype} {mask.shape}"
        )
    return mask[:, :, None]


@np.errstate(over="ignore", invalid="ignore")
def _filled(image: Image, missing: float, mask: Mask | None, value: npt.ArrayLike, fill: Fill) -> Image:
    """The image with its missing values as `fill` finds them, from a channel (H, W) whose missing values are 0."""
    gone = np.broadcast_to(where_missing(image, missing, mask), image.shape)
    values = np.broadcast_to(np.asarray(value, np.float64), image.shape[-1:])
    result: Image = image.copy()
    for channel in range(image.shape[-1]):
        here = np.array(gone[..., channel])  # scikit-image wants one that it may write to
        if here.all():
            result[..., channel] = stored(values[channel], image.dtype)
        elif here.any():
            known = np.where(here, 0.0, image[..., channel].astype(np.float64))
            result[here, channel] = stored(np.asarray(fill(known, here)), image.dtype)
    return result


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ArgumentError(
            f'filling missing values from the picture around them needs {package}: pip install "augsynth[missing]"'
        ) from error


CONSTANT = WholeImageOperation("fill_missing_constant", fill_missing_constant, keeps_positions=True)
RANDOM = WholeImageOperation(
    "fill_missing_random",
    fill_missing_random,
    {"low": 0.0, "high": 1.0, "stream": np.arange(4, dtype=np.uint32)},
    keeps_positions=True,
)
MEAN = WholeImageOperation("fill_missing_mean", fill_missing_mean, keeps_positions=True)
NEAREST = WholeImageOperation("fill_missing_nearest", fill_missing_nearest, keeps_positions=True)
INPAINT = WholeImageOperation("fill_missing_inpaint", fill_missing_inpaint, keeps_positions=True)
