"""The `edm` generator: diffusion whose network sees and answers with unit variance at every noise level.

Karras, Aittala, Aila & Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentError
from augsynth.generators import FitReport, Noise, Step
from augsynth.generators.toolkit import option
from augsynth_diffusion.consistency import consistency_loss, nearer_level
from augsynth_diffusion.diffusion import Diffusion, DiffusionOptions
from augsynth_diffusion.preconditioning import Factors, Preconditioning, draw_sigma
from augsynth_diffusion.samplers import Sampler, along_noise, euler, heun, karras_sigmas, leaping, with_fresh_noise

SAMPLERS: dict[str, Sampler] = {
    "heun": along_noise(heun),
    "ddim": along_noise(euler),
    "ancestral": with_fresh_noise(1.0),
}
TUNING_MEAN, TUNING_STD = -1.1, 2.0
"""Mean and standard deviation of the logarithm of the noise level in tuning, from the appendix of Geng et al."""


@dataclass(frozen=True)
class EDMConfig(DiffusionOptions):
    """Options of `create_generator("edm", …)`, beside those of `DiffusionOptions`.

    Args:
        p_mean: mean of the logarithm of the noise level in training; default −1.2.
        p_std: standard deviation of that logarithm, above 0; default 1.2.
        sampler: "heun" (default; second order, two evaluations a step), "ddim" (one evaluation a step) or "ancestral"
            (one evaluation, and fresh noise in each step).
        sigma_min: last noise level before 0 in sampling, above 0 and below `sigma_max`; default 0.002.
        sigma_max: noise level at which sampling starts; default 80.
        leaps: evaluations of the tuned network for an image, at least 0. `tune` sets it to 2, and 1 is quicker; 0
            (default) before, and for samples of the network that was not tuned.
    """

    p_mean: float = option(-1.2)
    p_std: float = option(1.2, above=0)
    sampler: str = option("heun", one_of=tuple(SAMPLERS))
    sigma_min: float = option(0.002, above=0)
    sigma_max: float = option(80.0)
    leaps: int = option(0, at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_min >= self.sigma_max:
            raise ArgumentError(f"sigma_min must be below sigma_max={self.sigma_max}, got {self.sigma_min}")


class EDM(Diffusion):
    """Diffusion after EDM: the most faithful and varied of the built-in generators, and the slowest.

    The loss is E[λ(σ)·‖D(x + σ·n; σ, class) − x‖²] with ln σ ~ N(p_mean, p_std²), standard normal n, and
    λ(σ) = (σ² + σ_data²) / (σ·σ_data)², so that it is 1 at every noise level before the first step.

    Args:
        config: options; None for the defaults.
    """

    name = "edm"
    capabilities = Diffusion.capabilities | {"tune"}
    Config = EDMConfig
    config: EDMConfig

    @property
    def factors(self) -> Factors:
        return Preconditioning.unit_variance

    def draw_sigma(self, count: int, step: Step) -> Tensor:
        return draw_sigma(step.normal(count), self.config.p_mean, self.config.p_std)

    def weight(self, sigma: Tensor) -> Tensor:
        return self.denoiser.preconditioning(sigma).c_out ** -2

    @property
    def sigma_max(self) -> float:
        return self.config.sigma_max

    def levels(self, start: float, steps: int) -> list[float]:
        return karras_sigmas(steps, self.config.sigma_min, start)

    def sampler(self) -> Sampler:
        return SAMPLERS[self.config.sampler]

    # Few steps -------------------------------------------------------------------------------------------------------

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        tuned = {"tuned": self.make_denoiser(image_shape, num_classes)} if self.config.leaps else {}
        return {**super().build(image_shape, num_classes), **tuned}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        if self.config.leaps:
            raise ArgumentError("leaps must be 0 in a fit, and is set by tune(): fit a new generator, then tune it")
        return super().optimizers()

    def tune(self, dataset: Any, *, steps: int, seed: int = 0, progress: bool = True) -> FitReport:
        """Train a consistency function from the fitted denoiser, so that samples and variations need two evaluations.

        See `consistency`. The denoiser is kept: codes and steering still use it, and so do samples with `leaps` = 0.

        Args:
            dataset: data set that it was fitted on, as for `fit`.
            steps: number of training steps, at least 1. About a third of the steps of the fit are enough.
            seed: 64-bit seed of all random numbers; default 0.
            progress: True (default) shows a progress bar.
        """
        self._require("tune")
        if self.config.leaps:
            raise ArgumentError("this generator was tuned before: load the checkpoint from before, and tune that")
        tuning = Tuning(replace(self.config, learning_rate=self.config.learning_rate / 4))
        report = tuning.fit(dataset, steps=steps, seed=seed, progress=progress, device=self.device, start_from=self)
        self.networks["tuned"] = tuning.networks["denoiser"]
        self.config = replace(self.config, leaps=2)
        return report

    def draw(
        self, noisy: Tensor, sigma: float, noise: Noise, labels: Tensor | None, guidance: float | None = None
    ) -> Tensor:
        if not self.config.leaps:
            return super().draw(noisy, sigma, noise, labels, guidance)
        leap = self.denoise(labels, guidance, self.networks["tuned"])
        return self.to_images(leaping(leap, noisy, self.leaps(sigma), noise))

    def leaps(self, start: float) -> list[float]:
        """Return the noise levels of the leaps, from `start` down to 0.

        Args:
            start: first noise level, above 0.
        """
        last = 1.5 * self.denoiser.sigma_data.item()
        if start <= last or self.config.leaps == 1:
            return [start, 0.0]
        between = self.config.leaps - 1
        return [start, *(start * (last / start) ** (k / between) for k in range(1, between + 1)), 0.0]


class Tuning(EDM):
    """The training of a consistency function, which starts from the weights of a denoiser."""

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        clean, known = self.to_space(images), self.hide_some(labels, step)
        t = draw_sigma(step.normal(len(images)), TUNING_MEAN, TUNING_STD)
        r = nearer_level(t, step.index / step.total)
        noise = step.normal(*clean.shape)
        loss = consistency_loss(lambda noisy, sigma: self.denoiser(noisy, sigma, known), clean, noise, t, r)
        self.config.descend(step, "main", loss)
        return {"loss": loss.detach()}
