"""Augmentation of training images that does not leak into the samples.

Karras, Aittala, Aila & Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS 2022,
section 5 and appendix F: some training images are distorted, and the network is told how. It draws images as they are
when it is told that nothing was done.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.generators import Step


@dataclass(frozen=True)
class Augmentation:
    """Random distortions of a share of the images.

    Args:
        probability: share of the images that are distorted, in [0, 1]; 0 for none.
        policy: names of `augsynth.transforms.DiffAugment`, at least one.
    """

    probability: float
    policy: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.policy:
            raise ArgumentError("policy must name at least one augmentation; augment=0 switches augmentation off")
        T.DiffAugment(self.policy)

    @property
    def numbers(self) -> int:
        """Parameters that describe the distortion of an image; 0 if nothing is distorted."""
        return 1 + T.DiffAugment.numbers if self.probability else 0

    def __call__(self, images: Tensor, step: Step) -> tuple[Tensor, Tensor | None]:
        """Distort some images.

        Args:
            images: (B, C, H, W) in [−1, 1].
            step: the training step, which draws the parameters.

        Returns:
            Images, and the parameters of their distortions, (B, numbers): zeros for an image as it is. None if nothing
            is distorted.
        """
        if not self.probability:
            return images, None
        chosen = (step.uniform(len(images)) < self.probability).float()[:, None]
        uniform = step.uniform(len(images), T.DiffAugment.numbers)
        distorted = T.DiffAugment(self.policy, border="replicate")(images, uniform=uniform)
        parameters = torch.cat([chosen, chosen * (2 * uniform - 1)], dim=1)
        return torch.where(chosen[:, :, None, None] > 0, distorted, images), parameters
