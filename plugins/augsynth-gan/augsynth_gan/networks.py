"""The two networks: small residual networks without normalisation. Their depth follows from the image shape.

As in R3GAN (Huang et al., NeurIPS 2024): no normalisation, leaky ReLU, residual branches that start at zero (Zhang,
Dauphin & Ma, "Fixup initialization", ICLR 2019), resampling kept apart from convolutions, classes as embeddings.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth.generators.toolkit import Patches

_SLOPE = 0.2
_FEATURES = 128
_COARSEST = 8
_SHUFFLED = 16
_TINY = 1e-8


def pyramid(height: int, width: int) -> list[tuple[int, int]]:
    """Return the sizes at which the networks work, from coarse to fine. Each is half the next one, rounded up.

    The coarsest size has a side below 8. Images with both sides at least 16 are read and written in 2x2 patches, so
    that their finest size is half the image.

    Args:
        height: height of the images, in pixels, at least 1.
        width: width of the images, in pixels, at least 1.

    >>> pyramid(28, 28)
    [(7, 7), (14, 14)]
    >>> pyramid(8, 8)
    [(4, 4), (8, 8)]
    """
    sizes = halvings(height, width)
    return sizes[: len(sizes) + 1 - patch_size(height, width)]


def halvings(height: int, width: int, at_least: int = 0) -> list[tuple[int, int]]:
    """Return sizes from coarse to fine, up to the whole image. Each is half the next one, rounded up.

    Args:
        height: height of the images, in pixels, at least 1.
        width: width of the images, in pixels, at least 1.
        at_least: smallest number of halvings; default 0. There are as many as bring a side below 8.

    >>> halvings(28, 30)
    [(7, 8), (14, 15), (28, 30)]
    """
    sizes = [(height, width)]
    while min(sizes[-1]) >= _COARSEST or len(sizes) <= at_least:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes[::-1]


def widths(levels: int, finest: int) -> list[int]:
    """Return the numbers of channels, from coarse to fine. They double at each coarser level, up to four times.

    Args:
        levels: number of levels, at least 1.
        finest: channels at the finest level, at least 1.

    >>> widths(4, 32)
    [128, 128, 64, 32]
    """
    return [finest * min(2**level, 4) for level in reversed(range(levels))]


class ImageGenerator(nn.Module):
    """Network from latent vectors (B, latent) and classes (B,) to images (B, C, H, W), about −1 to 1.

    Args:
        image_shape: (C, H, W).
        num_classes: number of classes, at least 1.
        latent: length of the latent vectors, at least 1.
        channels: channels at the finest level, at least 1.
        blocks: residual blocks at each level, at least 1.
    """

    def __init__(
        self, image_shape: tuple[int, int, int], num_classes: int, *, latent: int, channels: int, blocks: int
    ) -> None:
        super().__init__()
        self._patches = Patches(image_shape, size=patch_size(*image_shape[1:]))
        self._sizes = pyramid(*image_shape[1:])
        counts = widths(len(self._sizes), channels)
        self._start = (counts[0], *self._sizes[0])
        self.classes = nn.Embedding(num_classes, latent)
        self.latent = _linear(2 * latent, _FEATURES, slope=1.0)
        self.start = _linear(_FEATURES, counts[0] * self._sizes[0][0] * self._sizes[0][1])
        self.stages = nn.ModuleList(_stage(count, blocks) for count in counts)
        self.narrow = nn.ModuleList(_convolution(a, b, 1, slope=1.0) for a, b in pairwise(counts))
        self.image = _convolution(counts[-1], self._patches.channels, 3)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        hidden = _activate(self.latent(torch.cat([latents, self.classes(labels)], dim=1)))
        x = self.start(hidden).view(-1, *self._start).contiguous(memory_format=torch.channels_last)
        x = self.stages[0](x)
        for size, narrow, stage in zip(self._sizes[1:], self.narrow, self.stages[1:], strict=True):
            x = stage(F.interpolate(narrow(x), size=size, mode="nearest"))
        return self._patches.unfold(self.image(_activate(x))).float()


class Discriminator(nn.Module):
    """Network from images (B, C, H, W) and classes (B,) to logits (B,), higher for real images of the class.

    Args:
        image_shape: (C, H, W).
        num_classes: number of classes, at least 1.
        channels: channels at the finest level, at least 1.
        blocks: residual blocks at each level, at least 1.
        deviation: True adds the deviation over the batch to the coarsest features, so that a logit depends on the
            whole batch; default False.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int,
        *,
        channels: int,
        blocks: int,
        deviation: bool = False,
    ) -> None:
        super().__init__()
        image_channels, height, width = image_shape
        sizes = pyramid(height, width)[::-1]
        counts = widths(len(sizes), channels)[::-1]
        stride = patch_size(*image_shape[1:])
        # A kernel of 4 with stride 2 halves a side and rounds down, so odd sides are padded.
        self._padding = (0, width % stride, 0, height % stride)
        self.stem = nn.Conv2d(image_channels, counts[0], kernel_size=2 + stride, stride=stride, padding=1)
        self.stages = nn.ModuleList(_stage(count, blocks) for count in counts)
        self.widen = nn.ModuleList(_convolution(a, b, 1, slope=1.0) for a, b in pairwise(counts))
        self._deviation = deviation
        self.features = _linear((counts[-1] + deviation) * sizes[-1][0] * sizes[-1][1], _FEATURES)
        self.logit = nn.Linear(_FEATURES, 1)
        self.classes = nn.Embedding(num_classes, _FEATURES)
        nn.init.normal_(self.classes.weight, std=_FEATURES**-0.5)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        x = F.pad(images, self._padding, mode="replicate").contiguous(memory_format=torch.channels_last)
        x = self.stages[0](self.stem(x))
        for widen, stage in zip(self.widen, self.stages[1:], strict=True):
            x = stage(widen(F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)))
        if self._deviation:
            x = torch.cat([x, batch_deviation(x)], dim=1)
        features = _activate(self.features(_activate(x).flatten(1))).float()
        # Projection discriminator: Miyato & Koyama, "cGANs with projection discriminator", ICLR 2018.
        projected = (features * self.classes(labels)).sum(dim=1)
        logits: Tensor = self.logit(features).squeeze(1) + projected
        return logits


