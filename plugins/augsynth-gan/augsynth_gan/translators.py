"""Networks from images to images, and a discriminator of patches.

Zhu, Park, Isola & Efros, "Unpaired image-to-image translation using cycle-consistent adversarial networks", ICCV 2017.
Their sizes follow from the image shape, so that small images keep enough positions.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth.generators.toolkit import Patches

_LARGE = 64
_LEAST_SIDE = 8


class Translator(nn.Module):
    """Network from images of one domain to images of the other, (B, C, H, W), about −1 to 1.

    A wide convolution, halvings, residual blocks and doublings, with instance normalisation, compute what is added to
    the image. (In the paper they compute the image itself. A short fit then often shifts or exchanges contents, which
    the cycle loss does not see.) Sides are halved once, and
    twice (as in the paper) for images of 64 pixels and more.

    Args:
        image_shape: (C, H, W).
        channels: channels at the finest level, at least 1. They double with each halving.
        blocks: residual blocks, at least 1.
    """

    def __init__(self, image_shape: tuple[int, int, int], *, channels: int, blocks: int) -> None:
        super().__init__()
        counts = [channels * 2**level for level in range(_halvings(image_shape) + 1)]
        self._frame = Patches(image_shape, size=1, multiple=2 ** (len(counts) - 1))
        self.first = nn.Conv2d(image_shape[0], channels, 7, padding=3, padding_mode="replicate")
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(counts))
        self.blocks = nn.ModuleList(_Residual(counts[-1]) for _ in range(blocks))
        self.up = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in reversed(list(pairwise(counts))))
        self.image = nn.Conv2d(channels, image_shape[0], 7, padding=3, padding_mode="replicate")

    def forward(self, images: Tensor) -> Tensor:
        x = _normalised(self.first(self._frame.fold(images))).relu()
        for layer in self.down:
            x = _normalised(layer(x)).relu()
        for block in self.blocks:
            x = block(x)
        for layer in self.up:
            x = _normalised(layer(F.interpolate(x, scale_factor=2.0, mode="nearest"))).relu()
        return images + self._frame.unfold(self.image(x)).float()


class PatchDiscriminator(nn.Module):
    """Network from images (B, C, H, W) to a map of scores (B, 1, h, w), one for each patch: near 1 for real images.

    Args:
        image_shape: (C, H, W).
        channels: channels of the first layer, at least 1.
    """

    def __init__(self, image_shape: tuple[int, int, int], *, channels: int) -> None:
        super().__init__()
        counts = [channels * 2**level for level in range(_halvings(image_shape) + 1)]
        self._frame = Patches(image_shape, size=1, multiple=_LEAST_SIDE)
        self.first = nn.Conv2d(image_shape[0], channels, 4, stride=2, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(counts))
        self.last = nn.Conv2d(counts[-1], 2 * counts[-1], 3, padding=1)
        self.score = nn.Conv2d(2 * counts[-1], 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(self._frame.fold(images)), 0.2)
        for layer in [*self.down, self.last]:
            x = F.leaky_relu(_normalised(layer(x)), 0.2)
        scores: Tensor = self.score(x).float()
        return scores


class History(nn.Module):
    """Earlier translations, from which a discriminator is shown some in place of new ones.

    A discriminator that sees only the newest ones makes both networks swing: Shrivastava et al., "Learning from
    simulated and unsupervised images through adversarial training", CVPR 2017.

    Args:
        image_shape: (C, H, W).
        size: number of images, at least 1.
    """

    images: Tensor
    stored: Tensor

    def __init__(self, image_shape: tuple[int, int, int], size: int) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(size, *image_shape))
        self.register_buffer("stored", torch.zeros((), dtype=torch.int64))

    def exchange(self, images: Tensor, chance: Tensor) -> Tensor:
        """Store images until all places are taken; then exchange each with probability ½ for one that is stored.

        Args:
            images: new translations, (B, C, H, W), without gradients.
            chance: uniform numbers in [0, 1), (B, 2): for the choice to exchange, and for the place.

        Returns:
            Images to show, (B, C, H, W).
        """
        shown, size, stored = images.clone(), len(self.images), int(self.stored)
        for row, (swap, place) in enumerate(chance.tolist()):
            if stored < size:
                self.images[stored] = images[row]
                stored += 1
            elif swap < 0.5:
                index = int(place * size)
                shown[row] = self.images[index]
                self.images[index] = images[row]
        self.stored.fill_(stored)
        return shown


class Sources(nn.Module):
    """Images of both domains, the first ones that training meets.

    Args:
        image_shape: (C, H, W).
        size: images of each domain, at least 1.
    """

    images: Tensor
    stored: Tensor

    def __init__(self, image_shape: tuple[int, int, int], size: int) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(2, size, *image_shape, dtype=torch.uint8))
        self.register_buffer("stored", torch.zeros(2, dtype=torch.int64))

    def add(self, images: Tensor, domain: int) -> None:
        """Store images while there are places.

        Args:
            images: uint8 (n, C, H, W).
            domain: 0 or 1.
        """
        start = int(self.stored[domain])
        kept = images[: self.images.shape[1] - start]
        self.images[domain, start : start + len(kept)] = kept
        self.stored[domain] += len(kept)

    def draw(self, domains: Tensor, chance: Tensor) -> Tensor:
        """Draw one stored image for each row, uint8 (B, C, H, W).

        Args:
            domains: domain of each row, int64 (B,).
            chance: uniform numbers in [0, 1), (B,).
        """
        return self.images[domains, (chance * self.stored[domains]).long()]


class _Residual(nn.Module):
    """Residual block: x + norm(convolution(relu(norm(convolution(x)))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + _normalised(self.second(_normalised(self.first(x)).relu()))


def _normalised(x: Tensor) -> Tensor:
    """Instance normalisation: each channel of each image gets mean 0 and variance 1."""
    centred = x - x.mean((2, 3), keepdim=True)
    return centred * (centred.square().mean((2, 3), keepdim=True) + 1e-5).rsqrt()


def _halvings(image_shape: tuple[int, int, int]) -> int:
    return 2 if min(image_shape[1:]) >= _LARGE else 1
