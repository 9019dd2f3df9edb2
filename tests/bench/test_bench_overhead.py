"""Test of the script on overhead: it times the same pictures in batches and through a DataLoader."""

from __future__ import annotations

import importlib
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from augsynth import transforms as T

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def overhead(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("overhead")


def test_both_ways_give_the_same_pictures(overhead: ModuleType) -> None:
    pipeline = T.Compose([T.RandomCrop(5), T.RandomHorizontalFlip(), T.GaussianNoise(sigma=0.1)])
    images = list(np.random.default_rng(0).integers(0, 256, (6, 7, 8, 3), dtype=np.uint8))
    batches, loaded = (list(islice(steps(pipeline, images, 2), 4)) for steps in (overhead.batches, overhead.loaded))
    for batch, (pictures, labels) in zip(batches, loaded, strict=True):
        assert labels.tolist() == [0, 0]
        assert torch.equal(batch, pictures)
    assert torch.equal(batches[0][1], next(islice(overhead.singles(pipeline, images[1]), 1, 2)))


def test_pictures_of_one_pixel_go_through_the_same_operations(overhead: ModuleType) -> None:
    for case in overhead.CASES:
        if case.images in overhead.SHAPES and case.loader:
            bare = overhead.of_one_pixel(case.ops)
            assert [type(op) for op in bare] == [type(op) for op in case.ops]
            pipeline = T.Compose(overhead.translate(bare, overhead.STEPS))
            assert pipeline(np.zeros((1, 1, overhead.SHAPES[case.images][2]), np.uint8)).shape[1:] == (1, 1)
