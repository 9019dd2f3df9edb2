"""A convolutional encoder and decoder for images of any shape, with the class as an input of both.

Images are first folded into patches, so that the networks work on about 16 × 16 positions even for large images. By
default there are no normalisation layers: residual branches that start at zero train well without them, and on a CPU
they cost as much as convolutions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth.generators.toolkit import Patches
from augsynth_vae.likelihood import Likelihood

EMBEDDING = 64
HIDDEN = 256
LOG_VARIANCE_LIMIT = 8.0
NORMALIZATIONS = ("none", "group", "batch")
"""Values of the option `normalization`."""

LayerT = TypeVar("LayerT", nn.Conv2d, nn.Linear)


def he(layer: LayerT, gain: float = 2.0) -> LayerT:
    """Draw the weights of a layer so that signals keep their size through many layers; return the layer.

    torch's own weights are smaller, and a code then reaches the image so weakly that a short fit ignores it. He, Zhang,
    Ren & Sun, "Delving deep into rectifiers", ICCV 2015.

    Args:
        layer: the layer.
        gain: variance of the output for inputs of variance 1, at least 0; default 2, for a layer before a
            nonlinearity. 0 switches a residual branch off at the start.
    """
    nn.init.normal_(layer.weight, std=math.sqrt(gain / layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


@dataclass(frozen=True)
class Grid:
    """The folding of images into patches, and the halving of folded images.

    Args:
        patches: the folding.
        sides: heights and widths of the features, from the folded image to the smallest.
    """

    patches: Patches
    sides: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, image_shape: tuple[int, int, int]) -> Grid:
        """Fold so that 12 rows and columns are left, then halve (rounding up) down to about 4.

        Args:
            image_shape: (C, H, W) of the images.

        >>> Grid.of((1, 28, 28)).sides
        ((14, 14), (7, 7), (4, 4))
        """
        patches = Patches.leaving(image_shape, least=12)
        sides = [patches.sides]
        while min(sides[-1]) > 4:
            sides.append((math.ceil(sides[-1][0] / 2), math.ceil(sides[-1][1] / 2)))
        return cls(patches, tuple(sides))


@dataclass(frozen=True)
class Shape:
    """Sizes and layers that an encoder and its decoder share.

    Args:
        grid: folding and sides.
        num_classes: number of classes, at least 1; None for networks that have no class as input.
        width: channels at the finest level, at least 1.
        latent: length of the latent code, at least 1.
        dropout: share of the features that blocks drop in training, in [0, 1).
        normalization: layer between a block's convolutions, one of `NORMALIZATIONS`.
    """

    grid: Grid
    num_classes: int | None
    width: int
    latent: int
    dropout: float = 0.0
    normalization: str = "none"

    @property
    def channels(self) -> list[int]:
        """Numbers of channels at each of the grid's sides. They double, up to four times `width`."""
        return [min(self.width << level, 4 * self.width) for level in range(len(self.grid.sides))]

    @property
    def smallest(self) -> tuple[int, int, int]:
        """Shape (channels, rows, columns) of the features between the convolutions and the code."""
        return self.channels[-1], *self.grid.sides[-1]

    def blocks(self, channels: list[int]) -> nn.ModuleList:
        """Make the residual blocks of a network.

        Args:
            channels: channels of the first block's input, and of each block's output.
        """
        return nn.ModuleList(Block(before, after, self) for before, after in pairwise(channels))


class Classes(nn.Embedding):
    """A vector for each class. Networks without classes have one vector for all images.

    Args:
        num_classes: number of classes, or None.
        size: length of a vector, at least 1; default `EMBEDDING`.
        deviation: standard deviation of the numbers at the start; default 0.3, less than that of a code beside them.
    """

    def __init__(self, num_classes: int | None, size: int = EMBEDDING, deviation: float = 0.3) -> None:
        super().__init__(num_classes or 1, size)
        nn.init.normal_(self.weight, std=deviation)

    def of(self, labels: Tensor | None, rows: int) -> Tensor:
        """Return the vectors (rows, size) of classes.

        Args:
            labels: int64 (rows,), or None without classes.
            rows: number of images.
        """
        vectors: Tensor = self.weight.expand(rows, -1) if labels is None else self(labels)
        return vectors


