"""A small U-Net for noisy images of any shape, with noise level and class as inputs.

Images are first folded into patches, so that the network works on about 16 × 16 positions even for large images, and
padded so that their sides can be halved. Residual blocks and their modulation follow the U-Nets of Dhariwal & Nichol,
"Diffusion models beat GANs on image synthesis", NeurIPS 2021, with attention at the coarsest level alone. They have
layer norm instead of group norm, because it is cheaper if channels are last in memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth.generators.toolkit import Patches

EMBEDDING = 128


@dataclass(frozen=True)
class Grid:
    """The folding of images into patches, and the halving of folded images.

    Args:
        patches: the folding, whose sides can be halved `levels` − 1 times.
        levels: resolutions at which the network works, at least 1.
    """

    patches: Patches
    levels: int

    @classmethod
    def of(cls, image_shape: tuple[int, int, int]) -> Grid:
        """Fold so that 12 rows and columns are left; then use levels down to about 4.

        Args:
            image_shape: (C, H, W) of the images.

        >>> grid = Grid.of((1, 28, 28))
        >>> grid.patches.size, grid.levels
        (2, 2)
        """
        patches = Patches.leaving(image_shape, least=12)
        levels = 3 if min(image_shape[1:]) // patches.size >= 16 else 2
        return cls(replace(patches, multiple=2 ** (levels - 1)), levels)


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each position, without weights."""

    def forward(self, features: Tensor) -> Tensor:
        channels_last = features.permute(0, 2, 3, 1)
        return F.layer_norm(channels_last, channels_last.shape[-1:]).permute(0, 3, 1, 2)


class Block(nn.Module):
    """Residual block: two convolutions and a shortcut. Noise level and class scale and shift the features in between.

    Args:
        before: channels of the input, at least 1.
        after: channels of the output, at least 1.
        dropout: share of the features that are dropped in training, in [0, 1).
    """

    def __init__(self, before: int, after: int, dropout: float) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(before, after, 1) if before != after else nn.Identity()
        self.norm = ChannelNorm()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.modulation = nn.Linear(EMBEDDING, 2 * after)
        self.dropout = nn.Dropout(dropout)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        inner = self.norm(self.first(F.silu(self.norm(features))))
        inner = torch.addcmul(shift, inner, 1 + scale)
        result: Tensor = self.shortcut(features) + self.second(self.dropout(F.silu(inner)))
        return result


class Attention(nn.Module):
    """Residual self-attention among all positions, which lets distant strokes agree. At first it changes nothing.

    It has 4 heads, or fewer if the channels cannot be divided so.

    Args:
        channels: channels of the features, at least 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.heads = ChannelNorm(), math.gcd(4, channels)
        self.inner = nn.Conv2d(channels, 3 * channels, 1)
        self.outer = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.outer.weight)

    def forward(self, features: Tensor) -> Tensor:
        count, channels, height, width = features.shape
        split = self.inner(self.norm(features)).reshape(count, 3, self.heads, channels // self.heads, height * width)
        query, key, value = split.transpose(3, 4).unbind(1)  # (B, heads, positions, channels of a head)
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(2, 3)
        result: Tensor = features + self.outer(mixed.reshape(features.shape))
        return result


class Condition(nn.Module):
    """A vector that encodes noise level, class and distortion. The class `num_classes` stands for an unknown class.

    Args:
        num_classes: number of classes, at least 1.
        distortions: parameters of the augmentation of an image; 0 without augmentation.
    """

    frequencies: Tensor

    def __init__(self, num_classes: int, distortions: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2 * math.pi * torch.randn(EMBEDDING // 2))
        self.classes = nn.Embedding(num_classes + 1, EMBEDDING)
        self.level = nn.Sequential(nn.Linear(EMBEDDING, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING))
        # Without a bias, so that an image as it is adds nothing.
        self.distortion = nn.Linear(distortions, EMBEDDING, bias=False) if distortions else None

    def forward(self, noise_level: Tensor, labels: Tensor, distortion: Tensor | None) -> Tensor:
        phase = noise_level[:, None] * self.frequencies
        waves = torch.cat([phase.cos(), phase.sin()], dim=1)
        encoded = self.level(waves) + self.classes(labels)
        if self.distortion is not None and distortion is not None:
            encoded = encoded + self.distortion(distortion)
        return F.silu(encoded)


class UNet(nn.Module):
    """The network F of `Preconditioning`: (B, C, H, W) to (B, C, H, W). At first its result is 0.

    Args:
        grid: folding and levels.
        num_classes: number of classes, at least 1.
        width: channels at the finest level, at least 1.
        depth: residual blocks at each level, at least 1.
        dropout: share of the features that are dropped in training, in [0, 1); default 0.
        distortions: parameters of the augmentation of an image; default 0, for no augmentation.
    """

    def __init__(
        self, grid: Grid, num_classes: int, width: int, depth: int, dropout: float = 0.0, distortions: int = 0
    ) -> None:
        super().__init__()
        counts = [min(width << level, 2 * width) for level in range(grid.levels)]
        self.patches, self.depth = grid.patches, depth
        self.condition = Condition(num_classes, distortions)
        self.stem = nn.Conv2d(grid.patches.channels, width, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        before = width
        for count in counts:
            self.down.extend(Block(count if k else before, count, dropout) for k in range(depth))
            before = count
        self.middle = Block(before, before, dropout)
        self.attention = Attention(before)
        for count in reversed(counts):
            self.up.extend(Block(count + (count if k else before), count, dropout) for k in range(depth))
            before = count
        self.norm = ChannelNorm()
        self.head = nn.Conv2d(before, grid.patches.channels, 3, padding=1)
        nn.init.zeros_(self.head.weight)

    def forward(self, images: Tensor, noise_level: Tensor, labels: Tensor, distortion: Tensor | None = None) -> Tensor:
        embedding = self.condition(noise_level, labels, distortion)
        features = self.stem(self.patches.fold(images))
        kept: list[Tensor] = []
        for index, block in enumerate(self.down):
            if index and index % self.depth == 0:
                features = F.avg_pool2d(features, 2)
            features = block(features, embedding)
            kept.append(features)
        features = self.attention(self.middle(features, embedding))
        for index, block in enumerate(self.up):
            if index and index % self.depth == 0:
                features = F.interpolate(features, scale_factor=2.0)
            features = block(torch.cat([features, kept.pop()], dim=1), embedding)
        return self.patches.unfold(self.head(F.silu(self.norm(features)))).float()
