"""The `flow` generator: straight paths between noise and images (flow matching, rectified flow).

Lipman, Chen, Ben-Hamu, Nickel & Le, "Flow matching for generative modeling", ICLR 2023; Liu, Gong & Liu, "Flow straight
and fast: learning to generate and transfer data with rectified flow", ICLR 2023.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from augsynth.generators import Step
from augsynth.generators.toolkit import option
from augsynth_diffusion.diffusion import Diffusion, DiffusionOptions
from augsynth_diffusion.preconditioning import Factors, Preconditioning, draw_sigma
from augsynth_diffusion.samplers import Sampler, along_line, euler, heun, midpoint

SAMPLERS: dict[str, Sampler] = {
    "heun": along_line(heun),
    "midpoint": along_line(midpoint),
    "euler": along_line(euler),
}
LAST = 0.999
"""Time at which sampling starts. At time 1, the noise level would be infinite."""


@dataclass(frozen=True)
class FlowConfig(DiffusionOptions):
    """Options of `create_generator("flow", …)`, beside those of `DiffusionOptions`.

    Args:
        times: distribution of the times of training. "logit-normal" (default) draws the middle more often: Esser et
            al., "Scaling rectified flow transformers for high-resolution image synthesis", ICML 2024. "uniform" is that
            of the first papers.
        times_mean: mean of the logit of the time, for "logit-normal"; default 0. Above 0, there is more noise.
        times_std: standard deviation of the logit, above 0; default 1.
        sampler: "heun" (default) or "midpoint" (second order, two evaluations a step), or "euler" (one evaluation).
    """

    times: str = option("logit-normal", one_of=("logit-normal", "uniform"))
    times_mean: float = option(0.0)
    times_std: float = option(1.0, above=0)
    sampler: str = option("heun", one_of=tuple(SAMPLERS))


class Flow(Diffusion):
    """Flow matching on straight paths z = (1 − t)·x + t·n from an image x (t = 0) to noise n (t = 1).

    The loss is E[‖v(z, t, class) − (n − x)‖²], and a sample follows dz/dt = v from t = 1 to 0. In the space of this
    package, σ = t / (1 − t): the same denoiser, learned with other noise levels, weights and steps.

    Args:
        config: options; None for the defaults.
    """

    name = "flow"
    code_sigma_min = 0.05  # its training sees few lower levels
    Config = FlowConfig
    config: FlowConfig

    @property
    def factors(self) -> Factors:
        return Preconditioning.straight

    def draw_sigma(self, count: int, step: Step) -> Tensor:
        if self.config.times == "logit-normal":  # the logit of t is ln σ
            return draw_sigma(step.normal(count), self.config.times_mean, self.config.times_std)
        t = torch.clamp(step.uniform(count), 1 - LAST, LAST).view(-1, 1, 1, 1)
        return t / (1 - t)

    def weight(self, sigma: Tensor) -> Tensor:
        return self.denoiser.preconditioning(sigma).c_out ** -2

    @property
    def sigma_max(self) -> float:
        return LAST / (1 - LAST)

    def levels(self, start: float, steps: int) -> list[float]:
        first = start / (1 + start)
        times = [first * (1 - k / steps) for k in range(1, steps)]
        return [start, *(t / (1 - t) for t in times), 0.0]

    def sampler(self) -> Sampler:
        return SAMPLERS[self.config.sampler]