class _Residual(nn.Module):
    """Residual block: x + convolution(activation(convolution(activation(x)))). At first it is the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, 3)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        branch: Tensor = self.second(_activate(self.first(_activate(x))))
        return x + branch


def batch_deviation(x: Tensor) -> Tensor:
    """Compute the standard deviation over the batch, averaged over all features: one number, as a feature map.

    A batch of fakes that are too much alike is told by it. Karras, Aila, Laine & Lehtinen, "Progressive growing of
    GANs", ICLR 2018.

    Args:
        x: features (B, C, H, W).

    Returns:
        (B, 1, H, W), the same number everywhere.

    >>> batch_deviation(torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)).flatten()
    tensor([1., 1.])
    """
    deviation = (x.float().var(0, correction=0) + _TINY).sqrt().mean()
    return deviation.to(x.dtype).expand(len(x), 1, *x.shape[2:])


def patch_size(height: int, width: int) -> int:
    """Return the side of the patches that images are read and written in: 2, or 1 for small images.

    Args:
        height: height of the images, in pixels, at least 1.
        width: width of the images, in pixels, at least 1.
    """
    return 2 if min(height, width) >= _SHUFFLED else 1


def _activate(x: Tensor) -> Tensor:
    return F.leaky_relu(x, _SLOPE)


def _stage(channels: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(_Residual(channels) for _ in range(blocks)))


def _convolution(before: int, after: int, kernel: int, slope: float = _SLOPE) -> nn.Conv2d:
    return cast(nn.Conv2d, _initialise(nn.Conv2d(before, after, kernel, padding=kernel // 2), slope))


def _linear(before: int, after: int, slope: float = _SLOPE) -> nn.Linear:
    return cast(nn.Linear, _initialise(nn.Linear(before, after), slope))


def _initialise(layer: nn.Conv2d | nn.Linear, slope: float) -> nn.Module:
    """Draw weights that keep the variance of activations of that slope. Slope 1 means no activation."""
    nn.init.kaiming_normal_(layer.weight, slope)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
