"""What barriers compute, in torch's operations: the same values, to the bit, as the functions of the same names in
`augsynth.operations`, which say what they are. Nothing here waits for the device.

Each takes an image (H, W, C) of uint8, uint16 or float32 and gives a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from augsynth.operations.filters import check_kernel, normal_kernel

Image = torch.Tensor


def gaussian_blur(image: Image, *, kernel_size: Sequence[int], sigma: float) -> Image:
    """See `augsynth.operations.filters.gaussian_blur`.

    >>> spot = torch.zeros(1, 5, 1, dtype=torch.uint8)
    >>> spot[0, 2] = 100
    >>> gaussian_blur(spot, kernel_size=(3, 1), sigma=1.0)[0, :, 0].tolist()
    [0, 27, 45, 27, 0]
    """
    sizes = check_kernel(kernel_size, sigma)
    values = image.float()
    for axis, size in zip((1, 0), sizes, strict=True):
        values = _convolved(values, normal_kernel(size, sigma).tolist(), axis)
    return stored(values, image.dtype)


def _convolved(values: Image, kernel: Sequence[float], axis: int) -> Image:
    """Sums in the order of `_native.blur`: the middle first, and then pairs from outside in."""
    size, middle = values.shape[axis], len(kernel) // 2
    padded = values.index_select(axis, _reflected(size, middle, values.device))
    sums = padded.narrow(axis, middle, size) * kernel[middle]
    for at in range(middle):
        pair = padded.narrow(axis, at, size) + padded.narrow(axis, 2 * middle - at, size)
        sums = sums + pair * kernel[at]
    return sums


def _reflected(size: int, margin: int, device: torch.device) -> torch.Tensor:
    """The pixels that stand for those from -margin to size + margin, reflected about the outermost centres."""
    period = max(1, 2 * (size - 1))
    at = torch.arange(-margin, size + margin, device=device).remainder(period)
    return torch.minimum(at, period - at) if size > 1 else torch.zeros_like(at)


def sharpness(image: Image, *, factor: float) -> Image:
    """See `augsynth.operations.filters.sharpness`."""
    values = image.float()
    if min(values.shape[:2]) > 2:
        inner = values[1:-1, 1:-1]
        rows = values[:-2] + values[1:-1] + values[2:]
        total = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + inner * 4
        # Divided by a tensor: by a number, a device multiplies by the reciprocal, which rounds otherwise.
        smooth = total / torch.full((), 13.0, dtype=torch.float32, device=image.device)
        values = values.clone()
        values[1:-1, 1:-1] = smooth + (inner - smooth) * factor
    return stored(values.clamp(0.0, _full_scale(image.dtype)), image.dtype)


def equalize(image: Image) -> Image:
    """See `augsynth.operations.histograms.equalize`."""
    channels = image.reshape(-1, image.shape[2]).T
    equalized = _equalized_bytes(channels) if image.dtype == torch.uint8 else _equalized(channels)
    return equalized.T.reshape(image.shape)


def _equalized_bytes(channels: Image) -> Image:
    levels = channels.long()
    counts = torch.zeros(len(levels), 256, dtype=torch.long, device=levels.device)
    counts.scatter_add_(1, levels, torch.ones_like(levels))
    below = counts.cumsum(1) - counts
    step = below.gather(1, levels.amax(1, keepdim=True)) // 255
    spread = ((below + step // 2) // step.clamp(min=1)).clamp(max=255)
    table = torch.where(step > 0, spread, torch.arange(256, device=levels.device))
    return table.gather(1, levels).to(torch.uint8)


def _equalized(channels: Image) -> Image:
    values = channels.contiguous().double()
    finite = values.isfinite()
    ordered = values.where(finite, torch.inf).sort(dim=1).values
    below = torch.searchsorted(ordered, values.where(finite, 0.0))
    highest = values.where(finite, -torch.inf).amax(1, keepdim=True)
    total = torch.searchsorted(ordered, highest)
    spread = stored(_full_scale(channels.dtype) * below.double() / total.clamp(min=1), channels.dtype)
    # By way of float64, which holds all values, because torch has few operations on uint16.
    return torch.where(finite & (total > 0), spread.double(), values).to(channels.dtype)


def autocontrast(image: Image) -> Image:
    """See `augsynth.operations.histograms.autocontrast`."""
    values = image.double()
    finite = values.isfinite()
    low = values.where(finite, torch.inf).amin((0, 1))
    high = values.where(finite, -torch.inf).amax((0, 1))
    flat = low >= high
    if image.dtype == torch.float32:
        stretched = ((values - low) / torch.where(flat, 1.0, high - low)).clamp(0.0, 1.0)
    else:
        scaled = (values - low).long() * int(_full_scale(image.dtype))
        stretched = (scaled // torch.where(flat, 1, high - low).long()).double()
    return torch.where(flat, values, stretched).to(image.dtype)


def stored(values: torch.Tensor, dtype: torch.dtype) -> Image:
    """See `augsynth.operations.scale.stored`."""
    if dtype == torch.float32:
        return values.to(dtype)
    return (values.clamp(0.0, _full_scale(dtype)) + 0.5).floor().to(torch.int32).to(dtype)


def _full_scale(dtype: torch.dtype) -> float:
    return {torch.uint8: 255.0, torch.uint16: 65535.0}.get(dtype, 1.0)


OPERATIONS: Mapping[str, Callable[..., Image]] = {
    "autocontrast": autocontrast,
    "equalize": equalize,
    "gaussian_blur": gaussian_blur,
    "sharpness": sharpness,
}
