"""Choosing items of a pool by a recipe, and the record of the choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from augsynth.core.checks import check_choice, check_number, check_seed
from augsynth.core.typing import Ints
from augsynth.data.pools.gated import read_items, record_selection, selection_name
from augsynth.data.pools.manifest import Manifest
from augsynth.data.pools.view import PoolView, ViewedPool
from augsynth.errors import ArgumentError, DataError
from augsynth.gates.selection import RECIPES, Features, RealImages, SelectionTask, choose
from augsynth.generators.reading.images import ImageSet
from augsynth.generators.reading.pairs import read_pairs

_DEFAULT_FEATURES = "a classifier of half of the real images"


def select(
    folder: Path,
    manifest: Manifest,
    pool: ViewedPool,
    items: Ints,
    recipe: str,
    *,
    real: Any,
    keep: float,
    features: Features | None,
    seed: int,
) -> tuple[str, Ints]:
    """Choose items, record the choice, and return its name and the numbers of the items; see `SyntheticPool.select`.

    Args:
        folder: folder of the pool.
        manifest: its manifest.
        pool: the pool.
        items: numbers of the items to choose from.
        recipe: name of the recipe.
        real: data set of real items, or None.
        keep: share to keep.
        features: function of images, or None.
        seed: 64-bit seed.
    """
    check_choice("recipe", recipe, RECIPES)
    keep, seed = check_number("keep", keep), check_seed(seed)
    if len(items) == 0:
        raise DataError("all items of the pool are in quarantine: there is nothing to select from")
    compared = None if real is None else _real(real, pool)
    parameters = {
        "keep": keep,
        "seed": seed,
        "features": _DEFAULT_FEATURES if features is None else _described(features),
        "real": None if compared is None else ImageSet(compared.images, torch.from_numpy(compared.labels)).digest(),
        "pool": PoolView(pool, items, "active").content_digest(),
    }
    name = selection_name(recipe, parameters)
    recorded = [entry for entry in manifest.views if entry["name"] == name]
    if recorded and features is None:
        return name, read_items(folder, recorded[0])
    samples, labels = pool.take(items), pool.labels
    task = SelectionTask(samples.images, None if labels is None else labels[items], compared, features, seed)
    chosen = items[choose(task, recipe, keep)]
    record_selection(folder, name, recipe, parameters, chosen)
    return name, chosen


def _real(real: Any, pool: ViewedPool) -> RealImages:
    images, labels = read_pairs(real, "real")
    if images.shape[1:] != pool.image_shape:
        raise DataError(
            f"real has images of {tuple(images.shape[1:])} as (channels, height, width), and the pool of "
            f"{pool.image_shape}; prepare both alike"
        )
    if labels is None:
        raise ArgumentError("real must have labels: give (image, label) items")
    return RealImages(images, labels)


def _described(features: Any) -> str:
    """Name a function of features; a name does not say what it computes, so such a choice is made anew each time."""
    kind = features if hasattr(features, "__qualname__") else type(features)
    return f"{kind.__module__}.{kind.__qualname__}"


def active_items(folder: Path, manifest: Manifest) -> Ints | None:
    """Return the numbers of the items that are in no quarantine; None if no item is in one.

    Args:
        folder: folder of the pool.
        manifest: its manifest.
    """
    held = [read_items(folder, entry) for entry in manifest.views if entry.get("kind") == "quarantine"]
    return np.setdiff1d(np.arange(len(manifest)), np.concatenate(held)) if held else None
