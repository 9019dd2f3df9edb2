"""Data sets on which generators are measured, each split into images to fit on and images to test with."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor


@dataclass(frozen=True)
class Split:
    """Images uint8 (n, C, H, W) and their classes, int64 (n,).

    Args:
        name: name of the data set.
        train: images to fit on.
        train_labels: their classes.
        test: images that nothing is fitted on.
        test_labels: their classes.
        samples: number of images to draw of each generator.
    """

    name: str
    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    samples: int


def mnist10k(folder: Path) -> Split:
    """Read `mnist10k.npz`: 8,000 digits to fit on, 2,000 to test with, 28x28."""
    with np.load(folder / "mnist10k.npz") as stored:
        images = torch.from_numpy(stored["images"])[:, None]
        labels = torch.from_numpy(stored["labels"].astype(np.int64))
    return Split("mnist10k", images[:8000], labels[:8000], images[8000:], labels[8000:], samples=8000)


def cifar10(folder: Path) -> Split:
    """Read `cifar10-imagefolder.tar.gz`: 50,000 photographs to fit on, 10,000 to test with, 32x32 in colour."""
    pictures: dict[str, list[tuple[str, int, np.ndarray]]] = {"train": [], "test": []}
    with tarfile.open(folder / "cifar10-imagefolder.tar.gz") as archive:
        files = [member for member in archive if member.isfile() and member.name.endswith(".jpg")]
        classes = sorted({Path(member.name).parts[-2] for member in files})
        for member in files:
            *_, part, name, _ = Path(member.name).parts
            stored = archive.extractfile(member)
            assert stored is not None
            pixels = np.asarray(Image.open(io.BytesIO(stored.read())).convert("RGB"))
            pictures[part].append((member.name, classes.index(name), pixels))
    train, test = (_shuffled(sorted(pictures[part], key=lambda row: row[0])) for part in ("train", "test"))
    return Split("cifar10", *train, *test, samples=2000)


def _shuffled(rows: list[tuple[str, int, np.ndarray]]) -> tuple[Tensor, Tensor]:
    order = np.random.default_rng(0).permutation(len(rows))
    images = np.stack([rows[k][2] for k in order]).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(images)), torch.tensor([rows[k][1] for k in order])


IMAGE_SETS: dict[str, Callable[[Path], Split]] = {"mnist10k": mnist10k, "cifar10": cifar10}
"""Readers by the name of the data set. Each takes the folder of the files."""
