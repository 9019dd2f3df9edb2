"""Tasks: how a model is trained on a data set, and how it is scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from augsynth.classifier import train_classifier
from augsynth.data.loading.datasets import ImageData
from augsynth.data.mixing.rule.labels import class_labels
from augsynth.errors import ArgumentError, PluginError
from augsynth.evaluate.metrics import METRICS, MORE_METRICS
from augsynth.evaluate.sweeping.confusion import confusion_scores

Predict = Callable[[NDArray[np.uint8]], ArrayLike]
"""Function of uint8 images (n, C, H, W) that returns their classes, (n,)."""


class Task(ABC):
    """Training and scoring of one model: what a sweep repeats for each arm and seed.

    A subclass writes `score`. It must be picklable, and its result may depend on its arguments alone, because trials
    run in other processes and are stored. `describe` tells two tasks apart: a dataclass has its fields there.
    """

    metric: str = "accuracy"
    """Name of the score that decides. More is better."""

    @abstractmethod
    def score(self, training: Any, test: ImageData, *, seed: int) -> Mapping[str, float]:
        """Train a model and return its scores on other images, by name.

        Args:
            training: map-style dataset of `(float32 image (C, H, W), label)` with a method `set_epoch`.
            test: images to score on, which take no part in the training.
            seed: seed of all random choices.
        """

    def describe(self) -> dict[str, Any]:
        """Return what identifies the task, JSON-ready: its class, and its fields if it is a dataclass."""
        own: tuple[Field[Any], ...] = fields(self) if is_dataclass(self) else ()
        options = {option.name: _plain(getattr(self, option.name)) for option in own}
        return {"task": _plain(type(self))} | options


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a function or class by its name, which is the same in every process."""
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}:{value.__qualname__}"
    return value if isinstance(value, (bool, int, float, str, type(None))) else repr(value)


def with_fields(task: Task, changes: Mapping[str, Any]) -> Task:
    """Return a task with other fields; raise `ArgumentError` if it does not have them.

    Args:
        task: the task.
        changes: values of fields by name.
    """
    if not changes:
        return task
    missing = [name for name in changes if not (is_dataclass(task) and hasattr(task, name))]
    if missing:
        raise ArgumentError(f"the task {type(task).__name__} has no field {missing[0]!r}, which the recipe sets")
    return cast("Task", replace(cast("Any", task), **changes))


class ClassificationTask(Task):
    """Task of telling classes apart. A subclass writes `train`; the scores are those of `METRICS` and
    `MORE_METRICS`, the recall of each class, and the confusion matrix.

    >>> from augsynth.evaluate import ClassificationTask
    >>> class Majority(ClassificationTask):
    ...     def train(self, training, *, num_classes, seed):
    ...         labels = [int(label) for _, label in training]
    ...         return lambda images: [max(set(labels), key=labels.count)] * len(images)
    """

    @abstractmethod
    def train(self, training: Any, *, num_classes: int, seed: int) -> Predict:
        """Train a model, and return a function that predicts the classes of uint8 images (n, C, H, W).

        Args:
            training: map-style dataset of `(float32 image (C, H, W), label)` with a method `set_epoch`.
            num_classes: number of classes.
            seed: seed of all random choices.
        """

    def score(self, training: Any, test: ImageData, *, seed: int) -> dict[str, float]:
        predict = self.train(training, num_classes=test.num_classes, seed=seed)
        predicted = np.asarray(predict(np.moveaxis(test.images, -1, 1)))
        scores = {name: metric.score(predicted, test.labels) for name, metric in {**METRICS, **MORE_METRICS}.items()}
        for label in np.unique(test.labels).tolist():
            scores[f"recall {label}"] = float(np.mean(predicted[test.labels == label] == label))
        return {**scores, **confusion_scores(predicted, test.labels)}


@dataclass(frozen=True)
class SmallCNN(ClassificationTask):
    """Classification with the small convolutional network of `train_classifier`.

    Args:
        steps: number of updates, at least 1; default 600.
        width: channels of the first block; default 16.
        batch_size: images of an update; default 64.
        metric: name of the score that decides, such as "balanced_accuracy"; default "accuracy".
        logit_adjust: strength of the adjustment for rare classes, at least 0, as in `train_classifier`; default 0.
    """

    steps: int = 600
    width: int = 16
    batch_size: int = 64
    metric: str = "accuracy"
    logit_adjust: float = 0.0

    def train(self, training: Any, *, num_classes: int, seed: int) -> Predict:
        return train_classifier(
            training,
            num_classes=num_classes,
            steps=self.steps,
            width=self.width,
            batch_size=self.batch_size,
            seed=seed,
            threads=1,
            logit_adjust=self.logit_adjust,
            class_counts=_class_counts(training, num_classes) if self.logit_adjust else None,
        ).predict


@dataclass(frozen=True)
class ScikitLearn(ClassificationTask):
    """Classification with an estimator of scikit-learn, on pixels or on features.

    Args:
        estimator: function without arguments, importable, that returns a classifier with `fit` and `predict`, such as
            the class `sklearn.neighbors.KNeighborsClassifier`. A `random_state` gets the seed.
        epochs: epochs of the training set, one after another, that the estimator is fitted on; with augmentation, each
            has other versions of the images. At least 1; default 4.
        features: function of float32 images (n, C, H, W) in [0, 1] that returns (n, D); by default all pixels.
        metric: name of the score that decides; default "accuracy".
    """

    estimator: Callable[[], Any]
    epochs: int = 4
    features: Callable[[NDArray[np.float32]], ArrayLike] | None = None
    metric: str = "accuracy"

    def train(self, training: Any, *, num_classes: int, seed: int) -> Predict:
        images, labels = _epochs(training, self.epochs)
        estimator = self.estimator()
        if "random_state" in getattr(estimator, "get_params", dict)():
            estimator.set_params(random_state=seed % 2**32)
        estimator.fit(self._rows(images), labels)
        return lambda pixels: cast("ArrayLike", estimator.predict(self._rows((pixels / 255).astype(np.float32))))

    def _rows(self, images: NDArray[np.float32]) -> ArrayLike:
        return images.reshape(len(images), -1) if self.features is None else self.features(images)


def _class_counts(training: Any, num_classes: int) -> NDArray[np.int64]:
    return np.bincount(class_labels(training.real, "real", progress=False), minlength=num_classes)


def _epochs(training: Any, epochs: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    if epochs < 1:
        raise ArgumentError(f"epochs must be at least 1, got {epochs}")
    images: list[torch.Tensor] = []
    labels: list[int] = []
    for epoch in range(epochs):
        if hasattr(training, "set_epoch"):
            training.set_epoch(epoch)
        batch = training.__getitems__(list(range(len(training))))
        images += [image for image, _ in batch]
        labels += [int(label) for _, label in batch]
    return torch.stack(images).numpy(), np.array(labels)


def nearest_neighbour() -> Any:
    """Return scikit-learn's classifier by the nearest neighbour, for `ScikitLearn`: the quickest task there is."""
    try:
        from sklearn.neighbors import KNeighborsClassifier
    except ImportError as error:
        raise PluginError('this task needs scikit-learn: pip install "augsynth[eval]"') from error
    return KNeighborsClassifier(1)
