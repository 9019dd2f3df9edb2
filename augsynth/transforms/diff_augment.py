"""Augmentation for discriminators, differentiable in the images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from augsynth.core.rng import KeysLike
from augsynth.core.rng import uniform as draw_uniform
from augsynth.engine.autograd import linear_pass
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.transforms.params import frozen, interval, named_border, number

POLICIES = ("flip", "affine", "translation", "color", "cutout")


class _Numbers(NamedTuple):
    """The numbers in [0, 1) of each image, `(B,)` float64: every policy has its own, whether or not it is used."""

    flip: Tensor
    angle: Tensor
    scale: Tensor
    shear: Tensor
    shift_x: Tensor
    shift_y: Tensor
    translate_x: Tensor
    translate_y: Tensor
    brightness: Tensor
    saturation: Tensor
    contrast: Tensor
    cutout_x: Tensor
    cutout_y: Tensor


class DiffAugment(nn.Module):
    """Distort a batch of real or generated images at random, in one operation that gradients go through.

    Zhao, Liu, Lin, Zhu & Han, "Differentiable augmentation for data-efficient GAN training", NeurIPS 2020: the
    discriminator sees both kinds of images distorted, so that it cannot learn the few real ones by heart, and the
    generator learns through the distortion. Gradient penalties differentiate it twice.

    Args:
        policy: any of the names below. Each image draws its own parameters; a policy draws the same ones whichever
            others there are.
        strength: 0 to 1, which scales all ranges; 0 changes nothing.
        value_range: (lowest, highest) of the images' scale. Brightness is measured by it, and its middle is the grey
            that is cut out and lies outside the picture: 0 for the usual (-1, 1), as in the paper.
        border: what lies outside the picture: constant, replicate, reflect, reflect101 or wrap.

    At strength 1:

    =============  ====================================================================================
    `flip`         left and right change places, half of the time (not in the paper)
    `affine`       about the centre: up to 12 degrees, a factor exp(±0.12), a shear of up to 0.15, and up to
                   a tenth of the sides, by fractions of a pixel (not in the paper)
    `translation`  up to 1/8 of the sides, by whole pixels
    `color`        brightness plus up to a quarter of the range, saturation by 0 to 2, contrast by 0.5 to 1.5
    `cutout`       a square (rectangle) of half the sides, whose centre lies anywhere in the picture
    =============  ====================================================================================

    The order is that of augsynth's passes, geometry, colours, cutout: the mean that contrast keeps is that of the moved
    picture, and colours change its border too, while the paper moves the coloured picture. Saturation keeps the mean of
    a pixel's channels, however many there are. Nothing is clamped, as in the paper.

    >>> from augsynth import transforms as T
    >>> augment = T.DiffAugment(("color", "translation", "cutout"))
    >>> images = torch.rand(4, 3, 32, 32, requires_grad=True)
    >>> augment(images, keys=[(0, 0, index) for index in range(4)]).shape
    torch.Size([4, 3, 32, 32])
    """

    numbers = len(_Numbers._fields)
    """Random numbers that an image takes, whatever the policy."""

    def __init__(
        self,
        policy: Sequence[str] = ("color", "translation", "cutout"),
        strength: float = 1.0,
        *,
        value_range: Sequence[float] = (-1.0, 1.0),
        border: str = "constant",
    ) -> None:
        super().__init__()
        self.policy = frozen(policy)
        if not isinstance(self.policy, tuple) or not set(self.policy) <= set(POLICIES):
            raise ArgumentError(f"policy must be a sequence of names among {', '.join(POLICIES)}, got {shown(policy)}")
        self.strength = number(frozen(strength), "strength", 0.0, 1.0)
        self.value_range = interval(frozen(value_range), "value_range")
        self.border = frozen(border)
        self._border = named_border(self.border)

    def forward(self, images: Tensor, *, keys: KeysLike | None = None, uniform: Tensor | None = None) -> Tensor:
        """Distort `images` `(B, C, H, W)` of any floating-point dtype; the result is like them.

        What is random comes from one key (seed, epoch, index) an image, or from `uniform`, numbers in [0, 1) of shape
        `(B, DiffAugment.numbers)`, or without both from torch's global generator on the images' device. Inside
        `torch.compile` use one of the latter two: `draw(keys)` makes such numbers outside of it.
        """
        if not isinstance(images, Tensor) or images.ndim != 4:
            came = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
            raise ArgumentTypeError(f"images must be a tensor (B, C, H, W), got {came}")
        if uniform is None:
            shape = (images.shape[0], self.numbers)
            uniform = torch.rand(shape, dtype=torch.float64, device=images.device) if keys is None else self.draw(keys)
        elif keys is not None:
            raise ArgumentError("give keys or uniform numbers, not both")
        if not isinstance(uniform, Tensor) or tuple(uniform.shape) != (images.shape[0], self.numbers):
            came = tuple(uniform.shape) if isinstance(uniform, Tensor) else type(uniform).__name__
            raise ArgumentError(f"there must be a tensor of {self.numbers} numbers an image, got {came}")
        u = _Numbers(*uniform.to(images.device, torch.float64).unbind(1))
        return self._distort(images, u)

    def draw(self, keys: KeysLike) -> Tensor:
        """The numbers that keys stand for, `(B, numbers)` float64 on the CPU."""
        return torch.from_numpy(draw_uniform(keys, 0, self.numbers))

    def extra_repr(self) -> str:
        return f"{self.policy}, {self.strength}, value_range={self.value_range}, border={self.border!r}"

    def _distort(self, images: Tensor, u: _Numbers) -> Tensor:
        b, c, height, width = images.shape
        grey = torch.full((b, 1), sum(self.value_range) / 2, dtype=torch.float64, device=images.device)
        matrix = of_mean = offset = boxes = values = None
        if "color" in self.policy:
            matrix, of_mean, offset = self._colours(u, c)
        if "cutout" in self.policy:
            boxes, values = self._box(u, height, width), grey.expand(b, c)[:, None]
        return linear_pass(
            images,
            self._inverse(u, height, width),
            border=self._border,
            fill=grey.expand(b, c),
            matrix=matrix,
            of_mean=of_mean,
            offset=offset,
            boxes=boxes,
            values=values,
        )

    def _inverse(self, u: _Numbers, height: int, width: int) -> Tensor:
        """Maps (B, 3, 3) from output to source: back by the translation, then the affine map, then the flip."""
        zeros, ones = torch.zeros_like(u.flip), torch.ones_like(u.flip)
        flip, cos, sin, shear, shift_x, shift_y, move_x, move_y = ones, ones, zeros, zeros, zeros, zeros, zeros, zeros
        if "flip" in self.policy:
            flip = torch.where(u.flip < self.strength / 2, -ones, ones)
        if "affine" in self.policy:
            angle, scale = self._signed(u.angle, math.radians(12)), self._signed(u.scale, 0.12).exp()
            cos, sin, shear = scale * angle.cos(), scale * angle.sin(), self._signed(u.shear, 0.15)
            shift_x, shift_y = self._signed(u.shift_x, 0.1 * width), self._signed(u.shift_y, 0.1 * height)
        if "translation" in self.policy:
            move_x, move_y = self._whole(u.translate_x, width), self._whole(u.translate_y, height)
        across, down = shear * cos - sin, shear * sin + cos
        x, y = -(move_x + width / 2), -(move_y + height / 2)
        rows = [
            torch.stack([flip * cos, flip * across, flip * (cos * x + across * y + shift_x) + width / 2], 1),
            torch.stack([sin, down, sin * x + down * y + shift_y + height / 2], 1),
            torch.stack([zeros, zeros, ones], 1),
        ]
        return torch.stack(rows, 1)

    def _colours(self, u: _Numbers, channels: int) -> tuple[Tensor, Tensor, Tensor]:
        """Brightness, saturation and contrast as one map: matrix v + of_mean m + offset."""
        lowest, highest = self.value_range
        brightness = self._signed(u.brightness, (highest - lowest) / 4)
        saturation, contrast = 1 + self._signed(u.saturation, 1.0), 1 + self._signed(u.contrast, 0.5)
        mean = torch.full((channels, channels), 1 / channels, dtype=torch.float64, device=u.flip.device)
        same = torch.eye(channels, dtype=torch.float64, device=u.flip.device)
        saturate = saturation[:, None, None] * same + (1 - saturation)[:, None, None] * mean
        contrast = contrast[:, None, None]
        return contrast * saturate, (1 - contrast) * mean, brightness[:, None].expand(-1, channels)

    def _box(self, u: _Numbers, height: int, width: int) -> Tensor:
        """The rectangle (B, 1, 4) that is cut out, which may reach beyond the picture."""
        top, bottom = self._side(u.cutout_y, height)
        left, right = self._side(u.cutout_x, width)
        return torch.stack([top, left, bottom, right], 1)[:, None].to(torch.int32)

    def _side(self, u: Tensor, size: int) -> tuple[Tensor, Tensor]:
        extent = int(size * self.strength / 2 + 0.5)
        first = (u * (size + 1 - extent % 2)).floor() - extent // 2
        return first, first + extent

    def _signed(self, u: Tensor, limit: float) -> Tensor:
        """Uniform within the limit, both signs alike."""
        return (2 * u - 1) * (limit * self.strength)

    def _whole(self, u: Tensor, size: int) -> Tensor:
        """A whole number of pixels, up to an eighth of the side either way."""
        limit = int(size * self.strength / 8 + 0.5)
        return (u * (2 * limit + 1)).floor() - limit
