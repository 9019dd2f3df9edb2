"""Small data sets and a generator for the tests of mixes and pools, where workers can import them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from augsynth.generators import Generated, Generator, Noise


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


class Ordered(IterableDataset[Any]):
    """Items of `Pictures` that can only be read in order; the label is the number of the item."""

    def __init__(self, count: int, seed: int = 0, fail_at: int | None = None) -> None:
        self._pictures = Pictures(np.arange(count), seed)
        self._fail_at = fail_at
        self.epochs: list[int] = []

    def __iter__(self) -> Iterator[Any]:
        for number, item in enumerate(self._pictures):
            if number == self._fail_at:
                raise ValueError("torn")
            yield item


@dataclass(frozen=True)
class ToyOptions:
    """Options that only tell generators apart."""

    level: float = 0.0


class ToyGenerator(Generator):
    """Noise, with the class in pixel (0, 0) of the first channel; `toy_generator` describes its images."""

    name, capabilities, Config, tile = "toy", frozenset({"conditional"}), ToyOptions, 8

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
    generator.describe(shape, classes)
    return generator


def falling_ratio(epoch: int) -> float:
    """A schedule that workers can unpickle: half, a quarter, an eighth, …"""
    return 0.5 ** (epoch + 1)


class Renderer(Generator):
    """White rectangles on black: 0 to 3 in an image, with boxes, labels and masks; the tile tells nothing."""

    name, capabilities, Config, tile = "renderer", frozenset(), ToyOptions, 8

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Generated:
        _, height, width = self.image_shape
        images = -torch.ones(len(noise), *self.image_shape)
        corners = (noise.uniform(3, 4) * torch.tensor([width - 2, height - 2, 2, 2])).long()
        counts = (noise.uniform(1) * 4).long().flatten().tolist()
        targets = []
        for image, places, count in zip(images, corners, counts, strict=True):
            masks = torch.zeros(count, height, width, dtype=torch.bool)
            boxes = torch.cat([places[:count, :2], places[:count, :2] + places[:count, 2:] + 1], 1)
            for mask, (x1, y1, x2, y2) in zip(masks, boxes.tolist(), strict=True):
                mask[y1:y2, x1:x2] = True
                image[:, mask] = 1.0
            targets.append({"boxes": boxes, "labels": places[:count, 0] % 3, "masks": masks})
        return Generated(images, targets)


def renderer() -> Renderer:
    generator = Renderer()
    generator.describe((3, 9, 12), None, ["small", "middle", "large"])
    return generator
