"""Cost of a call beside its pixels: microseconds an image for small images, where it matters.

    python bench/overhead.py

The pipelines for small images (`harness/cases.py`) run on pictures of one pixel, in a batch and one by one: reading
inputs, drawing and lowering a plan, checks, and the way into C++ and back are all there, and hardly a pixel. Then they
run on pictures of their own size, through `batch` and through a DataLoader without workers. There a batch is held while
the next one is made; so it is here. The quickest of many counts, on one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from time import perf_counter
from typing import Any

import numpy as np
import torch
from harness.cases import CASES, Case
from harness.ops import Crop, Ops
from harness.peers.base import translate
from harness.peers.ours import STEPS, keys_of
from torch.utils.data import DataLoader

import augsynth
from augsynth import transforms as T

SHAPES = {"mnist": (28, 28, 1), "cifar": (32, 32, 3)}
IMAGES = 4096


def least(steps: Iterator[object], seconds: float = 1.0) -> float:
    """Microseconds of the quickest step in a while."""
    spent: list[float] = []
    until = perf_counter() + seconds
    while perf_counter() < until:
        start = perf_counter()
        held = next(steps)  # noqa: F841 (what a step makes is held until the next one has made its own)
        spent.append(perf_counter() - start)
    return 1e6 * min(spent)


def of_one_pixel(ops: Ops) -> Ops:
    """Return the same operations for pictures of one pixel."""
    return tuple(Crop(1, op.padding) if isinstance(op, Crop) else op for op in ops)


def batches(pipeline: T.Compose, images: list[Any], size: int) -> Iterator[object]:
    for epoch in count():
        for first in range(0, len(images), size):
            yield pipeline.batch(images[first : first + size], keys=keys_of(range(first, first + size), epoch))


def loaded(pipeline: T.Compose, images: list[Any], size: int) -> Iterator[object]:
    dataset = augsynth.SyntheticMixDataset([(image, 0) for image in images], None, ratio=0.0, transform=pipeline)
    loader = DataLoader(dataset, batch_size=size, collate_fn=augsynth.collate)
    for epoch in count():
        dataset.set_epoch(epoch)
        yield from loader


def singles(pipeline: T.Compose, image: Any) -> Iterator[object]:
    for index in count():
        yield pipeline(image, key=(0, 0, index))


def measured(case: Case) -> Iterator[float]:
    """Return the columns of the table."""
    shape = SHAPES[case.images]
    pixels = list(np.zeros((case.batch, 1, 1, shape[2]), np.uint8))
    images = list(np.random.default_rng(0).integers(0, 256, (IMAGES, *shape), dtype=np.uint8))
    bare, pipeline = (T.Compose(translate(ops, STEPS)) for ops in (of_one_pixel(case.ops), case.ops))
    yield least(batches(bare, pixels, case.batch)) / case.batch
    yield least(singles(bare, pixels[0]))
    yield least(singles(pipeline, images[0]))
    yield least(batches(pipeline, images, case.batch)) / case.batch
    yield least(loaded(pipeline, images, case.batch)) / case.batch


def main() -> None:
    torch.set_num_threads(1)
    print("| case | one pixel, in a batch | one pixel, alone | one image, alone | in a batch | through a DataLoader |")
    print("| --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        if case.images in SHAPES and case.loader:
            print(f"| {case.name}, {case.batch} | " + " | ".join(f"{value:.2f}" for value in measured(case)) + " |")


if __name__ == "__main__":
    main()
