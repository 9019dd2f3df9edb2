"""Recipes: how a training set is made from few real images, and from a synthetic pool if the recipe uses one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from augsynth.data import SyntheticMixDataset
from augsynth.data.loading.datasets import ImageData
from augsynth.errors import ArgumentError
from augsynth.evaluate.sweeping.sources import Pool
from augsynth.transforms import Compose


class Ingredients(NamedTuple):
    """Material of a training set.

    Args:
        real: the real training images.
        pool: the synthetic pool; None for recipes that use none.
        ratio: share of synthetic images, in [0, 1]; 0 without a pool.
        pipeline: the augmentation.
        seed: seed of the mix.
    """

    real: ImageData
    pool: Pool | None
    ratio: float
    pipeline: Compose
    seed: int


Make = Callable[[Ingredients], Any]


class Recipe(NamedTuple):
    """Way to make a training set.

    Args:
        make: function of `Ingredients` that returns a map-style dataset of `(image, label)`.
        synthetic: whether it uses a pool.
        task: fields of the task that it replaces, by name; the task must have them.
    """

    make: Make
    synthetic: bool
    task: Mapping[str, Any] = MappingProxyType({})


RECIPES: dict[str, Recipe] = {}
"""All recipes by name. Another one is a function with the decorator `recipe`."""


def recipe(name: str, *, synthetic: bool, **task: Any) -> Callable[[Make], Make]:
    """Return a decorator that adds a recipe to `RECIPES`.

    Args:
        name: name of the recipe in tables.
        synthetic: whether it uses a pool.
        task: fields of the task that it replaces.
    """

    def add(make: Make) -> Make:
        RECIPES[name] = Recipe(make, synthetic, task)
        return make

    return add


def recipe_named(name: str, *, synthetic: bool) -> Recipe:
    """Return a recipe by name; raise `ArgumentError` if there is none that does, or does not, use a pool.

    Args:
        name: key of `RECIPES`.
        synthetic: whether it must use a pool.
    """
    known = [key for key, value in RECIPES.items() if value.synthetic == synthetic]
    if name not in known:
        kind = "that uses a pool" if synthetic else "without a pool"
        raise ArgumentError(f"there is no recipe {name!r} {kind}; there are {', '.join(known)}")
    return RECIPES[name]


def _mix(given: Ingredients, synthetic: Any, **options: Any) -> SyntheticMixDataset:
    return SyntheticMixDataset(given.real, synthetic, transform=given.pipeline, seed=given.seed, **options)


@recipe("plain", synthetic=False)
def plain(given: Ingredients) -> SyntheticMixDataset:
    """Real images, each once an epoch."""
    return _mix(given, given.real, ratio=0.0)


@recipe("oversampling", synthetic=False)
def oversampling(given: Ingredients) -> SyntheticMixDataset:
    """Real images, every class equally often: those of rare classes repeat. The cheap rival on a long tail."""
    return _mix(given, given.real, ratio=0.0, balance="classes")


@recipe("logit adjustment", synthetic=False, logit_adjust=1.0)
def logit_adjustment(given: Ingredients) -> SyntheticMixDataset:
    """Real images, each once an epoch; the loss allows for the sizes of the classes (Menon et al., ICLR 2021)."""
    return _mix(given, given.real, ratio=0.0)


@recipe("pool", synthetic=True)
def pool(given: Ingredients) -> SyntheticMixDataset:
    """Real images, of which the stated share is replaced with samples of the same classes, drawn anew each epoch."""
    return _mix(given, given.pool, ratio=given.ratio)


@recipe("balanced pool", synthetic=True)
def balanced_pool(given: Ingredients) -> SyntheticMixDataset:
    """The stated share is synthetic; the real and the synthetic part hold every class equally often."""
    return _mix(given, given.pool, ratio=given.ratio, balance="classes")


@recipe("filled", synthetic=True)
def filled(given: Ingredients) -> SyntheticMixDataset:
    """Classes smaller than the stated share of the largest one are brought to this size with samples."""
    largest = int(np.bincount(given.real.labels).max())
    return _mix(given, given.pool, fill_to=max(1, round(given.ratio * largest)))
