"""Tasks: how a model is trained on a data set, and how it is scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from augsynth.classifier import Classifier, train_classifier
from augsynth.data.loading.datasets import ImageData
from augsynth.data.mixing.rule.labels import class_labels
from augsynth.errors import ArgumentError, PluginError
from augsynth.evaluate.metrics import METRICS, MORE_METRICS
from augsynth.evaluate.sweeping.confusion import confusion_scores

Predict = Callable[[NDArray[np.uint8]], ArrayLike]
"""Function of uint8 images (n, C, H, W) that returns their classes, (n,), or probabilities of all classes, (n, K)."""


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
    if isinstance(value, Classifier):
        return value.digest()
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

        The function returns classes (n,), or probabilities (n, num_classes), which pseudo-labels and auxiliary classes
        make use of.

        Args:
            training: map-style dataset of `(float32 image (C, H, W), label)` with a method `set_epoch`. Items of the
                recipe "weighted" also have the weight of their loss.
            num_classes: number of classes.
            seed: seed of all random choices.
        """

    def score(self, training: Any, test: ImageData, *, seed: int) -> dict[str, float]:
        space = getattr(training, "label_space", None)
        joint = test.num_classes if space is None else max(test.num_classes, space.num_classes)
        predict = self.train(training, num_classes=joint, seed=seed)
        predicted = best_classes(predict(np.moveaxis(test.images, -1, 1)), test.num_classes)
        scores = {name: metric.score(predicted, test.labels) for name, metric in {**METRICS, **MORE_METRICS}.items()}
        for label in np.unique(test.labels).tolist():
            scores[f"recall {label}"] = float(np.mean(predicted[test.labels == label] == label))
        return {**scores, **confusion_scores(predicted, test.labels)}


def best_classes(predicted: ArrayLike, num_classes: int) -> NDArray[Any]:
    """Return predicted classes (n,). Of probabilities, the best of the first classes counts: auxiliary ones come later.

    Args:
        predicted: classes (n,) or probabilities (n, K).
        num_classes: number of classes to choose from, at most K.

    >>> best_classes([[0.1, 0.3, 0.6], [0.5, 0.1, 0.4]], num_classes=2).tolist()
    [1, 0]
    """
    found = np.asarray(predicted)
    return found[:, :num_classes].argmax(1) if found.ndim == 2 else found


@dataclass(frozen=True)
class SmallCNN(ClassificationTask):
    """Classification with the small convolutional network of `train_classifier`.

    Args:
        steps: number of updates, at least 1; default 600.
        width: channels of the first block; default 16.
        batch_size: images of an update; default 64.
        metric: name of the score that decides, such as "balanced_accuracy"; default "accuracy".
        logit_adjust: strength of the adjustment for rare classes, at least 0, as in `train_classifier`; default 0.
        learning_rate: largest rate of the schedule; default 0.003.
        start: classifier whose weights the training begins with, as in `train_classifier`; with `steps=0`, it is used
            as it is. Default None.
    """

    steps: int = 600
    width: int = 16
    batch_size: int = 64
    metric: str = "accuracy"
    logit_adjust: float = 0.0
    learning_rate: float = 3e-3
    start: Classifier | None = None

    def train(self, training: Any, *, num_classes: int, seed: int) -> Predict:
        if self.start is not None and self.steps == 0:
            return self.start.probabilities
        return train_classifier(
            training,
            num_classes=num_classes,
            steps=self.steps,
            width=self.width if self.start is None else self.start.width,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            seed=seed,
            threads=1,
            logit_adjust=self.logit_adjust,
            class_counts=_class_counts(training, num_classes) if self.logit_adjust else None,
            start=self.start,
        ).probabilities

    def epochs_for(self, items: int) -> int:
        """Return the number of epochs over a training set, for schedules.

        Args:
            items: number of items of an epoch.
        """
        return -(-self.steps // max(1, items // self.batch_size))


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
        images, labels, weights = _epochs(training, self.epochs)
        estimator = self.estimator()
        if "random_state" in getattr(estimator, "get_params", dict)():
            estimator.set_params(random_state=seed % 2**32)
        estimator.fit(self._rows(images), labels, **({} if weights is None else {"sample_weight": weights}))
        return lambda pixels: _outputs(estimator, self._rows((pixels / 255).astype(np.float32)), num_classes)

    def epochs_for(self, items: int) -> int:
        """Return the number of epochs over a training set, for schedules.

        Args:
            items: number of items of an epoch.
        """
        return self.epochs

    def _rows(self, images: NDArray[np.float32]) -> ArrayLike:
        return images.reshape(len(images), -1) if self.features is None else self.features(images)


def _class_counts(training: Any, num_classes: int) -> NDArray[np.int64]:
    return np.bincount(class_labels(training.real, "real", progress=False), minlength=num_classes)


def _epochs(training: Any, epochs: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32] | None]:
    """Return the images, the labels and, if the items have them, the weights of several epochs."""
    if epochs < 1:
        raise ArgumentError(f"epochs must be at least 1, got {epochs}")
    items: list[tuple[Any, ...]] = []
    for epoch in range(epochs):
        if hasattr(training, "set_epoch"):
            training.set_epoch(epoch)
        items += training.__getitems__(list(range(len(training))))
    images, labels, *rest = zip(*items, strict=True)
    weights = np.array(rest[0], np.float32) if rest else None
    return torch.stack(images).numpy(), np.array([int(label) for label in labels]), weights


def _outputs(estimator: Any, rows: ArrayLike, num_classes: int) -> ArrayLike:
    """Return probabilities (n, K) if the estimator gives them, and classes otherwise."""
    if not hasattr(estimator, "predict_proba"):
        return cast("ArrayLike", estimator.predict(rows))
    probabilities = np.zeros((len(np.asarray(rows)), num_classes))
    probabilities[:, estimator.classes_] = estimator.predict_proba(rows)
    return probabilities


def nearest_neighbour() -> Any:
    """Return scikit-learn's classifier by the nearest neighbour, for `ScikitLearn`: the quickest task there is."""
    try:
        from sklearn.neighbors import KNeighborsClassifier
    except ImportError as error:
        raise PluginError('this task needs scikit-learn: pip install "augsynth[eval]"') from error
    return KNeighborsClassifier(1)
