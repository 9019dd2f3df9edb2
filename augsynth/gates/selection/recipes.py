"""Recipes of selection: functions of a task and of the share to keep, found by their names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from augsynth.core.checks import check_choice, check_number
from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError
from augsynth.gates.selection.task import TRAINING_STEPS, SelectionTask, count_kept

Recipe = Callable[[SelectionTask, float], Ints]
"""Function of a task and the share to keep; it returns positions, in any order."""

RECIPES: dict[str, Recipe] = {}
"""All recipes, by name."""

_COMPONENTS = 32
_EARLY_STEPS = 60


def choose(task: SelectionTask, recipe: str, keep: float) -> Ints:
    """Return the positions that a recipe keeps, in rising order, int64 (k,).

    Args:
        task: images to choose from.
        recipe: name of a recipe in `RECIPES`.
        keep: share of each class to keep, in (0, 1]; at least one item of a class is kept. "targeted" keeps this share
            of the pool.
    """
    check_choice("recipe", recipe, RECIPES)
    if not 0 < check_number("keep", keep) <= 1:
        raise ArgumentError(f"keep must lie in (0, 1], got {keep}")
    return np.sort(RECIPES[recipe](task, keep))


def _recipe(name: str) -> Callable[[Recipe], Recipe]:
    def register(function: Recipe) -> Recipe:
        RECIPES[name] = function
        return function

    return register


@_recipe("random")
def choose_at_random(task: SelectionTask, keep: float) -> Ints:
    """Keep random items of each class: the control of all other recipes.

    Args:
        task: images to choose from.
        keep: share of each class to keep.
    """
    rng = np.random.default_rng(task.seed % 2**64)
    return np.concatenate([rng.permutation(own)[: count_kept(len(own), keep)] for own in task.members()])


@_recipe("confidence")
def choose_consistent(task: SelectionTask, keep: float) -> Ints:
    """Keep the items of each class that a classifier of the real images is most sure of.

    With a share of 0.75 it drops the least consistent quarter. Harsher filters leave the easy items alone.

    Args:
        task: images to choose from, with labels.
        keep: share of each class to keep.
    """
    labels, real = task.require_labels(), task.require_real()
    probabilities = task.train(real, steps=TRAINING_STEPS).probabilities(task.images)
    return _highest(task, probabilities[np.arange(len(labels)), labels], keep)


@_recipe("covariance")
def match_covariance(task: SelectionTask, keep: float) -> Ints:
    """Keep the items of each class whose features together scatter as those of the real class do.

    Greedily, the next item is the one after which ‖Σ̂(chosen) − Σ̂(real)‖ (Frobenius) is smallest, on at most 32
    principal components of the real features (arXiv 2510.08123). Both scatters are taken about the real mean, so a
    shifted mean counts too.

    Args:
        task: images to choose from, with labels.
        keep: share of each class to keep.
    """
    labels, compared = task.require_labels(), task.compared
    axes = _principal_axes(task.real_features)
    real, pool = task.real_features @ axes, task.pool_features @ axes
    chosen = []
    for own in task.members():
        label = labels[own[0]]
        ours = real[compared.labels == label]
        if len(ours) < 2:
            raise ArgumentError(
                f"class {label} has {len(ours)} real images to compare with, and a covariance needs 2: give more real "
                "images, or features=, with which no real image is set aside for training"
            )
        centred = ours - ours.mean(0)
        target = centred.T @ centred / len(ours)
        chosen.append(own[_match(pool[own] - ours.mean(0), target, count_kept(len(own), keep))])
    return np.concatenate(chosen)


def _principal_axes(features: Floats) -> Floats:
    centred = features - features.mean(0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    used = int((sizes > 1e-9 * max(sizes.max(initial=0.0), 1e-300)).sum())
    result: Floats = axes[: max(1, min(used, _COMPONENTS))].T
    return result


def _match(points: Floats, target: Floats, count: int) -> Ints:
    """Return the positions of `count` points (n, d), chosen greedily so that their mean of x xᵀ is near `target`."""
    fourth_powers = (points**2).sum(1) ** 2
    total, chosen, free = np.zeros_like(target), np.empty(count, np.int64), np.ones(len(points), bool)
    for number in range(count):
        # ‖B + x xᵀ / (k + 1)‖² = ‖B‖² + 2 xᵀ B x / (k + 1) + |x|⁴ / (k + 1)², with B the rest without x.
        rest = total / (number + 1) - target
        forms = np.einsum("ni,ni->n", points @ rest, points)
        costs = 2 * forms / (number + 1) + fourth_powers / (number + 1) ** 2
        best = int(np.where(free, costs, np.inf).argmin())
        chosen[number], free[best] = best, False
        total += np.outer(points[best], points[best])
    return chosen


@_recipe("diverse")
def choose_far_apart(task: SelectionTask, keep: float) -> Ints:
    """Keep the items of each class that are far apart in features: each next one is the furthest from all before.

    The first is the one that is nearest to the mean (Gonzalez, "Clustering to minimize the maximum intercluster
    distance", 1985).

    Args:
        task: images to choose from.
        keep: share of each class to keep.
    """
    features = task.pool_features
    return np.concatenate([own[_far_apart(features[own], count_kept(len(own), keep))] for own in task.members()])


def _far_apart(points: Floats, count: int) -> Ints:
    chosen = np.empty(count, np.int64)
    nearest = np.full(len(points), np.inf)
    following = int(((points - points.mean(0)) ** 2).sum(1).argmin())
    for number in range(count):
        chosen[number] = following
        nearest = np.minimum(nearest, ((points - points[following]) ** 2).sum(1))
        nearest[following] = -1.0
        following = int(nearest.argmax())
    return chosen


@_recipe("targeted")
def choose_unlearned(task: SelectionTask, keep: float) -> Ints:
    """Keep the items that are like real ones which a classifier has not learned early.

    A real image is the harder, the lower the probability of its class after 60 steps of training. An item of the pool
    is as hard as the real image of its class that is nearest to it in features. The hardest are kept, whatever their
    class, and at least one of each class (after TADA, arXiv 2505.21574).

    Args:
        task: images to choose from, with labels.
        keep: share of the pool to keep.
    """
    labels, compared = task.require_labels(), task.compared
    early = task.train(task.require_real(), steps=_EARLY_STEPS).probabilities(compared.images)
    hardness = 1.0 - early[np.arange(len(compared.labels)), compared.labels].astype(np.float64)
    scores = np.zeros(len(labels))
    for own in task.members():
        ours = np.flatnonzero(compared.labels == labels[own[0]])
        if len(ours):
            partners = _nearest(task.pool_features[own], task.real_features[ours])
            scores[own] = hardness[ours[partners]]
    order = np.argsort(-scores, kind="stable")
    _, firsts = np.unique(labels[order], return_index=True)
    first_of_class = np.isin(np.arange(len(order)), firsts)
    order = np.concatenate([order[first_of_class], order[~first_of_class]])
    return order[: max(count_kept(len(order), keep), len(firsts))]


def _nearest(points: Floats, others: Floats) -> Ints:
    squares = (others**2).sum(1) - 2 * points @ others.T
    positions: Ints = squares.argmin(1)
    return positions


def _highest(task: SelectionTask, scores: np.ndarray[tuple[int, ...], np.dtype[np.float32]], keep: float) -> Ints:
    """Return the positions of the highest scores of each class; the first of equal ones."""
    return np.concatenate(
        [own[np.argsort(-scores[own], kind="stable")[: count_kept(len(own), keep)]] for own in task.members()]
    )
