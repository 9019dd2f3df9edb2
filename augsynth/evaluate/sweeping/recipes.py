"""Recipes: how a training set is made from few real images, and from what else a recipe uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from augsynth.classifier import Classifier
from augsynth.data import PoolView, SyntheticMixDataset
from augsynth.data.loading.datasets import ImageData
from augsynth.data.schedules import linear, strengths
from augsynth.errors import ArgumentError
from augsynth.evaluate.sweeping.sources import Kind, Pool, as_tensor
from augsynth.evaluate.sweeping.tasks import ClassificationTask, Task, best_classes
from augsynth.gates.selection import RealImages, SelectionTask, choose
from augsynth.transforms import Compose

SURE = 0.95
"""Probability from which a pseudo-label is used, as in FixMatch (Sohn et al., NeurIPS 2020)."""
KEPT = 0.75
"""Share of a pool that selections keep."""
FINE_TUNING_RATE = 3e-4
"""Largest learning rate of fine-tuning: a tenth of that of a new network."""


class Ingredients(NamedTuple):
    """Material of a training set.

    Args:
        real: the real training images.
        pool: the synthetic pool; None for recipes that use none.
        ratio: share of synthetic images, in [0, 1]; 0 without a pool.
        pipeline: the augmentation.
        seed: seed of the mix.
        task: the task that is trained, for recipes that train models themselves.
        unlabelled: real images whose labels mean nothing; None if there are none.
    """

    real: ImageData
    pool: Pool | None
    ratio: float
    pipeline: Compose
    seed: int
    task: Task
    unlabelled: ImageData | None = None


Make = Callable[[Ingredients], Any]
Need = Literal["classifier", "fine-tuning", "unlabelled"]
"""What a recipe needs beside real images: a classifier of their classes, or of any classes; or unlabelled images."""

Fields = Callable[[Classifier | None], Mapping[str, Any]]
_Made = TypeVar("_Made", bound=Make)


class Recipe(NamedTuple):
    """Way to make a training set.

    Args:
        make: function of `Ingredients` that returns a map-style dataset of `(image, label)`.
        pool: kind of the pool that it uses, as sources state it; None for none.
        needs: what must be given beside the real images; None for nothing.
        fields: function of the given classifier, or None, that returns fields of the task that the recipe replaces, by
            name; the task must have them. None replaces none.
        trains: whether anything is trained, so that the augmentation matters.
    """

    make: Make
    pool: Kind | None = None
    needs: Need | None = None
    fields: Fields | None = None
    trains: bool = True

    def replaced(self, classifier: Classifier | None) -> Mapping[str, Any]:
        """Return the fields of the task that are replaced.

        Args:
            classifier: the given classifier, if there is one.
        """
        return {} if self.fields is None else self.fields(classifier)


RECIPES: dict[str, Recipe] = {}
"""All recipes by name. Another one is a function with the decorator `recipe`."""


def recipe(
    name: str,
    *,
    pool: Kind | None = None,
    needs: Need | None = None,
    fields: Fields | None = None,
    trains: bool = True,
) -> Callable[[_Made], _Made]:
    """Return a decorator that adds a recipe to `RECIPES`; the arguments are those of `Recipe`.

    Args:
        name: name of the recipe in tables.
        pool: kind of its pool, or None.
        needs: what must be given, or None.
        fields: fields of the task that it replaces.
        trains: whether anything is trained.
    """

    def add(make: _Made) -> _Made:
        RECIPES[name] = Recipe(make, pool, needs, fields, trains)
        return make

    return add


def recipe_named(name: str, *, synthetic: bool) -> Recipe:
    """Return a recipe by name; raise `ArgumentError` if there is none that does, or does not, use a pool.

    Args:
        name: key of `RECIPES`.
        synthetic: whether it must use a pool.
    """
    known = [key for key, value in RECIPES.items() if (value.pool is not None) == synthetic]
    if name not in known:
        kind = "that uses a pool" if synthetic else "without a pool"
        raise ArgumentError(f"there is no recipe {name!r} {kind}; there are {', '.join(known)}")
    return RECIPES[name]


def _mix(given: Ingredients, synthetic: Any, **options: Any) -> SyntheticMixDataset:
    return SyntheticMixDataset(given.real, synthetic, transform=given.pipeline, seed=given.seed, **options)


@recipe("plain")
def plain(given: Ingredients) -> SyntheticMixDataset:
    """Real images, each once an epoch."""
    return _mix(given, given.real, ratio=0.0)


@recipe("oversampling")
def oversampling(given: Ingredients) -> SyntheticMixDataset:
    """Real images, every class equally often: those of rare classes repeat. The cheap rival on a long tail."""
    return _mix(given, given.real, ratio=0.0, balance="classes")


def _adjusted(classifier: Classifier | None) -> dict[str, Any]:
    return {"logit_adjust": 1.0}


def _as_it_is(classifier: Classifier | None) -> dict[str, Any]:
    return {"start": classifier, "steps": 0}


def _fine_tuned(classifier: Classifier | None) -> dict[str, Any]:
    return {"start": classifier, "learning_rate": FINE_TUNING_RATE}


@recipe("logit adjustment", fields=_adjusted)
def logit_adjustment(given: Ingredients) -> SyntheticMixDataset:
    """Real images, each once an epoch; the loss allows for the sizes of the classes (Menon et al., ICLR 2021)."""
    return plain(given)


@recipe("given classifier", needs="classifier", fields=_as_it_is, trains=False)
def given_classifier(given: Ingredients) -> SyntheticMixDataset:
    """The given classifier as it is: nothing is trained."""
    return plain(given)


@recipe("fine-tuned", needs="fine-tuning", fields=_fine_tuned)
def fine_tuned(given: Ingredients) -> SyntheticMixDataset:
    """The given classifier, trained further on the real images."""
    return plain(given)


@recipe("pseudo-labels", needs="unlabelled")
def pseudo_labels(given: Ingredients) -> SyntheticMixDataset:
    """Real images, and unlabelled ones of whose class a model of the real images is sure (Lee, ICML workshop 2013).

    A class counts from a probability of 0.95; all count if the task predicts classes without probabilities.
    """
    if not isinstance(given.task, ClassificationTask):
        raise ArgumentError(f"pseudo-labels need a task of classification, got {type(given.task).__name__}")
    assert given.unlabelled is not None, "arms with pseudo-labels are made only where there are unlabelled images"
    real, others = given.real, given.unlabelled
    model = given.task.train(plain(given), num_classes=real.num_classes, seed=given.seed)
    outputs = np.asarray(model(np.moveaxis(others.images, -1, 1)))
    sure = np.flatnonzero(outputs.max(1) >= SURE) if outputs.ndim == 2 else np.arange(len(outputs))
    labels = best_classes(outputs, real.num_classes)[sure]
    joined = replace(
        real,
        images=np.concatenate([real.images, others.images[sure]]),
        labels=np.concatenate([real.labels, labels.astype(np.int64)]),
    )
    return plain(given._replace(real=joined))


@recipe("pool", pool="classes")
def pool(given: Ingredients) -> SyntheticMixDataset:
    """Real images, of which the stated share is replaced with samples of the same classes, drawn anew each epoch."""
    return _mix(given, given.pool, ratio=given.ratio)


@recipe("balanced pool", pool="classes")
def balanced_pool(given: Ingredients) -> SyntheticMixDataset:
    """The stated share is synthetic; the real and the synthetic part hold every class equally often."""
    return _mix(given, given.pool, ratio=given.ratio, balance="classes")


@recipe("filled", pool="classes")
def filled(given: Ingredients) -> SyntheticMixDataset:
    """Classes smaller than the stated share of the largest one are brought to this size with samples."""
    largest = int(np.bincount(given.real.labels).max())
    return _mix(given, given.pool, fill_to=max(1, round(given.ratio * largest)))


@recipe("selected", pool="classes")
def selected(given: Ingredients) -> SyntheticMixDataset:
    """The stated share comes from three quarters of the pool: samples of whose class a classifier is most sure."""
    return _mix(given, _chosen(given, "confidence"), ratio=given.ratio)


@recipe("matched", pool="classes")
def matched(given: Ingredients) -> SyntheticMixDataset:
    """The stated share comes from three quarters of the pool: samples that scatter as the real images do."""
    return _mix(given, _chosen(given, "covariance"), ratio=given.ratio)


@recipe("weighted", pool="classes")
def weighted(given: Ingredients) -> SyntheticMixDataset:
    """Each epoch has all real images and as many samples, and the stated share is that of the samples in the loss."""
    return _mix(given, given.pool, ratio=0.5, mode="extend", return_weight=True, synthetic_weight=given.ratio)


@recipe("fine-tuned pool", pool="classes", needs="fine-tuning", fields=_fine_tuned)
def fine_tuned_pool(given: Ingredients) -> SyntheticMixDataset:
    """As "pool", and the training begins with the weights of the given classifier."""
    return pool(given)


@recipe("auxiliary", pool="auxiliary")
def auxiliary(given: Ingredients) -> SyntheticMixDataset:
    """The stated share shows other classes, which one classifier learns beside the real ones; it never answers them."""
    assert given.pool is not None
    first = given.real.num_classes
    joint = {label: first + label for label in np.unique(np.asarray(given.pool.labels)).tolist()}
    return _mix(given, given.pool, ratio=given.ratio, label_map=joint)


@recipe("varied pairs", pool="varied")
def varied_pairs(given: Ingredients) -> SyntheticMixDataset:
    """The stated share of the real images is replaced with versions of themselves, in turn."""
    return _mix(given, given.pool, ratio=given.ratio, pairing="index")


@recipe("curriculum", pool="varied")
def curriculum(given: Ingredients) -> SyntheticMixDataset:
    """As "varied pairs", from strong changes at the beginning to weak ones at the end (DisCL, arXiv 2410.13674)."""
    assert given.pool is not None
    versions = len(given.pool) // len(given.real)
    pools = {str(k): _part(given.pool, np.arange(k, len(given.pool), versions), str(k)) for k in range(versions)}
    if versions < 2 or not hasattr(given.task, "epochs_for"):
        raise ArgumentError("a curriculum needs versions of several strengths, and a task with the method epochs_for")
    epochs = max(2, given.task.epochs_for(len(given.real)))
    levels = {name: 1.0 + int(name) for name in pools}
    ratio = strengths(levels, at=linear(float(versions), 1.0, epochs=epochs), ratio=given.ratio)
    return _mix(given, pools, ratio=ratio, pairing="index")


def _chosen(given: Ingredients, how: str) -> Any:
    """Return the part of a pool that a selection keeps; a pool on the disk records it for other trials."""
    if not isinstance(given.pool, ImageData):
        assert given.pool is not None
        return given.pool.select(how, given.real, keep=KEPT, seed=given.seed)
    compared = RealImages(as_tensor(given.real), given.real.labels)
    task = SelectionTask(as_tensor(given.pool), given.pool.labels, compared, seed=given.seed)
    return given.pool.take(choose(task, how, KEPT))


def _part(pool: Pool, items: np.ndarray[Any, np.dtype[np.int64]], name: str) -> Any:
    return pool.take(items) if isinstance(pool, ImageData) else PoolView(pool, items, name)
