"""Blurring with a normal kernel. A NaN spreads over the filter's footprint.

Sums have a fixed order, and each operation rounds exactly: results do not depend on the instruction set or the number
of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from augsynth import _native
from augsynth.core.typing import Image, Singles
from augsynth.errors import ArgumentError
from augsynth.whole_image import torch_scale
from augsynth.whole_image.description import WholeImageOperation

# A margin as wide as half of it is put around an image.
LARGEST_KERNEL = 4095

_REACH = math.sqrt(2 * math.log(2**32))  # in sigma


def gaussian_blur(image: Image, *, kernel_size: Sequence[int], sigma: float) -> Image:
    """Convolve with a normal kernel of `kernel_size` = (width, height) pixels, both odd, and `sigma` pixels.

    The kernel is exp(-t**2 / (2 sigma**2)) at whole t up to 6.66 sigma, divided by its sum. Beyond its edges the image
    is reflected about the outermost pixel centres (reflect101), again and again where the kernel is larger than it.

    >>> spot = np.zeros((1, 5, 1), np.uint8)
    >>> spot[0, 2] = 100
    >>> gaussian_blur(spot, kernel_size=(3, 1), sigma=1.0)[0, :, 0].tolist()
    [0, 27, 45, 27, 0]
    """
    x, y = (normal_kernel(size, sigma) for size in check_kernel(kernel_size, sigma))
    return _native.blur(image, x[: len(x) // 2 + 1], y[: len(y) // 2 + 1])


def check_kernel(kernel_size: Sequence[int], sigma: float) -> list[int]:
    """The sizes as whole numbers; `ArgumentError` unless they and `sigma` make a kernel."""
    sizes = [int(size) for size in kernel_size]
    if not sigma > 0 or any(size % 2 == 0 or not 0 < size <= LARGEST_KERNEL for size in sizes):
        raise ArgumentError(
            f"a kernel must be of odd size up to {LARGEST_KERNEL} and of sigma > 0, got {sizes} and {sigma!r}"
        )
    return sizes


def normal_kernel(size: int, sigma: float) -> Singles:
    """The weights of a normal kernel `size` pixels wide; they sum to 1.

    Those farther out than 6.66 `sigma`, which are less than 2**-32 of the one in the middle, are left out.

    >>> [round(float(weight), 2) for weight in normal_kernel(3, 1.0)]
    [0.27, 0.45, 0.27]
    >>> len(normal_kernel(23, 1.0))
    13
    """
    middle = int(min(size // 2, sigma * _REACH))
    distances = [t / float(sigma) for t in range(-middle, middle + 1)]
    weights = [math.exp(-0.5 * t * t) for t in distances]
    return (np.array(weights) / math.fsum(weights)).astype(np.float32)


def _torch_blur(image: Tensor, *, kernel_size: Sequence[int], sigma: float) -> Tensor:
    """Compute `gaussian_blur` in torch's operations."""
    sizes = check_kernel(kernel_size, sigma)
    values = image.float()
    for axis, size in zip((1, 0), sizes, strict=True):
        values = _convolved(values, normal_kernel(size, sigma).tolist(), axis)
    return torch_scale.stored(values, image.dtype)


def _convolved(values: Tensor, kernel: Sequence[float], axis: int) -> Tensor:
    """Sums in the order of `_native.blur`: the middle first, and then pairs from outside in."""
    size, middle = values.shape[axis], len(kernel) // 2
    padded = values.index_select(axis, _reflected(size, middle, values.device))
    sums = padded.narrow(axis, middle, size) * kernel[middle]
    for at in range(middle):
        pair = padded.narrow(axis, at, size) + padded.narrow(axis, 2 * middle - at, size)
        sums = sums + pair * kernel[at]
    return sums


def _reflected(size: int, margin: int, device: torch.device) -> Tensor:
    """The pixels that stand for those from -margin to size + margin, reflected about the outermost centres."""
    period = max(1, 2 * (size - 1))
    at = torch.arange(-margin, size + margin, device=device).remainder(period)
    return torch.minimum(at, period - at) if size > 1 else torch.zeros_like(at)


GAUSSIAN_BLUR = WholeImageOperation(
    "gaussian_blur",
    gaussian_blur,
    {"kernel_size": (3, 5), "sigma": 1.2},
    torch_function=_torch_blur,
    keeps_positions=True,
)
