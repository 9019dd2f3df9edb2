"""A plugin that wraps a pretrained decoder at a local path. It is never fitted, and its checkpoints copy no weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from augsynth.errors import CheckpointError
from augsynth.generators import Generator, Noise


def make_decoder() -> nn.Module:
    """The architecture that the weights belong to."""
    return nn.Sequential(nn.Linear(8, 512), nn.SiLU(), nn.Linear(512, 192), nn.Tanh(), nn.Unflatten(1, (3, 8, 8)))


@dataclass(frozen=True)
class FrozenConfig:
    path: str = "decoder.safetensors"

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", str(Path(self.path).absolute()))


class Frozen(Generator):
    name = "frozen"
    Config = FrozenConfig
    config: FrozenConfig
    tile = 16

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        weights = Path(self.config.path).read_bytes()
        self.sha256 = hashlib.sha256(weights).digest()
        self.module = make_decoder().eval().requires_grad_(False)
        self.module.load_state_dict(safetensors.torch.load(weights))
        self.describe((3, 8, 8))

    def to(self, device: torch.device | str) -> Frozen:
        super().to(device)
        self.module.to(self.device)
        return self

    def state(self) -> Mapping[str, Tensor]:
        return {"sha256": torch.tensor(list(self.sha256), dtype=torch.uint8)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        if bytes(state["sha256"].tolist()) != self.sha256:
            raise CheckpointError(f"{self.config.path} holds other weights than when this generator was saved")

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        images: Tensor = self.module(noise.normal(8))
        return images
