"""The operators of CV-CUDA that the GPU benchmark calls, as its documentation has them, on tensors of the CPU.

`cvcuda` needs a driver to be imported at all. With this in its place our use of it is tried out: layouts, coordinates,
codes and units. What only the library and a device can tell, it can't.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import torch
from torch.nn.functional import grid_sample, interpolate

Image = torch.Tensor


class Interp(IntEnum):
    NEAREST = 0
    LINEAR = 1
    WARP_INVERSE_MAP = 16


class Border(IntEnum):
    CONSTANT = 0


class Format(IntEnum):
    RGB8 = 0


def as_stream(arg: int) -> int:
    return arg


def as_tensor(buffer: Any, layout: str) -> torch.Tensor:
    tensor: torch.Tensor = buffer.tensor
    assert tensor.is_contiguous()
    assert tensor.ndim == len(layout)
    return tensor


def as_images(buffers: list[Any], format: Format) -> list[Image]:
    images = [buffer.tensor for buffer in buffers]
    assert all(one.ndim == 3 and one.shape[2] == 3 and one.dtype == torch.uint8 for one in images)
    return images


def warp_affine_into(
    dst: list[Image],
    src: list[Image],
    xform: torch.Tensor,
    flags: int,
    *,
    border_mode: Border = Border.CONSTANT,
    border_value: Any = 0,
    stream: Any = None,
) -> list[Image]:
    """Bilinear, from output to source, in coordinates of pixel centres; 0 outside."""
    assert flags == Interp.LINEAR | Interp.WARP_INVERSE_MAP
    assert xform.shape == (len(src), 6)
    assert not border_value.any()
    for to, image, one in zip(dst, src, xform.view(-1, 2, 3), strict=True):
        height, width = to.shape[:2]
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        places = torch.stack([x, y, torch.ones_like(x)], 2).float() @ one.T
        extent = torch.tensor([image.shape[1] - 1, image.shape[0] - 1])
        found = grid_sample(_planes(image), (2 * places / extent - 1)[None], align_corners=True)
        to.copy_(_levels(found))
    return dst


def hq_resize_into(
    dst: list[Image],
    src: list[Image],
    *,
    antialias: bool = False,
    roi: list[tuple[float, ...]] | None = None,
    interpolation: Interp | None = None,
    stream: Any = None,
) -> list[Image]:
    assert interpolation == Interp.LINEAR
    assert roi is not None
    for to, image, (top, left, bottom, right) in zip(dst, src, roi, strict=True):
        cut = image[int(top) : int(bottom), int(left) : int(right)]
        size = (to.shape[0], to.shape[1])
        to.copy_(_levels(interpolate(_planes(cut), size=size, mode="bilinear", antialias=antialias)))
    return dst


def gaussiannoise_into(
    dst: torch.Tensor,
    src: torch.Tensor,
    mu: float,
    sigma: float,
    per_channel: bool,
    *,
    seed: int | None = None,
    clip: bool = True,
    stream: Any = None,
) -> torch.Tensor:
    """`sigma` in levels; without a seed other noise in each call."""
    assert per_channel
    assert clip
    assert seed is None
    return dst.copy_((src + mu + sigma * torch.randn(src.shape)).round().clamp(0, 255))


def color_twist_into(dst: list[Image], src: list[Image], twist: torch.Tensor, *, stream: Any = None) -> list[Image]:
    for to, image, one in zip(dst, src, twist, strict=True):
        to.copy_((image.float() @ one[:, :3].T + one[:, 3]).round().clamp(0, 255))
    return dst


def crop_flip_normalize_reformat_into(
    dst: torch.Tensor,
    src: list[Image],
    rect: torch.Tensor,
    flip_code: torch.Tensor,
    base: torch.Tensor,
    scale: torch.Tensor,
    globalscale: float = 1.0,
    globalshift: float = 0.0,
    epsilon: float = 0.0,
    flags: int | None = None,
    border: Border = Border.CONSTANT,
    bvalue: float = 0,
    *,
    stream: Any = None,
) -> torch.Tensor:
    """Code 1 mirrors left and right, 0 and -1 otherwise too; what lies outside of an image is `bvalue`."""
    assert rect.dtype == flip_code.dtype == torch.int32
    assert flags is None
    for number, image in enumerate(src):
        x, y, width, height = rect[number, 0, 0].tolist()
        window = torch.full((height, width, 3), float(bvalue))
        top, left = max(y, 0), max(x, 0)
        inside = image[top : max(y + height, 0), left : max(x + width, 0)]
        window[top - y : top - y + len(inside), left - x : left - x + inside.shape[1]] = inside
        code = int(flip_code[number, 0])
        axes = {1: [1], 0: [0], -1: [0, 1]}.get(code, [])
        normal = (window.flip(axes) - base[0, 0]) * scale[0, 0] * globalscale + globalshift
        dst[number] = normal.permute(2, 0, 1)
    return dst


def _planes(image: Image) -> torch.Tensor:
    return image.permute(2, 0, 1)[None].float()


def _levels(planes: torch.Tensor) -> Image:
    return planes[0].permute(1, 2, 0).round().clamp(0, 255)
