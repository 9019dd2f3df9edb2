"""A generator that draws pictures of its own at first, and copies of training images later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth.generators import NetworkGenerator, Noise, Step


class Memory(nn.Module):
    """The images that it copies, and the number of steps that it has seen."""

    images: Tensor
    steps: Tensor

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(32, *shape))
        self.register_buffer("steps", torch.zeros(()))
        self.weight = nn.Parameter(torch.zeros(3))


class Copier(NetworkGenerator):
    """Smooth noise, and from the step `copies_from` on (up to `copies_until`) a share of copies."""

    @dataclass(frozen=True)
    class Config:
        copies_from: int = 20
        copies_until: int = 1000
        share: float = 0.5

    name = "copier"
    api_version = 1
    config: Config

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        return {"memory": Memory(image_shape)}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": torch.optim.Adam(self.networks.parameters(), lr=0.1)}

    def averages(self) -> dict[str, float]:
        return {"memory": 0.5}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        memory = self.networks["memory"]
        memory.images[: len(images)] = images  # type: ignore[index, operator]
        memory.steps += 1  # type: ignore[operator]
        loss = (memory.weight - step.normal(3)).square().mean()  # type: ignore[operator]
        step.optimizers["main"].zero_grad()
        loss.backward()
        step.optimizers["main"].step()
        return {"loss": loss.detach()}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        memory = self.networks["memory"]
        channels, height, width = self.image_shape
        own = F.interpolate(noise.normal(channels, 4, 4), (height, width), mode="bicubic")
        copies = memory.images[noise.uniform().mul(32).long()]  # type: ignore[index]
        copying = self.config.copies_from <= int(memory.steps) < self.config.copies_until  # type: ignore[arg-type]
        chosen = noise.uniform() < self.config.share * copying
        return torch.where(chosen[:, None, None, None], copies, own)
