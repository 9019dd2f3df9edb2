"""Data sets that are too large for memory are read again for every batch, with the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from generators.toy import ClassMean, TinyDecoder
from torch import Tensor

from augsynth.errors import DataError
from augsynth.generators import FitReport
from augsynth.generators.reading import lazy
from augsynth.generators.reading.images import ImageSet, read_frugally, read_images
from augsynth.generators.reading.lazy import LazyImageSet

FIT: dict[str, Any] = {"batch_size": 8, "device": "cpu", "progress": False}


class Drawn:
    """30 images 1x8x8 of three classes, drawn again at each reading. It counts its readings."""

    def __init__(self) -> None:
        self.read = 0
        self.seed = 0

    def __len__(self) -> int:
        return 30

    def __getitem__(self, index: int) -> tuple[Any, int]:
        self.read += 1
        torch.rand(1)  # a data set may use the global generator, which must not change the steps
        return np.random.default_rng([self.seed, index]).integers(0, 256, (8, 8), np.uint8), index % 3


@pytest.fixture
def _small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy, "HELD_BYTES", 30 * 64 - 1)


def test_images_that_fit_are_held_and_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy, "HELD_BYTES", 30 * 64)
    dataset = Drawn()
    TinyDecoder().fit(dataset, steps=3, **FIT)
    assert dataset.read == 30


@pytest.mark.usefixtures("_small_memory")
def test_images_that_do_not_fit_are_read_for_each_batch() -> None:
    dataset = Drawn()
    TinyDecoder().fit(dataset, steps=3, **FIT)
    assert dataset.read == 30 + 3 * 8


@pytest.mark.usefixtures("_small_memory")
@pytest.mark.parametrize("labelled", [True, False])
def test_both_ways_have_the_same_content(labelled: bool) -> None:
    held, referred = read_images(Drawn(), labelled=labelled), read_frugally(Drawn(), labelled=labelled)
    assert isinstance(held, ImageSet)
    assert isinstance(referred, LazyImageSet)
    indices = torch.tensor([3, 29, 3])
    assert torch.equal(referred.pixels(indices), held.pixels(indices))
    assert referred.digest() == held.digest()
    assert (len(referred), referred.image_shape, referred.num_classes) == (30, held.image_shape, held.num_classes)


def test_weights_are_the_same_bits_and_runs_go_on_either_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    held, referred = TinyDecoder(), TinyDecoder()
    held.fit(Drawn(), steps=6, **FIT)
    TinyDecoder().fit(Drawn(), steps=3, checkpoint_dir=tmp_path, **FIT)
    monkeypatch.setattr(lazy, "HELD_BYTES", 0)
    assert referred.fit(Drawn(), steps=6, checkpoint_dir=tmp_path, resume=True, **FIT).resumed_at == 3
    assert referred.digest() == held.digest()


@pytest.mark.usefixtures("_small_memory")
def test_items_that_change_are_refused() -> None:
    dataset = Drawn()

    def change(report: Any) -> None:
        dataset.seed = 1

    with pytest.raises(DataError, match=r"item \d+ of the data set has changed since the fit began.*random transforms"):
        TinyDecoder().fit(dataset, steps=3, callbacks=[change], **FIT)


@pytest.mark.usefixtures("_small_memory")
def test_a_plugins_own_learn_gets_all_images() -> None:
    class Looking(ClassMean):
        seen: Tensor

        def learn(self, images: Tensor, labels: Tensor | None, **options: Any) -> FitReport:
            self.seen = images
            return super().learn(images, labels, **options)

    generator = Looking()
    generator.fit(Drawn(), steps=1, **FIT)
    assert torch.equal(generator.seen, read_images(Drawn(), labelled=False).images)
