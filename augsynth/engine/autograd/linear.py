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

    The stages are those of a native pass, in its order, as `docs/design/numerics.md` defines them; there is no clamp,
    because where it acts there is no gradient. Every parameter has one entry a sample, on the device of the images;
    floating-point ones may have any precision. None of them gets a gradient, and none may require one.

    Args:
        images: `(B, C, H, W)`, 1 to 16 channels, of any floating-point dtype and any strides. Half precision is
            computed in float32.
        inverse: `(B, 3, 3)`, from output to source coordinates: pixel i spans [i, i+1), and the map may be projective.
        size: (height, width) of the output, by default that of the images.
        border: what lies outside; `edge` `(B, 2)` is the width of a constant border's ramp along x and y, 1 by default,
            and `fill` `(B, C)` its value, 0 by default.
        interpolation: bilinear or nearest.
        matrix: `(B, C, C)`; each pixel v becomes matrix v + of_mean m + offset, m being the sampled picture's means.
        of_mean: `(B, C, C)`; it needs a `matrix`.
        offset: `(B, C)`, 0 by default.
        boxes: `(B, K, 4)` integers (top, left, bottom, right) in output pixels; later ones lie over earlier ones, and
            may reach beyond the picture. `values` `(B, K, C)` are written there, 0 by default.
        gain: `(B, C)`, multiplied in at last, and `bias` `(B, C)`, added then.

    Raises:
        ArgumentError: shapes that do not fit, or a map that takes a corner of the output behind its horizon or beyond
            2^24 pixels. (On a GPU maps are not looked at, and positions beyond are moved to the nearest bound.)
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
