"""The two ways in which pretrained pipelines draw: from prompts, or from noise and perhaps a class."""

from __future__ import annotations

import inspect
import math
from typing import Any, Protocol

import torch
from torch import Tensor

from augsynth.errors import ArgumentError
from augsynth.generators import Noise
from augsynth_diffusion.pipelines import library


class Painter(Protocol):
    """A pipeline with random numbers from outside. Images are floating-point in [−1, 1].

    `capabilities` are those of the pipeline, and `num_classes` is None without "conditional". `image_shape` is
    (C, H, W).
    """

    capabilities: frozenset[str]
    image_shape: tuple[int, int, int]
    num_classes: int | None

    def draw(self, noise: Noise, labels: Tensor | None, guidance: float) -> Tensor: ...
    def vary(self, noise: Noise, labels: Tensor | None, images: Tensor, strength: float, guidance: float) -> Tensor: ...


def sibling(pipeline: Any, task: str) -> Any:
    """Return the pipeline of the same networks for a task, or None if diffusers has none.

    Args:
        pipeline: a pipeline.
        task: name of a class of diffusers that knows the pipelines of the task, such as "AutoPipelineForText2Image".
    """
    try:
        found = getattr(library("diffusers"), task).from_pipe(pipeline)
    except ValueError:
        return None
    found.set_progress_bar_config(disable=True)
    return found


class Prompted:
    """A text-to-image pipeline and its image-to-image sibling, with a prompt for each class.

    Args:
        pipeline: the text-to-image pipeline.
        prompts: a prompt for each class.
        negative: prompt of what must not be seen; "" for none.
        size: height and width of the images; None for those that the pipeline was trained on.
        steps: steps from noise to an image, at least 1.
    """

    def __init__(self, pipeline: Any, prompts: tuple[str, ...], negative: str, size: int | None, steps: int) -> None:
        self.pipeline, self.prompts, self.negative, self.steps = pipeline, prompts, negative, steps
        self.network = getattr(pipeline, "unet", None) or pipeline.transformer
        self.factor: int = pipeline.vae_scale_factor
        side = size or self.factor * _sample_size(pipeline, self.network)
        if side % self.factor:
            raise ArgumentError(f"image_size must be a multiple of {self.factor} for this pipeline, got {side}")
        self.image_shape = (3, side, side)
        self.num_classes: int | None = len(prompts)
        self.varying = sibling(pipeline, "AutoPipelineForImage2Image")
        self.capabilities = frozenset({"conditional", "guide"} | ({"vary"} if self.varying else set()))

    def draw(self, noise: Noise, labels: Tensor | None, guidance: float) -> Tensor:
        side = self.image_shape[1]
        latents = {}
        # Some networks work on latents in another order, and draw them themselves.
        if self.network.config.in_channels == self.pipeline.vae.config.latent_channels:
            shape = self.network.config.in_channels, side // self.factor, side // self.factor
            latents["latents"] = noise.normal(*shape).to(self.network.dtype)
        arguments = self._arguments(noise, labels, guidance)
        return _signed(self.pipeline(height=side, width=side, num_inference_steps=self.steps, **latents, **arguments))

    def vary(self, noise: Noise, labels: Tensor | None, images: Tensor, strength: float, guidance: float) -> Tensor:
        total, repeated = _repeated_steps(self.steps, strength, self.pipeline.scheduler.config.num_train_timesteps)
        # The pipeline rounds the number of steps down.
        share = min(1.0, repeated / total + 1e-6)
        sources = images.add(1).div(2).to(self.network.dtype)
        arguments = self._arguments(noise, labels, guidance)
        if "height" in inspect.signature(self.varying.__call__).parameters:  # others take the size of the image
            arguments |= {"height": self.image_shape[1], "width": self.image_shape[2]}
        return _signed(self.varying(image=sources, strength=share, num_inference_steps=total, **arguments))

    def _arguments(self, noise: Noise, labels: Tensor | None, guidance: float) -> dict[str, Any]:
        prompts = [""] * len(noise) if labels is None else [self.prompts[label] for label in labels.tolist()]
        negative = {"negative_prompt": [self.negative] * len(noise)} if self.negative else {}
        generators = _generators(noise)
        return {
            "prompt": prompts,
            "guidance_scale": guidance,
            "generator": generators,
            "output_type": "pt",
            **negative,
        }


class Unprompted:
    """A pipeline of a U-Net on images and a scheduler, such as DDPM's. A U-Net with classes draws them.

    The pipelines themselves take neither classes nor images to vary, so the loop over the steps is here.

    Args:
        pipeline: the pipeline.
        size: height and width of the images; None for those that the pipeline was trained on.
        steps: steps from noise to an image, at least 1.
    """

    def __init__(self, pipeline: Any, size: int | None, steps: int) -> None:
        self.network, self.scheduler, self.steps = pipeline.unet, pipeline.scheduler, steps
        config = self.network.config
        trained = config.sample_size
        height, width = (size, size) if size else trained if isinstance(trained, (list, tuple)) else (trained, trained)
        self.image_shape = (config.in_channels, height, width)
        self.num_classes: int | None = config.num_class_embeds
        # A U-Net with classes cannot work without one, and images to vary may have none.
        self.capabilities = frozenset({"vary" if self.num_classes is None else "conditional"})

    def draw(self, noise: Noise, labels: Tensor | None, guidance: float) -> Tensor:
        self.scheduler.set_timesteps(self.steps)
        start = noise.normal(*self.image_shape) * self.scheduler.init_noise_sigma
        return self._denoise(start, self.scheduler.timesteps, labels, noise)

    def vary(self, noise: Noise, labels: Tensor | None, images: Tensor, strength: float, guidance: float) -> Tensor:
        total, repeated = _repeated_steps(self.steps, strength, self.scheduler.config.num_train_timesteps)
        self.scheduler.set_timesteps(total)
        timesteps = self.scheduler.timesteps[-repeated:]
        noisy = self.scheduler.add_noise(images, noise.normal(*self.image_shape), timesteps[:1])
        return self._denoise(noisy, timesteps, labels, noise)

    def _denoise(self, images: Tensor, timesteps: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        images, generators = images.to(self.network.dtype), _generators(noise)
        for timestep in timesteps:
            inputs = self.scheduler.scale_model_input(images, timestep)
            answer = self.network(inputs, timestep, class_labels=labels).sample
            images = self.scheduler.step(answer, timestep, images, generator=generators).prev_sample
        return images


def _repeated_steps(steps: int, strength: float, most: int) -> tuple[int, int]:
    """Return how many steps a whole path has, and how many of them are repeated for a strength.

    A small strength has a finer path, of which at least two steps are repeated: in many schedules, the last step begins
    without noise.
    """
    total = min(max(steps, math.ceil(2 / strength)), most)
    return total, max(1, round(strength * total))


def _generators(noise: Noise) -> list[torch.Generator]:
    """Make torch's generators, one for each sample, from its stream: for the noise that a scheduler adds in a step."""
    seeds = noise.uniform(2).double().cpu() @ torch.tensor([2.0**32, 2.0**8], dtype=torch.float64)
    return [torch.Generator().manual_seed(seed) for seed in seeds.long().tolist()]


def _sample_size(pipeline: Any, network: Any) -> int:
    """Return the side of the latents that a network was trained on."""
    size = getattr(pipeline, "default_sample_size", None) or network.config.sample_size
    return int(size[0] if isinstance(size, (list, tuple)) else size)


def _signed(output: Any) -> Tensor:
    images: Tensor = output.images
    return images.float().mul(2).sub(1)
