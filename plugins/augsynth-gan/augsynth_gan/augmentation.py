"""Distortions that only the discriminator sees, so that it does not learn few real images by heart.

Real and generated images are distorted alike, and the generator learns through the distortion. What it draws is not
distorted: an undistorted generator is the one whose distorted images look like distorted real ones, as long as the
distortions do not hide the difference (they are "non-leaking").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from augsynth.generators import Step
from augsynth.transforms import DiffAugment


class Augmentation(nn.Module):
    """Distortion of the discriminator's images: of all of them, or of as many as its overfitting asks for.

    Without `target` it is DiffAugment: Zhao, Liu, Lin, Zhu & Han, "Differentiable augmentation for data-efficient GAN
    training", NeurIPS 2020. With `target` it is ADA: Karras et al., "Training generative adversarial networks with
    limited data", NeurIPS 2020. An image is then distorted with a probability that rises while the discriminator is
    too sure of its real images, and falls while it is not. The probability is a buffer, so a resumed run continues
    with it.

    Args:
        policy: names of distortions of `augsynth.transforms.DiffAugment`.
        strength: their strength, in [0, 1]; 0 distorts nothing.
        target: share of sureness that the probability holds, in (0, 1); 0.6 in the paper. None distorts every image.
        images: number of images in which the probability can go from 0 to 1, at least 1; default 50,000. (The paper
            has 500,000, for fits of 25 million images.)
    """

    probability: Tensor

    def __init__(self, policy: tuple[str, ...], strength: float, target: float | None, images: int = 50_000) -> None:
        super().__init__()
        self._distort = DiffAugment(policy, strength, border="replicate")
        self._target, self._images = target, images
        if target is not None:
            self.register_buffer("probability", torch.zeros(()))

    def forward(self, images: Tensor, step: Step) -> Tensor:
        """Distort images (B, C, H, W) with random numbers of a training step."""
        if self._distort.strength == 0:
            return images
        distorted: Tensor = self._distort(images, uniform=step.uniform(len(images), self._distort.numbers))
        if self._target is None:
            return distorted
        chosen = step.uniform(len(images), 1, 1, 1) < self.probability
        return torch.where(chosen, distorted, images)

    @torch.no_grad()
    def adapt(self, sureness: Tensor) -> None:
        """Move the probability after a step of the discriminator, by at most one share of `images`.

        Args:
            sureness: (B,), above 0 where the discriminator tells a real image from generated ones.
        """
        if self._target is not None:
            move = (sureness.sign().mean() - self._target).sign() * len(sureness) / self._images
            self.probability.add_(move).clamp_(0, 1)
