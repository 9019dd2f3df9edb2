"""Base of the diffusion models: training with hidden classes, sampling with guidance, codes and variations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from augsynth.core.checks import check_integer, check_number
from augsynth.errors import ArgumentError, shown
from augsynth.generators import LatentMethods, NetworkGenerator, Noise, Samples, Step
from augsynth.generators.contract.capabilities import Labels
from augsynth.generators.labels import check_labels
from augsynth.generators.toolkit import TrainingOptions, WarmupCosine, option
from augsynth_diffusion.augmenting import Augmentation
from augsynth_diffusion.denoiser import Denoiser
from augsynth_diffusion.networks import Grid, UNet
from augsynth_diffusion.preconditioning import Factors, denoising_loss
from augsynth_diffusion.refining import ascend
from augsynth_diffusion.samplers import Denoise, Sampler, along_noise, guided, heun, karras_sigmas, steered

CODE_STEPS = 16
"""Least number of steps between images and codes, which only agree if the steps are short."""


@dataclass(frozen=True)
class DiffusionOptions(TrainingOptions):
    """Options that the diffusion models share, beside those of `TrainingOptions`.

    Args:
        width: channels at the finest level, at least 1; default 32. Coarser levels have twice as many. Time and memory
            grow with its square.
        depth: residual blocks at each level on both ways, down and up, at least 1; default 1.
        dropout: share of the features of a block that are dropped in training, in [0, 1); default 0.
        augment: probability that a training image is augmented, in [0, 1]; default 0. The network is told the
            parameters, and draws images as they are.
        policy: augmentations, names of `augsynth.transforms.DiffAugment`; default ("affine",).
        label_drop: share of training images whose class is hidden, in [0, 1); default 0.1. The model also learns to
            draw without a class, which guidance needs.
        sigma_data: standard deviation of the images on their scale from −1 to 1, above 0; None (default) measures it on
            the first batch.
        sampling_steps: steps from noise to an image, at least 1; default 8.
        guidance: default guidance, at least 0; default 1, which is plain conditional sampling. Above 1, samples are
            more typical of their class and less varied, and cost twice the time.
    """

    schedule = WarmupCosine(steps=200, share=0.1, end=0.01)

    width: int = option(32, at_least=1)
    depth: int = option(1, at_least=1)
    dropout: float = option(0.0, at_least=0, below=1)
    augment: float = option(0.0, at_least=0, at_most=1)
    policy: tuple[str, ...] = ("affine",)
    label_drop: float = option(0.1, at_least=0, below=1)
    sigma_data: float | None = option(None, above=0)
    sampling_steps: int = option(8, at_least=1)
    guidance: float = option(1.0, at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        Augmentation(self.augment, self.policy)  # refuses unknown names


class Diffusion(LatentMethods, NetworkGenerator):
    """Class-conditional diffusion: a network that removes noise turns noise into an image, step by step.

    A model writes `factors`, `draw_sigma`, `weight`, `levels`, `sigma_max` and `sampler`. One that works on
    codes instead of pixels also writes `space_shape`, `to_space` and `to_images`.

    Args:
        config: options; None for the defaults.
    """

    api_version = 1
    code_sigma_min: ClassVar[float] = 0.01
    """Noise level that counts as none between images and codes: about one level of 256."""
    capabilities = frozenset(
        {"conditional", "edit", "guide", "interpolate", "invert", "refine", "steer", "translate", "vary"}
    )
    config: DiffusionOptions

    # Methods that a model writes ----------------------------------------------------------------------------------

    @property
    @abstractmethod
    def factors(self) -> Factors:
        """Preconditioning between the network and the denoiser."""

    @abstractmethod
    def draw_sigma(self, count: int, step: Step) -> Tensor:
        """Draw noise levels for training, (count, 1, 1, 1).

        Args:
            count: number of images.
            step: the training step.
        """

    @abstractmethod
    def weight(self, sigma: Tensor) -> Tensor:
        """Compute the weight of the squared error of the denoiser, (B, 1, 1, 1).

        Args:
            sigma: noise levels, (B, 1, 1, 1), above 0.
        """

    @property
    @abstractmethod
    def sigma_max(self) -> float:
        """Noise level at which sampling starts."""

    @abstractmethod
    def levels(self, start: float, steps: int) -> list[float]:
        """Return the noise levels of a sampler, from `start` down to 0.

        Args:
            start: first noise level, above 0 and at most `sigma_max`.
            steps: number of steps, at least 1.
        """

    @abstractmethod
    def sampler(self) -> Sampler:
        """Return the sampler that the options name."""

    @property
    def space_shape(self) -> tuple[int, ...]:
        """Shape (C, H, W) in which the model works: by default that of the images."""
        return self.image_shape

    def to_space(self, images: Tensor) -> Tensor:
        """Map images into the space in which the model works: by default, to channels of mean 0.

        Args:
            images: (B, C, H, W) in [−1, 1].
        """
        return images - self.denoiser.center

    def to_images(self, clean: Tensor) -> Tensor:
        """Invert `to_space`.

        Args:
            clean: (B, *space_shape).
        """
        return clean + self.denoiser.center

    def measure(self, images: Tensor) -> None:
        """Measure what `to_space` and the preconditioning need to know about images, on the first batch.

        Args:
            images: (B, C, H, W) in [−1, 1].
        """
        self.denoiser.measure(images)

    # The contract of networks ------------------------------------------------------------------------------------

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        return {"denoiser": self.make_denoiser(image_shape, num_classes)}

    def make_denoiser(self, shape: tuple[int, int, int], num_classes: int | None) -> Denoiser:
        """Make a denoiser with fresh weights.

        Args:
            shape: (C, H, W) of the space in which the model works.
            num_classes: number of classes.
        """
        assert num_classes is not None
        config = self.config
        network = UNet(
            Grid.of(shape), num_classes, config.width, config.depth, config.dropout, self._augmentation.numbers
        )
        return Denoiser(network, config.sigma_data, config.precision, self.factors)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": self.config.make_optimizer(self.denoiser.parameters())}

    def averages(self) -> dict[str, float]:
        return {"denoiser": self.config.decay}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        if step.index == 0:
            self.measure(images)
        images, distortion = self._augmentation(images, step)
        clean, sigma = self.to_space(images), self.draw_sigma(len(images), step)
        known = self.hide_some(labels, step)
        denoised = self.denoiser(clean + sigma * step.normal(*clean.shape), sigma, known, distortion)
        loss = denoising_loss(denoised, clean, self.weight(sigma))
        self.config.descend(step, "main", loss)
        return {"loss": loss.detach()}

    def hide_some(self, labels: Tensor | None, step: Step) -> Tensor:
        """Replace the classes of a share `label_drop` of the images by the unknown class.

        Args:
            labels: classes, (B,).
            step: the training step.
        """
        assert labels is not None
        assert self.num_classes is not None
        return labels.masked_fill(step.uniform(len(labels)) < self.config.label_drop, self.num_classes)

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        start = self.sigma_max * noise.normal(*self.space_shape)
        return self.draw(start, self.sigma_max, noise, labels, guidance)

    # Sampling ------------------------------------------------------------------------------------------------------

    @property
    def denoiser(self) -> Denoiser:
        """Network that removes noise."""
        return cast("Denoiser", self.networks["denoiser"])

    @property
    def _augmentation(self) -> Augmentation:
        return Augmentation(self.config.augment, self.config.policy)

    def denoise(
        self, labels: Tensor | None, guidance: float | None = None, network: nn.Module | None = None
    ) -> Denoise:
        """Return the function that removes noise from images of some classes.

        Args:
            labels: classes, (B,); None for unknown ones.
            guidance: strength of guidance; None (default) for the option `guidance`.
            network: network that removes noise; None (default) for `denoiser`.
        """
        guidance = self.config.guidance if guidance is None else guidance
        network, unknown_class = self.denoiser if network is None else network, self.num_classes
        assert unknown_class is not None
        if self.config.label_drop == 0 and (labels is None or guidance != 1.0):
            raise ArgumentError(
                f"{self.name!r} was fitted with label_drop=0: it needs the classes of all images, and guidance 1"
            )

        def denoise(images: Tensor, sigma: float) -> Tensor:
            unknown = torch.full((len(images),), unknown_class, device=images.device)
            level = torch.full((len(images), 1, 1, 1), sigma, device=images.device)
            if labels is None or guidance == 1.0:
                answer: Tensor = network(images, level, unknown if labels is None else labels)
                return answer
            answers: Tensor = network(images.repeat(2, 1, 1, 1), level.repeat(2, 1, 1, 1), torch.cat([labels, unknown]))
            return guided(answers[: len(images)], answers[len(images) :], guidance)

        return denoise

    def draw(
        self, noisy: Tensor, sigma: float, noise: Noise, labels: Tensor | None, guidance: float | None = None
    ) -> Tensor:
        """Turn noisy images into images in [−1, 1].

        Args:
            noisy: images at noise level `sigma`, (B, *space_shape).
            sigma: noise level, above 0 and at most `sigma_max`.
            noise: source of the noise that some samplers add.
            labels: classes, (B,); None for unknown ones.
            guidance: strength of guidance; None (default) for the option `guidance`.
        """
        return self.solve(noisy, sigma, noise, self.denoise(labels, guidance))

    def solve(self, noisy: Tensor, sigma: float, noise: Noise, denoise: Denoise) -> Tensor:
        """Turn noisy images into images in [−1, 1], with the sampler of the options.

        Args:
            noisy: images at noise level `sigma`, (B, *space_shape).
            sigma: noise level, above 0 and at most `sigma_max`.
            noise: source of the noise that some samplers add.
            denoise: function that removes noise.
        """
        return self.to_images(self.sampler()(denoise, noisy, self.levels(sigma, self.config.sampling_steps), noise))

    # Codes ---------------------------------------------------------------------------------------------------------

    @property
    def _code_levels(self) -> list[float]:
        return karras_sigmas(
            max(CODE_STEPS, self.config.sampling_steps), self.code_sigma_min, min(80.0, self.sigma_max)
        )

    def encode_tile(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        """Follow the probability flow from images to noise, without guidance.

        Song, Meng & Ermon, ICLR 2021, section 5.4. With another class on the way back, it is the translation of Su,
        Song, Meng & Ermon, "Dual diffusion implicit bridges for image-to-image translation", ICLR 2023.

        Args:
            images: float32 (B, C, H, W) in [−1, 1].
            labels: their classes, (B,); None for unknown ones.
            noise: source of the least noise, without which an image that the model knows by heart would not move.

        Returns:
            Codes, (B, *space_shape), of about unit variance.
        """
        levels = self._code_levels
        upwards, denoise = levels[-2::-1], self.denoise(labels, 1.0)
        clean = self.to_space(images)
        start = clean + upwards[0] * noise.normal(*self.space_shape)
        return along_noise(heun)(denoise, start, upwards, noise) / levels[0]

    def decode_tile(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        """Follow the probability flow from noise to images, without guidance.

        Args:
            codes: (B, *space_shape).
            labels: classes to draw, (B,); None for unknown ones.
        """
        levels = self._code_levels
        denoise, none = self.denoise(labels, 1.0), Noise(0, [], codes.device)
        return self.to_images(along_noise(heun)(denoise, codes * levels[0], levels, none))

    # Capabilities ----------------------------------------------------------------------------------------------------

    def vary(
        self,
        images: Tensor,
        strength: float | None = None,
        labels: Labels = None,
        *,
        sigma: float | None = None,
        guidance: float | None = None,
        seed: int = 0,
    ) -> Samples:
        """Add noise to images and remove it again. Give either `strength` or `sigma`.

        Meng et al., "SDEdit: guided image synthesis and editing with stochastic differential equations", ICLR 2022.

        Args:
            images: uint8 (n, C, H, W).
            strength: strength of the change, in (0, 1]. The noise level is 2.5·σ_data·strength / (1 − strength), up to
                that of pure noise: at 0.5, the noise is 2.5 times as strong as the image; at 1, nothing of the image
                is left.
            labels: one class, or a class for each image; None (default) for unknown classes.
            sigma: standard deviation of the noise that is added, on the scale −1 to 1 of the images, above 0 and at
                most that of pure noise.
            guidance: strength of guidance, as for `sample`; None (default) for the option `guidance`.
            seed: 64-bit seed; default 0.
        """
        level = self._noise_level(strength, sigma)
        guidance = None if guidance is None else check_number("guidance", guidance)

        def vary(noise: Noise, classes: Tensor | None, sources: Tensor) -> Tensor:
            noisy = self.to_space(sources) + level * noise.normal(*self.space_shape)
            return self.draw(noisy, level, noise, classes, guidance)

        return self._samples(self.map_tiles(vary, images, labels=labels, seed=seed), labels)

    def _noise_level(self, strength: float | None, sigma: float | None) -> float:
        if (strength is None) == (sigma is None):
            given = "neither" if sigma is None else f"both (strength={shown(strength)}, sigma={shown(sigma)})"
            raise ArgumentError(f"give either strength or sigma, got {given}")
        if sigma is not None:
            if not 0 < check_number("sigma", sigma) <= self.sigma_max:
                raise ArgumentError(f"sigma must be above 0 and at most {self.sigma_max:.6g}, got {sigma}")
            return float(sigma)
        if not 0 < check_number("strength", strength) <= 1:
            raise ArgumentError(f"strength must be above 0 and at most 1, got {strength}")
        assert strength is not None
        scale = 2.5 * self.denoiser.sigma_data.item()
        return min(self.sigma_max, scale * strength / max(1e-9, 1 - strength))

    def steer(
        self,
        n: int,
        score: Callable[[Tensor, Tensor | None], Tensor],
        strength: float,
        *,
        labels: Labels = None,
        seed: int = 0,
    ) -> Samples:
        """Draw images for which a score is high. See `samplers.steered`.

        Args:
            n: number of images, at least 0.
            score: a differentiable function of images (B, C, H, W) in [−1, 1] and their labels (B,); it returns (B,).
                It is called in each step, with the clean images that are expected so far. The log-probability of a
                class gives classifier guidance.
            strength: weight of the score's gradient, at least 0; at 0, the samples are those of `sample`.
            labels: classes to draw; by default as for `sample`.
            seed: 64-bit seed; default 0.
        """
        n = check_integer("n", n, 0)
        if check_number("strength", strength) < 0:
            raise ArgumentError(f"strength must be at least 0, got {strength}")
        classes = check_labels(self.name, labels, n, 0, self.num_classes)

        def steer(noise: Noise, known: Tensor | None, canvas: Tensor) -> Tensor:
            start = self.sigma_max * noise.normal(*self.space_shape)
            if strength == 0:
                return self.draw(start, self.sigma_max, noise, known)
            height, spread = (lambda clean: score(self.to_images(clean), known)), self.denoiser.sigma_data.item()
            return self.solve(start, self.sigma_max, noise, steered(self.denoise(known), height, strength, spread))

        canvas = torch.zeros((n, *self.image_shape), dtype=torch.uint8)
        return Samples(self.map_tiles(steer, canvas, labels=classes, seed=seed), classes)

    def refine(
        self, images: Tensor, score: Callable[[Tensor], Tensor], steps: int, *, labels: Labels = None
    ) -> Samples:
        """Change images, step by step, so that a score rises: along its gradient, and through noise (SDEdit) back to
        images that the model draws. A step that does not raise the score of an image is taken back.

        Args:
            images: uint8 (n, C, H, W).
            score: a differentiable function of images (B, C, H, W) in [−1, 1]; it returns (B,).
            steps: number of steps, at least 1.
            labels: their classes; None (default) for unknown ones.
        """
        steps = check_integer("steps", steps, 1)
        level = self.denoiser.sigma_data.item()

        def refine(noise: Noise, classes: Tensor | None, sources: Tensor) -> Tensor:
            def project(moved: Tensor) -> Tensor:
                noisy = self.to_space(moved) + level * noise.normal(*self.space_shape)
                return self.draw(noisy, level, noise, classes).clamp(-1.0, 1.0)

            return ascend(sources, score, project, steps, level / 2)

        return self._samples(self.map_tiles(refine, images, labels=labels), labels)
