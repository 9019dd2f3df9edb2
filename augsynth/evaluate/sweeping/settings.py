"""Settings of a sweep, and what is checked of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from augsynth.core.checks import check_integer
from augsynth.errors import ArgumentError
from augsynth.evaluate.sweeping.policies import POLICIES
from augsynth.evaluate.sweeping.recipes import RECIPES, Need, recipe_named
from augsynth.evaluate.sweeping.sources import Kind
from augsynth.transforms import Compose


def check_ratios(ratios: Sequence[float]) -> None:
    """Raise `ArgumentError` unless these are different shares of synthetic images, each in (0, 1].

    Args:
        ratios: the shares.
    """
    if not ratios or any(not 0 < ratio <= 1 for ratio in ratios):
        raise ArgumentError(f"ratios must lie above 0 and up to 1, got {list(ratios)}")
    if len(set(ratios)) < len(ratios):
        raise ArgumentError(f"ratios must differ from each other, got {list(ratios)}")


UNEVEN = 1.5
"""Ratio of the largest to the smallest class from which rivals for a long tail are tried."""
_GIVEN_BY: dict[Need, str] = {
    "classifier": "a classifier of the same classes: give classifier=",
    "fine-tuning": "a classifier: give classifier=",
    "unlabelled": "images without labels: give unlabelled=",
}
_OFFERED = ("given classifier", "fine-tuned", "pseudo-labels")
_USUAL: dict[Kind, tuple[str, ...]] = {"auxiliary": ("auxiliary",), "varied": ("varied pairs",)}


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class SweepSettings:
    """Settings of a sweep; raises `ArgumentError` for values outside their range.

    Args:
        per_class: number of training images of each class, at least 1, or a mapping from each class to its number, for
            a long tail; None (default) for three quarters of all.
        policies: names of augmentation policies, keys of `POLICIES` (default: all), or pipelines by names of your own.
        cheap: recipes without a pool, each tried with every policy. None (default) stands for "plain"; for
            "oversampling" and, for tasks with a field `logit_adjust`, "logit adjustment" if the largest class has 1.5
            times as many images as the smallest; and for "given classifier", "fine-tuned" and "pseudo-labels" where a
            sweep is given a classifier or unlabelled images.
        recipes: recipes that use a pool, of which each source is tried with those for its kind of pool. None (default)
            stands for "pool", and also "balanced pool" in the same case; for "auxiliary" and "varied pairs" with
            sources of these kinds.
        ratios: shares of synthetic images, each in (0, 1]; default 0.25, 0.5 and 0.8.
        seeds: repetitions to choose by, at least 2; default 4.
        confirm_seeds: further repetitions that confirm the winner on the test part, at least 2; default 8.
        confirm_arms: number of synthetic arms that are confirmed, at least 1; default 1, the best. With several, the
            intervals are wider, so that all of them hold together.
        folds: number of folds of a cross-validation that confirms, at least 2: the test part is divided, each fold is
            tested on by models that may train on the others, and the interval allows for shared training images. None
            (default) tests on the whole test part.
        confidence: probability of the interval of the verdict, in (0.5, 1); default 0.95.
        workers: number of processes, at least 1; default one a processor.
        backend: backend of joblib for these processes; default joblib's own.
        budget: seconds that the sweep may take, above 0; None (default) for no limit. Repetitions, and then ratios, are
            left out so that it fits.
        seed: number that selects another set of repetitions, at least 0; default 0.
    """

    per_class: int | Mapping[int, int] | None = None
    policies: Sequence[str] | Mapping[str, Compose] = tuple(POLICIES)
    cheap: Sequence[str] | None = None
    recipes: Sequence[str] | None = None
    ratios: Sequence[float] = (0.25, 0.5, 0.8)
    seeds: int = 4
    confirm_seeds: int = 8
    confirm_arms: int = 1
    folds: int | None = None
    confidence: float = 0.95
    workers: int = field(default_factory=processors)
    backend: str | None = None
    budget: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("seeds", 2), ("confirm_seeds", 2), ("confirm_arms", 1), ("workers", 1), ("seed", 0)):
            check_integer(name, getattr(self, name), least)
        if self.folds is not None:
            check_integer("folds", self.folds, 2)
        numbers = self.per_class.values() if isinstance(self.per_class, Mapping) else (self.per_class,)
        for number in numbers:
            if number is not None:
                check_integer("per_class", number, 1)
        check_ratios(self.ratios)
        if not 0.5 < self.confidence < 1:
            raise ArgumentError(f"confidence must lie between 0.5 and 1, as in 0.95; got {self.confidence}")
        if self.budget is not None and not self.budget > 0:
            raise ArgumentError(f"budget must be above 0 seconds, got {self.budget}")
        for names, synthetic in ((self.cheap, False), (self.recipes, True)):
            if names is None:
                continue
            if not names:
                raise ArgumentError(f"{'recipes' if synthetic else 'cheap'} must name at least one recipe")
            for name in names:
                recipe_named(name, synthetic=synthetic)

    def with_recipes(self, uneven: bool, adjustable: bool, given: Set[Need], kinds: Set[Kind]) -> SweepSettings:
        """Return the settings with the recipes that suit a sweep; raise `ArgumentError` if the chosen ones do not.

        Args:
            uneven: whether the sizes of the classes differ much.
            adjustable: whether the task has a field `logit_adjust`.
            given: what is given beside the real images.
            kinds: kinds of the pools of all sources.
        """
        rare = ("oversampling", *(("logit adjustment",) if adjustable else ())) if uneven else ()
        cheap = ("plain", *rare, *(name for name in _OFFERED if RECIPES[name].needs in given))
        usual = {"classes": ("pool", "balanced pool") if uneven else ("pool",), **_USUAL}
        recipes = tuple(name for kind in sorted(kinds) for name in usual[kind])
        chosen = replace(self, cheap=self.cheap or cheap, recipes=self.recipes or recipes)
        names = (*(chosen.cheap or ()), *(chosen.recipes or ()))
        for name in names:
            if (need := RECIPES[name].needs) is not None and need not in given:
                raise ArgumentError(f"the recipe {name!r} needs {_GIVEN_BY[need]}")
        for kind in kinds - {RECIPES[name].pool for name in names}:
            fitting = ", ".join(name for name, recipe in RECIPES.items() if recipe.pool == kind)
            raise ArgumentError(f"a source gives pools of the kind {kind!r}; name a recipe for them: {fitting}")
        return chosen

    @property
    def choosing(self) -> list[int]:
        """Seeds of the repetitions to choose by."""
        first = self.seed * (self.seeds + self.confirm_seeds)
        return list(range(first, first + self.seeds))

    @property
    def confirming(self) -> list[int]:
        """Seeds of the repetitions that confirm: none of them has been used before."""
        first = self.choosing[-1] + 1
        return list(range(first, first + self.confirm_seeds))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings that decide the result, JSON-ready."""
        return {
            "images per class": self._images_per_class(),
            "policies": list(self.policies),
            "cheap recipes": list(self.cheap or ()),
            "synthetic recipes": list(self.recipes or ()),
            "ratios": sorted(self.ratios),
            "seeds to choose by": self.choosing,
            "seeds to confirm by": self.confirming,
            "folds": self.folds,
            "confidence": self.confidence,
        }

    def _images_per_class(self) -> int | str:
        if isinstance(self.per_class, Mapping):
            return ", ".join(f"{label}: {number}" for label, number in self.per_class.items())
        return self.per_class or "three quarters of all"
