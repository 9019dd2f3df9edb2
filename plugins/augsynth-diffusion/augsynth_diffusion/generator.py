"""The `edm` generator: class-conditional diffusion.

Karras, Aittala, Aila & Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS 2022, with
the classifier-free guidance of Ho & Salimans, 2022.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentError
from augsynth.generators import NetworkGenerator, Noise, Samples, Step
from augsynth.generators.toolkit import TrainingOptions, WarmupCosine, option
from augsynth_diffusion.denoiser import Denoiser
from augsynth_diffusion.networks import Grid, UNet
from augsynth_diffusion.preconditioning import denoising_loss, draw_sigma
from augsynth_diffusion.samplers import SAMPLERS, guided, karras_sigmas


@dataclass(frozen=True)
class EDMConfig(TrainingOptions):
    """Options of `create_generator("edm", …)`, beside those of `TrainingOptions`.

    Args:
        width: channels at the finest level, at least 1; default 32. Coarser levels have twice as many. Time and memory
            grow with its square.
        depth: residual blocks at each level on both ways, down and up, at least 1; default 1.
        sigma_data: standard deviation of the images on their scale from −1 to 1, above 0; None (default) measures it on
            the first batch.
        p_mean: mean of the logarithm of the noise level in training; default −1.2.
        p_std: standard deviation of that logarithm, above 0; default 1.2.
        label_drop: share of training images whose class is hidden, in [0, 1); default 0.1. The model also learns to
            draw without a class, which guidance needs.
        sampler: "heun" (default; second order, two evaluations a step) or "ddim" (one evaluation a step).
        sampling_steps: steps from noise to an image, at least 1; default 8.
        guidance: default guidance, at least 0; default 1.5. 1 is plain conditional sampling; samples are more typical
            of their class and less varied above 1.
        sigma_min: last noise level before 0 in sampling, above 0 and below `sigma_max`; default 0.002.
        sigma_max: noise level at which sampling starts; default 80.
    """

    schedule = WarmupCosine(steps=200, share=0.1, end=0.01)

    width: int = option(32, at_least=1)
    depth: int = option(1, at_least=1)
    sigma_data: float | None = option(None, above=0)
    p_mean: float = option(-1.2)
    p_std: float = option(1.2, above=0)
    label_drop: float = option(0.1, at_least=0, below=1)
    sampler: str = option("heun", one_of=tuple(SAMPLERS))
    sampling_steps: int = option(8, at_least=1)
    guidance: float = option(1.5, at_least=0)
    sigma_min: float = option(0.002, above=0)
    sigma_max: float = option(80.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_min >= self.sigma_max:
            raise ArgumentError(f"sigma_min must be below sigma_max={self.sigma_max}, got {self.sigma_min}")


class EDM(NetworkGenerator):
    """Class-conditional diffusion: a network that removes noise turns noise into an image, step by step.

    It is the most faithful and varied of the built-in generators, and the slowest to fit and to sample from.

    Args:
        config: options; None for the defaults.
    """

    name = "edm"
    api_version = 1
    capabilities = frozenset({"conditional", "guide", "vary"})
    Config = EDMConfig
    config: EDMConfig

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        network = UNet(Grid.of(image_shape), num_classes, self.config.width, self.config.depth)
        return {"denoiser": Denoiser(network, self.config.sigma_data, self.config.precision)}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": self.config.make_optimizer(self.networks.parameters())}

    def averages(self) -> dict[str, float]:
        return {"denoiser": self.config.decay}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        assert labels is not None
        denoiser, config = self._denoiser, self.config
        if step.index == 0:
            denoiser.measure(images)
        clean = images - denoiser.center
        sigma = draw_sigma(step.normal(len(images)), config.p_mean, config.p_std)
        hidden = step.uniform(len(images)) < config.label_drop
        known = torch.where(hidden, self._unknown, labels)
        denoised = denoiser(clean + sigma * step.normal(*images.shape), sigma, known)
        loss = denoising_loss(denoised, clean, sigma, denoiser.sigma_data)
        config.descend(step, "main", loss)
        return {"loss": loss.detach()}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        config = self.config
        sigmas = karras_sigmas(config.sampling_steps, config.sigma_min, config.sigma_max)
        start = config.sigma_max * noise.normal(*self.image_shape)
        return self._solve(start, sigmas, labels, config.guidance if guidance is None else guidance)

    def vary(
        self,
        images: Tensor,
        strength: float | None = None,
        labels: int | Sequence[int] | Tensor | None = None,
        *,
        sigma: float | None = None,
        guidance: float | None = None,
        seed: int = 0,
    ) -> Samples:
        """Add noise to images and remove it again (SDEdit).

        Meng et al., "SDEdit: guided image synthesis and editing with stochastic differential equations", ICLR 2022.

        Args:
            images: uint8 (n, C, H, W).
            strength: share of the sampling steps that are repeated, in (0, 1], at least one step. At 1, nothing of the
                image is left.
            labels: one class, or a class for each image; None (default) for unknown classes.
            seed: 64-bit seed; default 0.
        """
        if strength is None or not 0 < strength <= 1:
            raise ArgumentError(f"strength must be above 0 and at most 1, got {strength}")
        config = self.config
        steps = max(1, round(strength * config.sampling_steps))
        sigmas = karras_sigmas(config.sampling_steps, config.sigma_min, config.sigma_max)[-1 - steps :]

        def vary(noise: Noise, classes: Tensor | None, sources: Tensor) -> Tensor:
            noisy = sources - self._denoiser.center + sigmas[0] * noise.normal(*self.image_shape)
            return self._solve(noisy, sigmas, classes, config.guidance)

        varied = self.map_tiles(vary, images, labels=labels, seed=seed)
        classes = (
            None
            if labels is None
            else torch.as_tensor(labels, dtype=torch.int64, device="cpu").expand(len(images)).clone()
        )
        return Samples(varied, classes)

    @property
    def _denoiser(self) -> Denoiser:
        return cast("Denoiser", self.networks["denoiser"])

    @property
    def _unknown(self) -> Tensor:
        """Label that stands for an unknown class."""
        assert self.num_classes is not None
        return torch.tensor(self.num_classes, device=self.device)

    def _solve(self, start: Tensor, sigmas: list[float], labels: Tensor | None, guidance: float) -> Tensor:
        """Solve from noise level `sigmas[0]` to `sigmas[-1]` for centred images, and shift the results to [−1, 1]."""
        unknown = self._unknown.expand(len(start))

        def denoise(images: Tensor, sigma: float) -> Tensor:
            levels = torch.full((len(images), 1, 1, 1), sigma, device=images.device)
            if labels is None or guidance == 1.0:
                answer: Tensor = self._denoiser(images, levels, unknown if labels is None else labels)
                return answer
            answers: Tensor = self._denoiser(
                images.repeat(2, 1, 1, 1), levels.repeat(2, 1, 1, 1), torch.cat([labels, unknown])
            )
            return guided(answers[: len(images)], answers[len(images) :], guidance)

        return SAMPLERS[self.config.sampler](denoise, start, sigmas) + self._denoiser.center
