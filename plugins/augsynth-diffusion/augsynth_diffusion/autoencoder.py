"""Autoencoders whose codes have unit variance, and a small one with a KL term.

Rombach, Blattmann, Lorenz, Esser & Ommer, "High-resolution image synthesis with latent diffusion models", CVPR 2022,
with a squared error in the place of their perceptual and adversarial losses.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth.generators import autocast
from augsynth.generators.toolkit import Patches
from augsynth_diffusion.networks import ChannelNorm


class Codes(nn.Module):
    """An autoencoder that scales its codes to mean 0 and variance 1, as it has measured them.

    Args:
        code_shape: (channels, rows, columns) of a code.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, code_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.code_shape = code_shape
        self.register_buffer("shift", torch.zeros(code_shape[0], 1, 1))
        self.register_buffer("scale", torch.ones(code_shape[0], 1, 1))

    @abstractmethod
    def compress(self, images: Tensor) -> Tensor:
        """Compute codes that are not scaled.

        Args:
            images: (B, C, H, W) in [−1, 1].
        """

    @abstractmethod
    def reconstruct(self, codes: Tensor) -> Tensor:
        """Draw the images of codes that are not scaled.

        Args:
            codes: (B, *code_shape).
        """

    @torch.no_grad()
    def measure(self, images: Tensor) -> None:
        """Measure mean and standard deviation of each channel of the codes, which `encode` then divides out.

        Args:
            images: (B, C, H, W) in [−1, 1].
        """
        variance, mean = torch.var_mean(self.compress(images), (0, 2, 3), correction=0)
        self.shift.copy_(mean[:, None, None])
        # A channel without information has no variance.
        self.scale.copy_(variance.sqrt().clamp(min=1e-3)[:, None, None])

    def encode(self, images: Tensor) -> Tensor:
        """Compute the codes of images, of mean 0 and variance 1.

        Args:
            images: (B, C, H, W) in [−1, 1].
        """
        return (self.compress(images) - self.shift) / self.scale

    def decode(self, codes: Tensor) -> Tensor:
        """Invert `encode`, as far as the autoencoder can.

        Args:
            codes: (B, *code_shape).
        """
        return self.reconstruct(codes * self.scale + self.shift)


class Autoencoder(Codes):
    """Images (B, C, H, W) to codes (B, channels, H / factor, W / factor), rounded up, and back.

    Patches of factor × factor pixels are folded into channels, so that all convolutions work at the resolution of the
    codes, and large images cost little.

    Args:
        image_shape: (C, H, W).
        channels: channels of a code, at least 1.
        factor: pixels along a side for a position of a code, at least 1.
        width: channels of the convolutions, at least 1.
        precision: "float32", "bfloat16" or "auto".
    """

    def __init__(
        self, image_shape: tuple[int, int, int], channels: int, factor: int, width: int, precision: str
    ) -> None:
        patches = Patches(image_shape, factor)
        super().__init__((channels, *patches.sides))
        self.patches, self.precision = patches, precision
        self.encoder = nn.Sequential(
            nn.Conv2d(self.patches.channels, width, 3, padding=1),
            Residual(width),
            nn.SiLU(),
            nn.Conv2d(width, 2 * channels, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            Residual(width),
            nn.SiLU(),
            nn.Conv2d(width, self.patches.channels, 3, padding=1),
        )

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute mean and log-variance of the codes of images, before they are scaled.

        Args:
            images: (B, C, H, W) in [−1, 1].
        """
        with autocast(images.device, self.precision):
            mean, log_variance = self.encoder(self.patches.fold(images)).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 10)

    def compress(self, images: Tensor) -> Tensor:
        return self.posterior(images)[0]

    def reconstruct(self, codes: Tensor) -> Tensor:
        with autocast(codes.device, self.precision):
            return self.patches.unfold(self.decoder(codes)).float()

    def losses(self, images: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the mean squared error of images from random codes, and the mean KL divergence of a number of a code.

        Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014.

        Args:
            images: (B, C, H, W) in [−1, 1].
            normal: standard normal numbers, (B, *code_shape).
        """
        mean, log_variance = self.posterior(images)
        error = F.mse_loss(self.reconstruct(mean + (log_variance / 2).exp() * normal), images)
        return error, (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2


class Residual(nn.Module):
    """Two convolutions and a shortcut.

    Args:
        width: channels, at least 1.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = ChannelNorm()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, features: Tensor) -> Tensor:
        inner = self.first(F.silu(self.norm(features)))
        result: Tensor = features + self.second(F.silu(self.norm(inner)))
        return result
