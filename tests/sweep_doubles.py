"""Doubles for tests of the sweep: a source of real images, and a task that notes what it sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augsynth.data.loading.datasets import ImageData
from augsynth.evaluate import ClassificationTask


@dataclass(frozen=True)
class Others:
    """A source of real images."""

    images: ImageData

    def pool(self, real, seed, folder):
        return self.images


@dataclass(frozen=True)
class Recorder(ClassificationTask):
    """A task that notes what it trains on and is scored on, and predicts the first class."""

    log: list

    def describe(self):
        return {"task": "recorder"}

    def score(self, training, test, *, seed):
        real = {training.real.images[i].tobytes() for i in range(len(training.real))}
        self.log.append((seed, real, {image.tobytes() for image in test.images}))
        return super().score(training, test, seed=seed)

    def train(self, training, *, num_classes, seed):
        return lambda images: np.zeros(len(images), np.int64)
