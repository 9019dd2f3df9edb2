"""The `ddpm` generator: denoising diffusion probabilistic models, with ancestral or DDIM sampling.

Ho, Jain & Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020; Nichol & Dhariwal, "Improved denoising
diffusion probabilistic models", ICML 2021; Song, Meng & Ermon, "Denoising diffusion implicit models", ICLR 2021.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from augsynth.generators import Noise, Step
from augsynth.generators.toolkit import option
from augsynth_diffusion.diffusion import Diffusion, DiffusionOptions
from augsynth_diffusion.preconditioning import Factors, Preconditioning
from augsynth_diffusion.samplers import Denoise, Sampler, with_fresh_noise
from augsynth_diffusion.schedules import SCHEDULES


@dataclass(frozen=True)
class DDPMConfig(DiffusionOptions):
    """Options of `create_generator("ddpm", …)`, beside those of `DiffusionOptions`.

    Args:
        times: number T of noise levels in training, at least 2; default 1000.
        noise_schedule: "cosine" (default; Nichol & Dhariwal 2021) or "linear" (Ho et al. 2020).
        prediction: answer of the network: "noise" (default; Ho et al. 2020) or "velocity" (Salimans & Ho 2022).
        min_snr: γ, above 0: weights of the loss of the noise are min(SNR, γ) / SNR. It is 5 in Hang et al., "Efficient
            diffusion training via min-SNR weighting strategy", ICCV 2023. None (default) weighs all times alike.
        sampler: "ddim" (default) or "ancestral", which is DDIM with `eta` = 1.
        sampling_steps: steps from noise to an image, at least 1; default 50. More than `times` are as many as `times`.
        eta: share of the noise that "ddim" replaces in a step, in [0, 1]; default 0.
    """

    times: int = option(1000, at_least=2)
    noise_schedule: str = option("cosine", one_of=tuple(SCHEDULES))
    prediction: str = option("noise", one_of=("noise", "velocity"))
    min_snr: float | None = option(None, above=0)
    sampler: str = option("ddim", one_of=("ddim", "ancestral"))
    sampling_steps: int = option(50, at_least=1)
    eta: float = option(0.0, at_least=0, at_most=1)


class DDPM(Diffusion):
    """Diffusion with T discrete noise levels, whose network predicts the noise n in z = √ᾱ·x + √(1 − ᾱ)·n.

    The loss is E[w·‖ε(z, t, class) − n‖²] with t uniform in 1…T and w = 1, or min(SNR, γ) / SNR with SNR = ᾱ / (1 − ᾱ);
    or that of the velocity v = √ᾱ·n − √(1 − ᾱ)·x. In the space of this package, x + σ·n = z / √ᾱ and SNR = 1 / σ².

    Args:
        config: options; None for the defaults.
    """

    name = "ddpm"
    Config = DDPMConfig
    config: DDPMConfig

    @cached_property
    def _sigmas(self) -> list[float]:
        return SCHEDULES[self.config.noise_schedule](self.config.times)

    @property
    def factors(self) -> Factors:
        return Preconditioning.noise if self.config.prediction == "noise" else Preconditioning.velocity

    def draw_sigma(self, count: int, step: Step) -> Tensor:
        t = 1 + (step.uniform(count) * self.config.times).long()
        return torch.tensor(self._sigmas, device=step.device)[t].view(-1, 1, 1, 1)

    def weight(self, sigma: Tensor) -> Tensor:
        if self.config.min_snr is not None:
            return sigma.pow(-2).clamp(max=self.config.min_snr)
        return self.denoiser.preconditioning(sigma).c_out ** -2

    @property
    def sigma_max(self) -> float:
        return self._sigmas[-1]

    def levels(self, start: float, steps: int) -> list[float]:
        last = bisect_left(self._sigmas, start)  # the first time with at least as much noise
        times = sorted({round(last * k / steps) for k in range(1, steps)} - {0, last}, reverse=True)
        return [start, *(self._sigmas[t] for t in times), 0.0]

    def sampler(self) -> Sampler:
        return with_fresh_noise(1.0 if self.config.sampler == "ancestral" else self.config.eta)

    def solve(self, noisy: Tensor, sigma: float, noise: Noise, denoise: Denoise) -> Tensor:
        # An error of the predicted noise is σ times as large in the image: the clean image is kept in its range.
        def clamped(images: Tensor, level: float) -> Tensor:
            return self.to_space(self.to_images(denoise(images, level)).clamp(-1.0, 1.0))

        return super().solve(noisy, sigma, noise, clamped)
