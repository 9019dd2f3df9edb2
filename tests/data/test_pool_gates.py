"""Selections and quarantines of pools: reversible, recorded, deterministic, and good in a mix."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures, toy_generator
from torch.utils.data import DataLoader

from augsynth.data import PoolView, SyntheticMixDataset, SyntheticPool
from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError, DataError
from augsynth.gates.selection import RECIPES, recipes, task

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def pool(tmp_path: Path) -> SyntheticPool:
    return SyntheticPool.create(tmp_path / "pool", toy_generator(), 40, seed=5, shard_size=16, progress=False)


REAL = Pictures(np.arange(48) % 4)


def brightness(images: torch.Tensor) -> torch.Tensor:
    """Two features of images."""
    return torch.stack([images.float().mean((1, 2, 3)), images.float().std((1, 2, 3))], dim=1)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_selection_is_a_view_that_is_recorded_and_found_again(
    pool: SyntheticPool, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "TRAINING_STEPS", 5)
    monkeypatch.setattr(recipes, "TRAINING_STEPS", 5)
    view = pool.select(recipe, REAL, keep=0.5)
    assert len(view) == 20
    assert np.array_equal(view.items, np.unique(view.items))
    if recipe != "targeted":
        assert np.bincount(view.labels).tolist() == [5] * 4
    again = SyntheticPool.open(pool.path)
    entry = again.selections[view.name]
    assert (entry["recipe"], entry["parameters"]["keep"], entry["count"]) == (recipe, 0.5, 20)
    assert np.array_equal(again.selection(view.name).items, view.items)
    assert np.array_equal(again.select(recipe, REAL, keep=0.5).items, view.items)
    assert again.select(recipe, REAL, keep=0.25).name != view.name
    for position in (0, 7, -1):
        image, label = view[position]
        expected, expected_label = pool[int(view.items[position])]
        assert torch.equal(image, expected)
        assert label == expected_label


def test_a_choice_is_not_made_twice_and_depends_on_the_real_images(
    pool: SyntheticPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {pool.select("random", real, seed=seed).name for real in (REAL, None) for seed in (0, 1)}
    assert len(names) == 4

    def never(*_: object) -> Any:
        raise AssertionError("chosen again")

    monkeypatch.setitem(RECIPES, "random", never)
    assert pool.select("random", REAL, seed=1).name in names
    with pytest.raises(AssertionError, match="chosen again"):
        pool.select("random", REAL, seed=2)


def test_functions_of_features_choose(pool: SyntheticPool) -> None:
    view = pool.select("diverse", keep=0.25, features=brightness)
    means = brightness(pool.take(range(40)).images).numpy()
    for label in range(4):
        own = np.flatnonzero(pool.labels == label)
        chosen = view.items[view.labels == label]
        apart = np.linalg.norm(means[own][:, None] - means[chosen], axis=2).min(1).max()
        spread = np.linalg.norm(means[own][:, None] - means[own], axis=2).max()
        assert apart < spread
    assert pool.selections[view.name]["parameters"]["features"].endswith("test_pool_gates.brightness")
    with pytest.raises(ArgumentError, match=r"features must return \(n, D\) for 40 images, got shape \(2,\)"):
        pool.select("diverse", features=lambda images: np.zeros(2))
    with pytest.raises(ArgumentTypeError, match="features must be a function"):
        pool.select("diverse", features=3)  # type: ignore[arg-type]


def test_a_view_pickles_loads_mixes_and_exports(pool: SyntheticPool, tmp_path: Path) -> None:
    view = pool.select("random", keep=0.5)
    copy = pickle.loads(pickle.dumps(view))
    assert copy.content_digest() == view.content_digest() != pool.content_digest()
    assert torch.equal(copy.take([0, -1]).images, view.take([0, -1]).images)
    batch, _ = next(iter(DataLoader(view, batch_size=20)))
    assert torch.equal(batch, pool.take(view.items).images)
    mix = SyntheticMixDataset(REAL, view, ratio=0.5, seed=3, return_source=True)
    used = {mix.source(i).item for i in range(len(mix)) if mix.source(i).synthetic}
    assert used <= set(range(20))
    other = SyntheticMixDataset(REAL, pool.select("random", keep=0.5, seed=9), ratio=0.5, seed=3)
    with pytest.raises(CheckpointError):
        other.load_state_dict(mix.state_dict())
    view.export(tmp_path / "out", progress=False)
    assert len(list((tmp_path / "out").rglob("*.png"))) == 20
    assert view.image_shape == pool.image_shape
    assert view.class_names == pool.class_names


def test_quarantine_is_reversible_and_keeps_the_numbers(pool: SyntheticPool) -> None:
    before = (pool.path / "manifest.json").read_bytes()
    assert pool.active is pool
    pool.quarantine([3, -1], "copies")
    pool.quarantine(np.array([3, 8]), "labels")
    pool.quarantine([4], "copies")
    again = SyntheticPool.open(pool.path)
    assert {reason: items.tolist() for reason, items in again.quarantined.items()} == {
        "labels": [3, 8],
        "copies": [3, 4, 39],
    }
    assert len(again) == 40
    active = again.active
    assert isinstance(active, PoolView)
    assert set(range(40)) - set(active.items.tolist()) == {3, 4, 8, 39}
    again.release("copies")
    assert set(range(40)) - set(again.active.items.tolist()) == {3, 8}  # type: ignore[union-attr]
    again.release("labels")
    assert again.active is again
    assert (pool.path / "manifest.json").read_bytes() == before
    assert not list(pool.path.glob("items-*"))
    again.verify()


def test_mixes_selections_and_exports_leave_quarantined_items_out(pool: SyntheticPool, tmp_path: Path) -> None:
    chosen = pool.select("random", keep=1.0)
    pool.quarantine(range(0, 40, 2), "every second")
    mix = SyntheticMixDataset(REAL, pool, ratio=1.0, pairing="free")
    numbers = {int(mix.synthetic.items[mix.source(i).item]) for i in range(len(mix))}
    assert numbers == set(range(1, 40, 2))
    assert set(pool.select("random", keep=1.0).items) == set(range(1, 40, 2))
    assert set(pool.selection(chosen.name).items) == set(range(1, 40, 2))
    pool.export(tmp_path / "out", progress=False)
    assert len(list((tmp_path / "out").rglob("*.png"))) == 20
    pool.quarantine(range(40), "all")
    with pytest.raises(DataError, match="in quarantine"):
        pool.select("random")


def test_appending_keeps_selections_and_quarantines(pool: SyntheticPool) -> None:
    view = pool.select("random")
    pool.quarantine([1], "odd")
    pool.append(toy_generator(), 10, seed=5, progress=False)
    assert set(pool.quarantined) == {"odd"}
    assert view.name in pool.selections
    assert pool.select("random").name != view.name


def _without_file(pool: SyntheticPool) -> None:
    next(pool.path.glob("items-*")).unlink()


def _damaged_file(pool: SyntheticPool) -> None:
    file = next(pool.path.glob("items-*"))
    file.write_bytes(file.read_bytes()[:-1] + b"\7")


def _climbing_name(pool: SyntheticPool) -> None:
    file = pool.path / "manifest.json"
    content = json.loads(file.read_text())
    content["views"]["entries"][0]["items"] = "../" * 21 + "x"
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("harm", [_without_file, _damaged_file, _climbing_name])
def test_damage_is_noticed(pool: SyntheticPool, harm: Callable[[SyntheticPool], None]) -> None:
    pool.quarantine([1], "odd")
    harm(pool)
    with pytest.raises(CheckpointError, match=r"cannot be read|names no items"):
        SyntheticPool.open(pool.path).active  # noqa: B018


def test_wrong_arguments_are_named(pool: SyntheticPool) -> None:
    with pytest.raises(ArgumentError, match=r"recipe must be one of .*did you mean 'confidence'"):
        pool.select("confidenc", REAL)
    with pytest.raises(ArgumentError, match=r"keep must lie in \(0, 1\], got 0"):
        pool.select("random", keep=0)
    with pytest.raises(ArgumentError, match="give real="):
        pool.select("confidence")
    with pytest.raises(DataError, match="prepare both alike"):
        pool.select("confidence", Pictures([0, 1], shape=(9, 9, 3)))
    with pytest.raises(ArgumentError, match="no selection 'x'"):
        pool.selection("x")
    with pytest.raises(ArgumentError, match="nothing is in quarantine for 'x'"):
        pool.release("x")
    with pytest.raises(ArgumentError, match="reason must not be empty"):
        pool.quarantine([0], " ")
    with pytest.raises(ArgumentTypeError, match="reason must be a text, got 3"):
        pool.quarantine([0], 3)  # type: ignore[arg-type]
    with pytest.raises(IndexError, match="40 items"):
        pool.quarantine([40], "odd")
