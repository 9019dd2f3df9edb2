"""A plugin that renders shapes from no data at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from augsynth.errors import ArgumentError
from augsynth.generators import Generator, Noise


@dataclass(frozen=True)
class ShapesConfig:
    size: int = 16

    def __post_init__(self) -> None:
        if self.size < 4:
            raise ArgumentError(f"size must be at least 4, got {self.size}")


class Shapes(Generator):
    name = "shapes"
    Config = ShapesConfig
    config: ShapesConfig
    capabilities = frozenset({"conditional"})

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.describe((1, self.config.size, self.config.size), 3, ("disc", "square", "cross"))

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        assert labels is not None
        pixels = (torch.arange(self.config.size, device=noise.device) + 0.5) / self.config.size
        x, y, radius = noise.uniform(3, 1, 1).unbind(1)
        across, down = (pixels - 0.3 - 0.4 * x).abs(), (pixels[:, None] - 0.3 - 0.4 * y).abs()
        disc, square, cross = across.hypot(down), across.maximum(down), 2 * across.minimum(down)
        distance = torch.stack([disc, square, cross]).gather(0, labels[None, :, None, None].expand(1, *disc.shape))[0]
        edge = (0.15 + 0.15 * radius - distance) * self.config.size
        return edge.clamp(-1, 1)[:, None]
