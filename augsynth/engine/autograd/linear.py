"""The call of the linear pass: checks of its parameters, and values for those that are left out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from augsynth._native.layout import MAX_CHANNELS, Border, Interpolation
from augsynth.engine.autograd import ops
from augsynth.errors import ArgumentError, ArgumentTypeError


def linear_pass(
    images: Tensor,
    inverse: Tensor,
    size: Sequence[int] | None = None,
    *,
    border: Border = Border.REPLICATE,
    interpolation: Interpolation = Interpolation.BILINEAR,
    edge: Tensor | None = None,
    fill: Tensor | None = None,
    matrix: Tensor | None = None,
    of_mean: Tensor | None = None,
    offset: Tensor | None = None,
    boxes: Tensor | None = None,
    values: Tensor | None = None,
    gain: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Resample, map colours, erase and normalise a batch in one operation that torch differentiates in the images.

    The stages are those of a native pass, in its order, as `docs/design/numerics.md` defines them, without the clamp,
    which has no gradient. Every tensor has one entry for each sample and is on the device of the images. Floating-point
    tensors may have any precision. No parameter gets a gradient, and none may require one.

    Args:
        images: `(B, C, H, W)`, 1 to 16 channels, of any floating-point dtype and any strides. Half precision is
            computed in float32.
        inverse: `(B, 3, 3)`, from output to source coordinates: pixel i spans [i, i+1), and the map may be projective.
        size: (height, width) of the output, by default that of the images.
        border: rule for positions outside the image; default `REPLICATE`.
        interpolation: `BILINEAR`, the default, or `NEAREST`.
        edge: `(B, 2)`, the width in pixels, along x and y, of the ramp between the image and a constant border; 1 by
            default.
        fill: `(B, C)`, the value of a constant border; 0 by default.
        matrix: `(B, C, C)`. Each pixel v becomes matrix v + of_mean m + offset, with m the means of the sampled
            picture. By default colours are not mapped.
        of_mean: `(B, C, C)`; it needs a `matrix`.
        offset: `(B, C)`, 0 by default.
        boxes: `(B, K, 4)` integers (top, left, bottom, right) in pixels of the output. Later boxes cover earlier ones.
            They may reach beyond the picture. None by default.
        values: `(B, K, C)`, written into the boxes; 0 by default.
        gain: `(B, C)`, the factor after all other stages; 1 by default.
        bias: `(B, C)`, added after `gain`; 0 by default.

    Raises:
        ArgumentError: shapes that do not fit, or a map that takes a corner of the output behind its horizon or beyond
            2^24 pixels. (On a GPU maps are not checked, and positions beyond are moved to the nearest bound.)
        ArgumentTypeError: a dtype or device that is not supported, or a parameter that requires a gradient.

    >>> images = torch.arange(4.0).view(1, 1, 2, 2).requires_grad_()
    >>> turned = linear_pass(images, torch.tensor([[[0.0, 1, 0], [-1, 0, 2], [0, 0, 1]]]))
    >>> turned.flatten().tolist()
    [2.0, 0.0, 3.0, 1.0]
    >>> torch.autograd.grad(turned[0, 0, 0, 1], images)[0].flatten().tolist()
    [1.0, 0.0, 0.0, 0.0]
    """
    _check_images(images)
    if of_mean is not None and matrix is None:
        raise ArgumentError("of_mean is part of a colour map, give its matrix too")
    work = images if images.dtype in (torch.float32, torch.float64) else images.float()
    count, k = images.shape[0], boxes.shape[1] if boxes is not None and boxes.ndim == 3 else 0
    height, width = images.shape[2:] if size is None else size
    if edge is None:
        edge = torch.ones(count, 2, dtype=torch.float64, device=images.device)
    numbers = _numbers(
        work, k, fill=fill, matrix=matrix, of_mean=of_mean, offset=offset, values=values, gain=gain, bias=bias
    )
    parameters = ops.Parameters(
        inverse=_checked(inverse, "inverse", (count, 3, 3), torch.float64, images),
        edge=_checked(edge, "edge", (count, 2), torch.float64, images),
        boxes=None if boxes is None else _checked(boxes, "boxes", (count, k, 4), torch.int32, images),
        interpolation=int(interpolation),
        border=int(border),
        height=height,
        width=width,
        **numbers,
    )
    result: Tensor = ops.run(work, *parameters)
    return result if result.dtype == images.dtype else result.to(images.dtype)


def _check_images(images: Tensor) -> None:
    if not isinstance(images, Tensor) or not images.is_floating_point():
        came = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise ArgumentTypeError(f"images must be a floating-point tensor (B, C, H, W), got {came}")
    if images.ndim != 4 or not 1 <= images.shape[1] <= MAX_CHANNELS:
        raise ArgumentError(f"images must have shape (B, C, H, W) with 1 to 16 channels, got {tuple(images.shape)}")


def _numbers(work: Tensor, boxes: int, **given: Tensor | None) -> dict[str, Tensor | None]:
    """Return the parameters that are combined with the images' values, in their dtype."""
    b, c = work.shape[:2]
    shapes = {"matrix": (b, c, c), "of_mean": (b, c, c), "values": (b, boxes, c)}
    return {
        name: None if value is None else _checked(value, name, shapes.get(name, (b, c)), work.dtype, work)
        for name, value in given.items()
    }


def _checked(value: Tensor, name: str, shape: tuple[int, ...], dtype: torch.dtype, images: Tensor) -> Tensor:
    """Return a parameter in the form that kernels take: contiguous and of `dtype`."""
    if value.requires_grad:
        raise ArgumentTypeError(f"{name} requires a gradient, and only the images get one: pass {name}.detach()")
    if tuple(value.shape) != shape:
        raise ArgumentError(f"{name} must have shape {shape}, got {tuple(value.shape)}")
    if value.device != images.device:
        raise ArgumentTypeError(f"{name} is on {value.device}, and the images are on {images.device}")
    return value.to(dtype).contiguous()