class Block(nn.Module):
    """Residual block: two convolutions and a shortcut. The class scales and shifts the features in between (FiLM).

    Args:
        before: channels of the input, at least 1.
        after: channels of the output, at least 1.
        shape: sizes and layers.
    """

    def __init__(self, before: int, after: int, shape: Shape) -> None:
        super().__init__()
        self.shortcut = he(nn.Conv2d(before, after, 1), gain=1) if before != after else nn.Identity()
        self.first = he(nn.Conv2d(before, after, 3, padding=1))
        self.normalize = make_normalization(shape.normalization, after)
        self.modulation = he(nn.Linear(EMBEDDING, 2 * after), gain=0)
        self.dropout = nn.Dropout(shape.dropout)
        self.second = he(nn.Conv2d(after, after, 3, padding=1), gain=0)

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        modulated = torch.addcmul(shift, self.normalize(self.first(features)), 1 + scale)
        result: Tensor = self.shortcut(features) + self.second(self.dropout(F.silu(modulated)))
        return result


def make_normalization(name: str, channels: int) -> nn.Module:
    """Make a normalisation layer.

    Args:
        name: "none", "batch", or "group" (of about eight channels).
        channels: channels of the features, at least 1.
    """
    if name == "none":
        return nn.Identity()
    if name == "batch":
        # The usual eps of 1e-5 multiplies gradients by 300 in each layer where the images are all the same.
        return nn.BatchNorm2d(channels, eps=0.01)
    return nn.GroupNorm(math.gcd(channels, max(1, channels // 8)), channels)


class Encoder(nn.Module):
    """q(z | image, class): mean and log variance, (B, latent) each.

    Args:
        shape: sizes and layers.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        channels, self.grid = shape.channels, shape.grid
        self.classes = Classes(shape.num_classes)
        self.stem = he(nn.Conv2d(self.grid.patches.channels, channels[0], 3, padding=1))
        self.blocks = shape.blocks([channels[0], *channels])
        self.hidden = he(nn.Linear(math.prod(shape.smallest), HIDDEN))
        self.head = he(nn.Linear(HIDDEN + EMBEDDING, 2 * shape.latent), gain=0.1)

    def forward(self, images: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        embedding = self.classes.of(labels, len(images))
        features = self.stem(self.grid.patches.fold(images))
        for level, block in enumerate(self.blocks):
            features = block(F.avg_pool2d(features, 2, ceil_mode=True) if level else features, embedding)
        summary = F.silu(self.hidden(features.flatten(1)))
        mean, log_variance = self.head(torch.cat([summary, embedding], dim=1)).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-LOG_VARIANCE_LIMIT, LOG_VARIANCE_LIMIT)


class Decoder(nn.Module):
    """p(image | z, class): the output (B, outputs · C, H, W) that its likelihood reads.

    Args:
        shape: sizes and layers.
        likelihood: likelihood of an image under the output.
    """

    likelihood: Likelihood

    def __init__(self, shape: Shape, likelihood: Likelihood) -> None:
        super().__init__()
        channels = shape.channels[::-1]
        self.grid, self.likelihood, self.smallest = shape.grid, likelihood, shape.smallest
        self.classes = Classes(shape.num_classes)
        self.hidden = he(nn.Linear(shape.latent, HIDDEN))
        self.shift = he(nn.Linear(EMBEDDING, HIDDEN))
        self.seed = he(nn.Linear(HIDDEN, math.prod(shape.smallest)))
        self.blocks = shape.blocks([channels[0], *channels])
        self.head = he(nn.Conv2d(channels[-1], likelihood.outputs * self.grid.patches.channels, 3, padding=1), gain=1)

    def forward(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        embedding = self.classes.of(labels, len(latent))
        hidden = F.silu(self.hidden(latent) + self.shift(embedding))
        features = F.silu(self.seed(hidden)).view(-1, *self.smallest)
        features = features.contiguous(memory_format=torch.channels_last)
        for block, sides in zip(self.blocks, reversed(self.grid.sides), strict=True):
            features = block(F.interpolate(features, size=sides), embedding)
        return self.grid.patches.unfold(self.head(F.silu(features))).float()
