"""Real images of three kinds, for planting: digits, MNIST and CIFAR-10."""

from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from near_copies.planted import digits, mnist
from torch import Tensor


def real_images(kind: str, request: pytest.FixtureRequest, count: int) -> Tensor:
    """Return `count` different images, uint8 (n, C, H, W), in a random order."""
    if kind == "digits":
        return digits()[:count]
    folder = request.getfixturevalue("data_dir")
    return mnist(folder)[:count] if kind == "MNIST" else cifar(folder, count)


def cifar(folder: Path, count: int) -> Tensor:
    """Return the first images of CIFAR-10, 3x32x32; they are of one class."""
    pillow = pytest.importorskip("PIL.Image")
    found: list[Tensor] = []
    with tarfile.open(folder / "cifar10-imagefolder.tar.gz") as archive:
        for entry in archive:
            if entry.isfile() and entry.name.endswith(".jpg"):
                stream = archive.extractfile(entry)
                assert stream is not None
                pixels = np.asarray(pillow.open(BytesIO(stream.read())).convert("RGB"))
                found.append(torch.from_numpy(pixels.copy()).permute(2, 0, 1))
            if len(found) == count:
                break
    return torch.stack(found)
