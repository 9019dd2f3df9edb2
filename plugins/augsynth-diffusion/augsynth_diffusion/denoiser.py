"""The network under its preconditioning, with the statistics of the images it is fitted on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from augsynth.generators import autocast
from augsynth_diffusion.networks import UNet
from augsynth_diffusion.preconditioning import Factors, Preconditioning


class Denoiser(nn.Module):
    """D(x; σ, class): the expected clean image, with the mean of each channel at 0.

    Args:
        network: the network under the preconditioning.
        sigma_data: standard deviation of the images, above 0; None measures it.
        precision: "float32", "bfloat16" or "auto".
        factors: the preconditioning; by default that of EDM.
    """

    center: Tensor
    sigma_data: Tensor

    def __init__(
        self,
        network: UNet,
        sigma_data: float | None,
        precision: str,
        factors: Factors = Preconditioning.unit_variance,
    ) -> None:
        super().__init__()
        self.network, self.precision, self.measures_sigma = network, precision, sigma_data is None
        self.factors = factors
        self.register_buffer("center", torch.zeros(network.patches.image_shape[0], 1, 1))
        self.register_buffer("sigma_data", torch.tensor(1.0 if sigma_data is None else sigma_data))

    def measure(self, images: Tensor) -> None:
        """Measure `center`, and `sigma_data` unless it was given.

        Args:
            images: (B, C, H, W) in [−1, 1].
        """
        self.center.copy_(images.mean((0, 2, 3))[:, None, None])
        if self.measures_sigma:
            # The variance is a divisor, and images of one grey tone have none.
            self.sigma_data.copy_((images - self.center).square().mean().sqrt().clamp(min=0.05))

    def preconditioning(self, sigma: Tensor) -> Preconditioning:
        """Compute the factors of the preconditioning.

        Args:
            sigma: noise levels, (B, 1, 1, 1), above 0.
        """
        return self.factors(sigma, self.sigma_data)

    def forward(self, noisy: Tensor, sigma: Tensor, labels: Tensor, distortion: Tensor | None = None) -> Tensor:
        """Compute the expected clean images.

        Args:
            noisy: centred noisy images, (B, C, H, W).
            sigma: noise levels, (B, 1, 1, 1), above 0.
            labels: classes, (B,); `num_classes` stands for an unknown class.
            distortion: parameters of the augmentation, (B, numbers); None (default) for images as they are.
        """
        factors = self.preconditioning(sigma)
        with autocast(noisy.device, self.precision):
            # ln σ is the logit of the time of a straight path, too.
            answer = self.network(factors.c_in * noisy, sigma.flatten().log() / 4, labels, distortion)
        denoised: Tensor = factors.c_skip * noisy + factors.c_out * answer
        return denoised
