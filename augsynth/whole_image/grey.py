"""The grey of an image as its only channel. It runs in NumPy."""

from __future__ import annotations

import numpy as np

from augsynth.core.scale import stored
from augsynth.core.typing import Image
from augsynth.whole_image.description import WholeImageOperation

# ITU-R BT.601.
LUMA = (0.299, 0.587, 0.114)


def grey(image: Image) -> Image:
    """Weigh red, green and blue into one channel (H, W, 1); a fourth channel is left out, and a single one stays.

    >>> grey(np.array([[[100, 200, 0]]], np.uint8)).tolist()
    [[[147]]]
    """
    if image.shape[2] < 3:
        only: Image = image[..., :1].copy()
        return only
    red, green, blue = (weight * image[..., channel].astype(np.float64) for channel, weight in enumerate(LUMA))
    return stored((red + green + blue)[..., None], image.dtype)


GREY = WholeImageOperation("grey", grey, keeps_positions=True, channels=1)
