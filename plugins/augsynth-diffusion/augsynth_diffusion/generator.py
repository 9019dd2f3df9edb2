"""The `edm` generator: class-conditional diffusion.

Karras, Aittala, Aila & Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS 2022, with
the classifier-free guidance of Ho & Salimans, 2022.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentError
from augsynth.generators import PRECISIONS, NetworkGenerator, Noise, Samples, Step
from augsynth_diffusion.denoiser import Denoiser
from augsynth_diffusion.networks import Grid, UNet
from augsynth_diffusion.preconditioning import denoising_loss, draw_sigma
from augsynth_diffusion.samplers import SAMPLERS, guided, karras_sigmas


@dataclass(frozen=True)
class EDMConfig:
    """Options of `create_generator("edm", …)`."""

    width: int = 32
    """Channels at the finest level, twice as many below; time and memory grow with its square."""
    depth: int = 1
    """Residual blocks at each level, on the way down and on the way up."""
    sigma_data: float | None = None
    """Standard deviation of the images, which span -1 to 1; None takes it from the first batch."""
    p_mean: float = -1.2
    """Mean of the logarithm of the noise level in training."""
    p_std: float = 1.2
    """Standard deviation of that logarithm."""
    label_drop: float = 0.1
    """Share of training images whose class is hidden, so that the model also learns to do without, for guidance."""
    learning_rate: float = 2e-3
    """Peak of the cosine schedule."""
    decay: float = 0.999
    """Of the moving average of the weights that are sampled from."""
    sampler: str = "heun"
    """"heun" (second order, two evaluations a step) or "ddim" (one)."""
    sampling_steps: int = 8
    """Steps from noise to an image."""
    guidance: float = 1.5
    """Default guidance: 1 is plain conditional, above it samples are more typical of their class and less varied."""
    sigma_min: float = 0.002
    """The last noise level before 0 in sampling."""
    sigma_max: float = 80.0
    """The noise level that sampling starts from."""
    precision: str = "auto"
    """"float32", "bfloat16", or "auto": bfloat16 where the hardware multiplies matrices of it."""

    def __post_init__(self) -> None:
        rules = [
            ("width", self.width >= 1, "at least 1"),
            ("depth", self.depth >= 1, "at least 1"),
            ("sigma_data", self.sigma_data is None or 0 < self.sigma_data < math.inf, "above 0, or None"),
            ("p_mean", math.isfinite(self.p_mean), "finite"),
            ("p_std", 0 < self.p_std < math.inf, "above 0"),
            ("label_drop", 0 <= self.label_drop < 1, "in [0, 1)"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "above 0"),
            ("decay", 0 <= self.decay < 1, "in [0, 1)"),
            ("sampler", self.sampler in SAMPLERS, f"one of {tuple(SAMPLERS)}"),
            ("sampling_steps", self.sampling_steps >= 1, "at least 1"),
            ("guidance", 0 <= self.guidance < math.inf, "at least 0"),
            ("sigma_min", 0 < self.sigma_min < self.sigma_max, f"above 0 and below sigma_max={self.sigma_max}"),
            ("sigma_max", self.sigma_max < math.inf, "finite"),
            ("precision", self.precision in PRECISIONS, f"one of {PRECISIONS}"),
        ]
        for option, holds, expected in rules:
            if not holds:
                raise ArgumentError(f"{option} must be {expected}, got {getattr(self, option)!r}")


class EDM(NetworkGenerator):
    """Noise is turned into an image of a class step by step, by a network that has learned to remove noise.

    The most faithful and varied of the built-in generators; fitting and sampling take it the longest.
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
        weights = self.networks.parameters()
        return {"main": torch.optim.Adam(weights, self.config.learning_rate, betas=(0.9, 0.99))}

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
        optimizer = step.optimizers["main"]
        optimizer.param_groups[0]["lr"] = config.learning_rate * cosine(step.index, step.total)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.networks.parameters(), 1.0)
        optimizer.step()
        return {"loss": loss.detach()}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        config = self.config
        sigmas = karras_sigmas(config.sampling_steps, config.sigma_min, config.sigma_max)
        start = config.sigma_max * noise.normal(*self.image_shape)
        return self._solve(start, sigmas, labels, config.guidance if guidance is None else guidance)

    def vary(
        self, images: Tensor, strength: float, labels: int | Sequence[int] | Tensor | None = None, *, seed: int = 0
    ) -> Samples:
        """Add noise to images, uint8 (n, C, H, W), and take it away again (SDEdit).

        `strength`, in (0, 1], is the share of the sampling steps that are gone back, at least one: at 1 the images
        are forgotten. Meng et al., "SDEdit: guided image synthesis and editing with stochastic differential
        equations", ICLR 2022.
        """
        if not 0 < strength <= 1:
            raise ArgumentError(f"strength must be above 0 and at most 1, got {strength}")
        config = self.config
        steps = max(1, round(strength * config.sampling_steps))
        sigmas = karras_sigmas(config.sampling_steps, config.sigma_min, config.sigma_max)[-1 - steps :]

        def draw(noise: Noise, classes: Tensor | None, sources: Tensor) -> Tensor:
            noisy = sources - self._denoiser.center + sigmas[0] * noise.normal(*self.image_shape)
            return self._solve(noisy, sigmas, classes, config.guidance)

        varied = self.map_tiles(draw, images, labels=labels, seed=seed)
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
        """The label that stands for a hidden class."""
        assert self.num_classes is not None
        return torch.tensor(self.num_classes, device=self.device)

    def _solve(self, start: Tensor, sigmas: list[float], labels: Tensor | None, guidance: float) -> Tensor:
        """Carry centred images from noise level `sigmas[0]` to `sigmas[-1]`, and move them back to [−1, 1]."""
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


def cosine(index: int, total: int) -> float:
    """A learning-rate factor: up over the first 200 steps or tenth of the run, then half a cosine down to 1/100."""
    rise = min(1.0, (index + 1) / min(200, 1 + total // 10))
    return rise * (0.01 + 0.99 * (1 + math.cos(math.pi * index / total)) / 2)
