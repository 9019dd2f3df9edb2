"""Label safety of augmentation policies: does a policy turn images of one class into those of another?

A model of real images judges held-out ones, as they are and augmented. It has been trained with the gentle policy,
because a model that has never seen a shifted image takes shifted images for a class that looks like no class. A class
is turned into another one if many of its augmented images are taken for this one class. A policy that is merely hard
scatters its errors over several classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from augsynth.data.loading.datasets import ImageData
from augsynth.evaluate.pipelines import default_pipeline, plain_pipeline
from augsynth.evaluate.provenance import data_digest
from augsynth.evaluate.sweeping.recipes import Ingredients, plain
from augsynth.evaluate.sweeping.splits import draw_split
from augsynth.evaluate.sweeping.stored import content_key, read_stored, store
from augsynth.evaluate.sweeping.tasks import ClassificationTask, Predict, best_classes
from augsynth.evaluate.sweeping.trials import Laboratory
from augsynth.transforms import Compose

TURNED = 0.25
"""Share of the augmented images of a class, beyond that of its images as they are, that is taken for another class."""
VERSIONS = 4
_FEWEST = 5
_MOST = 1000


class Turn(NamedTuple):
    """A class that a policy turns into another one.

    Args:
        label: the class.
        into: the class that its images are taken for.
        share: share of its augmented images for which this holds, less the share of its images as they are.
    """

    label: int
    into: int
    share: float


class Safety(NamedTuple):
    """Label safety of a policy.

    Args:
        accuracy: accuracy of the model on held-out images as they are, in [0, 1].
        augmented: its accuracy on the same images, augmented.
        turns: classes that are turned into others, the worst first.
    """

    accuracy: float
    augmented: float
    turns: tuple[Turn, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, JSON-ready."""
        return {**self._asdict(), "turns": [turn._asdict() for turn in self.turns]}


def check_policies(laboratory: Laboratory, seed: int) -> dict[str, Safety]:
    """Return the label safety of each policy; none for tasks other than classification, and without held-out images.

    Policies that change the shape of images, or leave the range of 0 to 1, are not judged. The result is stored.

    Args:
        laboratory: what trials share. The model is trained on three quarters of its data, at most 1,000 images, without
            the test part.
        seed: seed of the split and of the model.
    """
    task, split = laboratory.task, draw_split(laboratory.data, None, seed)
    real = split.real.take(np.random.default_rng(seed).permutation(len(split.real))[:_MOST])
    held_out, classes = split.selection, split.real.num_classes
    if not isinstance(task, ClassificationTask) or len(held_out) == 0:
        return {}
    policies = {name: p for name, p in laboratory.pipelines.items() if _is_usable(p, real)}
    parts = {"task": task.describe(), "policies": {name: policy.to_dict() for name, policy in policies.items()}}
    key = content_key({**parts, "real": data_digest(real), "held out": data_digest(held_out), "seed": seed})
    path = laboratory.folder / "label safety" / f"{key}.json"
    counts = read_stored(path)
    if counts is None:
        predict = _judge(task, real, seed)
        tried = {"": plain_pipeline(), **policies}
        counts = _flat({name: _confusions(predict, policy, held_out, seed) for name, policy in tried.items()})
        store(path, counts)
    tables = np.array(list(counts.values())).reshape(-1, classes, classes)
    return {name: _compared(tables[0], table) for name, table in zip(policies, tables[1:], strict=True)}


def _judge(task: ClassificationTask, real: ImageData, seed: int) -> Predict:
    given = Ingredients(real, None, 0.0, default_pipeline(real.image_shape[0]), seed, task)
    return task.train(plain(given), num_classes=real.num_classes, seed=seed)


def _augmented(policy: Compose, data: ImageData, seed: int, version: int) -> NDArray[np.uint8]:
    keys = [(seed, version, number) for number in range(len(data))]
    images = np.moveaxis(np.asarray(policy.batch(data.images, keys=keys)), 1, -1)
    pixels: NDArray[np.uint8] = np.rint(images * 255).astype(np.uint8)
    return pixels


def _is_usable(policy: Compose, data: ImageData) -> bool:
    images = policy.batch(data.images[:1], keys=[(0, 0, 0)])
    fits = tuple(images.shape[1:]) == data.image_shape and images.is_floating_point()
    return bool(fits and images.min() >= 0 and images.max() <= 1)


def _confusions(predict: Predict, policy: Compose, data: ImageData, seed: int) -> NDArray[np.float64]:
    """Return how many augmented images of each class are taken for each class, (K, K)."""
    counts = np.zeros((data.num_classes, data.num_classes))
    for version in range(VERSIONS):
        predicted = predict(np.moveaxis(_augmented(policy, data, seed, version), -1, 1))
        np.add.at(counts, (data.labels, best_classes(predicted, data.num_classes)), 1)
    return counts


def _flat(tables: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    return {
        f"{name} {r} {c}": float(table[r, c]) for name, table in tables.items() for r, c in np.ndindex(*table.shape)
    }


def _compared(usual: NDArray[np.float64], augmented: NDArray[np.float64]) -> Safety:
    before, after = (counts / counts.sum(1, keepdims=True).clip(1) for counts in (usual, augmented))
    gained = after - before
    np.fill_diagonal(gained, 0)
    turns = []
    for label, into in enumerate(gained.argmax(1).tolist()):
        errors = 1 - after[label, label]
        enough = augmented[label].sum() >= _FEWEST * VERSIONS
        if enough and gained[label, into] >= TURNED and after[label, into] >= errors / 2:
            turns.append(Turn(label, into, float(gained[label, into])))
    right, right_after = (float(np.trace(counts) / counts.sum()) for counts in (usual, augmented))
    return Safety(right, right_after, tuple(sorted(turns, key=lambda turn: -turn.share)))
