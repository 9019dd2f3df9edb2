"""Small data sets and a generator for the tests of mixes and pools, where workers can import them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from augsynth.generators import NetworkGenerator, Noise, Step


class Pictures:
    """A map-style dataset of (uint8 (H, W, C), label); pixel (0, 0) holds the item's number modulo 256."""

    def __init__(self, labels: Any, seed: int = 0, shape: tuple[int, int, int] = (6, 5, 3)) -> None:
        self.labels = np.asarray(labels, np.int64)
        self._shape = shape
        self._seed = seed

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.uint8], int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        image = np.random.default_rng((self._seed, index)).integers(0, 256, self._shape, np.uint8)
        image[0, 0] = index % 256
        return image, int(self.labels[index])


class Static(nn.Module):
    """The weights of a generator that has nothing to learn."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.register_buffer("level", torch.tensor(level))


class ToyGenerator(NetworkGenerator):
    """Noise, with the class in pixel (0, 0) of the first channel; fitted without data by `toy_generator`."""

    @dataclass(frozen=True)
    class Config:
        level: float = 0.0

    name = "toy"
    api_version = 1
    capabilities = frozenset({"conditional"})
    tile = 8
    config: Config

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        return {"static": Static(self.config.level)}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        return {"seen": float(len(images))}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        images = noise.uniform(*self.image_shape) * 2 - 1
        if labels is not None:
            images[:, 0, 0, 0] = labels / 127.5 - 1
        return images


class UnlabelledToyGenerator(ToyGenerator):
    """The same without classes."""

    name = "toy-unlabelled"
    capabilities = frozenset()


def toy_generator(shape: tuple[int, int, int] = (3, 6, 5), classes: int | None = 4, level: float = 0.0) -> ToyGenerator:
    kind = ToyGenerator if classes is not None else UnlabelledToyGenerator
    generator = kind.configure(level=level)
    generator.prepare(shape, classes, torch.device("cpu"))
    return generator


def falling_ratio(epoch: int) -> float:
    """A schedule that workers can unpickle: half, a quarter, an eighth, …"""
    return 0.5 ** (epoch + 1)
