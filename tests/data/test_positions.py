"""One rule for positions: negative ones count from the end, a slice is a list, and nothing ends a loop too early."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures, toy_generator
from PIL import Image

from augsynth import transforms as T
from augsynth.data import EncodedImageFolder, ImageData, Planned, SyntheticMixDataset, SyntheticPool
from augsynth.errors import ArgumentTypeError
from augsynth.generators import Samples

KINDS = ("mix", "batch", "planned", "pool", "samples", "data", "folder")
COUNT = 5


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("folder")
    for number in range(COUNT):
        folder = root / f"class{number}"
        folder.mkdir()
        Image.fromarray(np.full((4, 4, 3), number, np.uint8)).save(folder / "0.png")
    real = Pictures(np.arange(COUNT))
    pool = SyntheticPool.create(
        tmp_path_factory.mktemp("pool"), toy_generator(classes=COUNT), COUNT, shard_size=2, progress=False
    )
    mix = SyntheticMixDataset(real, None, ratio=0, transform=T.ToDtype(torch.float32))
    planned = SyntheticMixDataset(real, None, ratio=0, transform=Planned(T.ToDtype(torch.float32)))
    labels = np.arange(COUNT)
    return {
        "mix": mix,
        "batch": mix.__getitems__(range(COUNT)),
        "planned": planned.__getitems__(range(COUNT)),
        "pool": pool,
        "samples": Samples(torch.zeros(COUNT, 1, 2, 2, dtype=torch.uint8), torch.arange(COUNT)),
        "data": ImageData(np.zeros((COUNT, 2, 2, 1), np.uint8), labels, tuple("abcde")),
        "folder": EncodedImageFolder(Path(root)),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_positions_and_slices(things: dict[str, Any], kind: str) -> None:
    items = things[kind]
    assert [label for _, label in items] == list(range(COUNT))
    for position in (-1, COUNT - 1, np.int64(-1), np.uint8(COUNT - 1), np.array(-1), torch.tensor(COUNT - 1)):
        assert items[position][1] == COUNT - 1
    assert items[-COUNT][1] == 0
    for part in (slice(1, 3), slice(-2, None), slice(None, None, -2), slice(3, 99), slice(4, 2)):
        assert [label for _, label in items[part]] == list(range(COUNT))[part]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_position_is_refused_in_words(things: dict[str, Any], kind: str) -> None:
    items = things[kind]
    for beyond in (COUNT, -COUNT - 1, 2**70):
        with pytest.raises(IndexError, match=f"{COUNT} (items|samples), got index {beyond}"):
            items[beyond]
    for wrong in (True, np.True_, torch.tensor(True), 1.0, "1", None, (0, 1), [0], np.arange(2)):
        with pytest.raises(ArgumentTypeError, match="must be an integer or a slice"):
            items[wrong]


def test_a_batch_of_positions_follows_the_same_rule(things: dict[str, Any]) -> None:
    for positions in ([-1, 1], [np.int64(-1), torch.tensor(1)], np.array([-1, 1]), torch.tensor([-1, 1])):
        assert [label for _, label in things["mix"].__getitems__(positions)] == [COUNT - 1, 1]
        assert things["pool"].take(positions).labels.tolist() == things["pool"].labels[[-1, 1]].tolist()
    assert things["mix"].source(-1) == things["mix"].source(COUNT - 1)
    for ask in (things["mix"].__getitems__, things["pool"].take):
        with pytest.raises(IndexError, match=f"{COUNT} items, got index {COUNT}"):
            ask([0, COUNT])
        for far in ([0, 2**70], np.array([0, 2**64 - 1], np.uint64)):
            with pytest.raises(IndexError, match=f"{COUNT} items, got an index beyond 64 bits"):
                ask(far)


def empty_table(image: Any) -> Any:
    return [][0]


def test_an_index_error_is_not_taken_for_the_end() -> None:
    mix = SyntheticMixDataset(Pictures([0, 1]), None, ratio=0, transform=empty_table)
    with pytest.raises(IndexError, match=r"list index out of range \(position 0"):
        list(mix)


def test_a_planned_batch_by_position(things: dict[str, Any]) -> None:
    planned = things["planned"].images
    assert len(planned[-1]) == 1
    assert len(planned[1:3]) == 2
    with pytest.raises(IndexError, match="5 samples"):
        planned[5]
