"""The `edm` generator: diffusion whose network sees and answers with unit variance at every noise level.

Karras, Aittala, Aila & Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from augsynth.errors import ArgumentError
from augsynth.generators import Step
from augsynth.generators.toolkit import option
from augsynth_diffusion.diffusion import Diffusion, DiffusionOptions
from augsynth_diffusion.preconditioning import Factors, Preconditioning, draw_sigma
from augsynth_diffusion.samplers import Sampler, along_noise, euler, heun, karras_sigmas, with_fresh_noise

SAMPLERS: dict[str, Sampler] = {
    "heun": along_noise(heun),
    "ddim": along_noise(euler),
    "ancestral": with_fresh_noise(1.0),
}


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
    """

    p_mean: float = option(-1.2)
    p_std: float = option(1.2, above=0)
    sampler: str = option("heun", one_of=tuple(SAMPLERS))
    sigma_min: float = option(0.002, above=0)
    sigma_max: float = option(80.0)

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
