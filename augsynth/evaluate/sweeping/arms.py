"""Arms: the ways to make a training set that a sweep compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from augsynth.errors import ArgumentError
from augsynth.evaluate.sweeping.recipes import RECIPES, recipe_named
from augsynth.evaluate.sweeping.sources import Kind


@dataclass(frozen=True)
class Arm:
    """A way to make a training set.

    Args:
        policy: name of the augmentation policy.
        recipe: name of the recipe, a key of `RECIPES`; default "plain".
        ratio: share of synthetic images, in (0, 1]; 0 (default) for recipes without a pool.
        source: name of the synthetic source; default None, for recipes without a pool.
    """

    policy: str
    recipe: str = "plain"
    ratio: float = 0.0
    source: str | None = None

    def __post_init__(self) -> None:
        recipe_named(self.recipe, synthetic=self.source is not None)
        if self.source is None and self.ratio:
            raise ArgumentError(f"ratio is {self.ratio}, and the arm has no synthetic source")
        if self.source is not None and not 0 < self.ratio <= 1:
            raise ArgumentError(f"ratio of a synthetic arm must lie above 0 and up to 1, got {self.ratio}")

    @property
    def name(self) -> str:
        """Name of the arm in tables."""
        if self.source is None:
            return self.policy if self.recipe == "plain" else f"{self.policy} + {self.recipe}"
        recipe = "" if self.recipe == "pool" else f" ({self.recipe})"
        return f"{self.policy} + {self.ratio:.0%} {self.source}{recipe}"


def controls(policies: Sequence[str], recipes: Sequence[str]) -> list[Arm]:
    """Return all cheap arms: each policy with each recipe. A recipe that trains nothing is tried with the first policy.

    Args:
        policies: names of policies.
        recipes: names of recipes without a pool.
    """
    return [Arm(policy, name) for name in recipes for policy in (policies if RECIPES[name].trains else policies[:1])]


def synthetic_arms(
    policy: str, recipes: Sequence[str], ratios: Sequence[float], sources: Mapping[str, Kind]
) -> list[Arm]:
    """Return all arms with synthetic images: each source, with each recipe for pools of its kind, at each ratio.

    Args:
        policy: name of the policy of all arms.
        recipes: names of recipes that use a pool.
        ratios: shares of synthetic images, each in (0, 1].
        sources: kinds of the pools of the sources, by name.
    """
    pairs = [(source, name) for source, name in product(sources, recipes) if RECIPES[name].pool == sources[source]]
    return [Arm(policy, name, ratio, source) for (source, name), ratio in product(pairs, sorted(ratios))]


def scratch_policy(arms: Sequence[Arm]) -> str:
    """Return the policy of the best arm that uses the real images alone; of the best arm if there is none.

    Args:
        arms: cheap arms, the best first.
    """
    return next((arm.policy for arm in arms if RECIPES[arm.recipe].needs is None), arms[0].policy)
