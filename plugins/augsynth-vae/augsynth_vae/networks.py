"""A convolutional encoder and decoder for images of any shape, with the class as an input of both.

Images are first folded into patches, so that the networks work on about 16 × 16 positions even for large images. There
are no normalisation layers: residual branches that start at zero train well without them, and on a CPU they cost as
much as convolutions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth.generators.toolkit import Patches
from augsynth_vae.likelihood import Likelihood

EMBEDDING = 64
HIDDEN = 256
LOG_VARIANCE_LIMIT = 8.0


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


class Block(nn.Module):
    """Residual block: two convolutions and a shortcut. The class scales and shifts the features in between (FiLM).

    Args:
        before: channels of the input, at least 1.
        after: channels of the output, at least 1.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(before, after, 1) if before != after else nn.Identity()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.modulation = nn.Linear(EMBEDDING, 2 * after)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        for layer in (self.modulation, self.second):
            nn.init.zeros_(layer.weight)

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        modulated = torch.addcmul(shift, self.first(features), 1 + scale)
        result: Tensor = self.shortcut(features) + self.second(F.silu(modulated))
        return result


def channel_counts(grid: Grid, width: int) -> list[int]:
    """Return the numbers of channels at each of the grid's sides. They double, up to four times `width`.

    Args:
        grid: folding and sides.
        width: channels at the finest level, at least 1.
    """
    return [min(width << level, 4 * width) for level in range(len(grid.sides))]


class Encoder(nn.Module):
    """q(z | image, class): mean and log variance, (B, latent) each.

    Args:
        grid: folding and sides.
        num_classes: number of classes, at least 1.
        width: channels at the finest level, at least 1.
        latent: length of the latent code, at least 1.
    """

    def __init__(self, grid: Grid, num_classes: int, width: int, latent: int) -> None:
        super().__init__()
        counts = channel_counts(grid, width)
        rows, columns = grid.sides[-1]
        self.grid = grid
        self.classes = nn.Embedding(num_classes, EMBEDDING)
        self.stem = nn.Conv2d(grid.patches.channels, counts[0], 3, padding=1)
        self.blocks = nn.ModuleList(Block(a, b) for a, b in zip([counts[0], *counts], counts, strict=False))
        self.hidden = nn.Linear(counts[-1] * rows * columns, HIDDEN)
        self.head = nn.Linear(HIDDEN + EMBEDDING, 2 * latent)

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.classes(labels)
        features = self.stem(self.grid.patches.fold(images))
        for level, block in enumerate(self.blocks):
            features = block(F.avg_pool2d(features, 2, ceil_mode=True) if level else features, embedding)
        summary = F.silu(self.hidden(features.flatten(1)))
        mean, log_variance = self.head(torch.cat([summary, embedding], dim=1)).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-LOG_VARIANCE_LIMIT, LOG_VARIANCE_LIMIT)


class Decoder(nn.Module):
    """p(image | z, class): the output (B, C, H, W) that its likelihood reads.

    Args:
        grid: folding and sides.
        num_classes: number of classes, at least 1.
        width: channels at the finest level, at least 1.
        latent: length of the latent code, at least 1.
        likelihood: likelihood of an image under the output.
    """

    likelihood: Likelihood

    def __init__(self, grid: Grid, num_classes: int, width: int, latent: int, likelihood: Likelihood) -> None:
        super().__init__()
        counts = channel_counts(grid, width)
        rows, columns = grid.sides[-1]
        self.grid, self.likelihood = grid, likelihood
        self.classes = nn.Embedding(num_classes, EMBEDDING)
        self.hidden = nn.Linear(latent + EMBEDDING, HIDDEN)
        self.seed = nn.Linear(HIDDEN, counts[-1] * rows * columns)
        self.blocks = nn.ModuleList(
            Block(a, b) for a, b in zip([counts[-1], *counts[::-1]], counts[::-1], strict=False)
        )
        self.head = nn.Conv2d(counts[0], grid.patches.channels, 3, padding=1)

    def forward(self, latent: Tensor, labels: Tensor) -> Tensor:
        embedding = self.classes(labels)
        hidden = F.silu(self.hidden(torch.cat([latent, embedding], dim=1)))
        rows, columns = self.grid.sides[-1]
        features = F.silu(self.seed(hidden)).view(len(latent), -1, rows, columns)
        features = features.contiguous(memory_format=torch.channels_last)
        for block, sides in zip(self.blocks, reversed(self.grid.sides), strict=True):
            features = block(F.interpolate(features, size=sides), embedding)
        return self.grid.patches.unfold(self.head(F.silu(features))).float()
