"""Loss by JPEG compression: encoded and decoded by Pillow, in 8 bits."""

from __future__ import annotations

import io

import numpy as np

from augsynth.core.scale import full_scale, stored
from augsynth.core.typing import Image
from augsynth.errors import ArgumentError
from augsynth.whole_image.description import WholeImageOperation

_LONGEST_SIDE = 65500


def jpeg(image: Image, *, quality: int) -> Image:
    """Compress an image (H, W, C) of 1, 3 or 4 channels, the last of 4 being left out, and decode it again.

    Pillow's defaults: colours at half the resolution (4:2:0). Values of other dtypes than uint8 are rounded to 8 bits
    of the full scale, and become NaN nowhere: NaN is taken for 0.

    >>> jpeg(np.full((8, 8, 3), 100, np.uint8), quality=50)[0, 0].tolist()
    [100, 100, 100]
    """
    colours = image.shape[2] - (image.shape[2] == 4)
    if colours not in (1, 3) or max(image.shape) > _LONGEST_SIDE:
        raise ArgumentError(f"JPEG has 1 or 3 colours and sides up to {_LONGEST_SIDE}, got an image {image.shape}")
    bytes_, scale = image[..., :colours], full_scale(image.dtype) / 255.0
    if image.dtype != np.uint8:
        bytes_ = stored(np.nan_to_num(bytes_ / scale), np.dtype(np.uint8))
    result: Image = image.copy()
    result[..., :colours] = stored(_coded(bytes_, int(quality)).reshape(bytes_.shape) * scale, image.dtype)
    return result


def _coded(image: Image, quality: int) -> Image:
    try:
        from PIL import Image as PillowImage
    except ImportError as error:
        raise ArgumentError('JPEGCompression needs Pillow: pip install "augsynth[decode]"') from error
    file = io.BytesIO()
    PillowImage.fromarray(np.ascontiguousarray(image[..., 0] if image.shape[2] == 1 else image)).save(
        file, "JPEG", quality=quality
    )
    return np.asarray(PillowImage.open(file))


JPEG = WholeImageOperation("jpeg", jpeg, {"quality": 60}, keeps_positions=True, clamps_floats_to=1.0)
