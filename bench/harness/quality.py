"""Measurement of one generator: fit, draw, and score against real test images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

from torch.utils.data import TensorDataset

from augsynth.copies import CopyTest
from augsynth.evaluate import Classifier, accuracy, feature_scores, gan_test
from augsynth.generators import Generator, Samples, create_generator
from harness.image_sets import Split
from harness.judges import JUDGES, Judge
from harness.recipes import Recipe
from harness.sample_grids import write_grid

GRIDS = Path(__file__).parents[2] / "docs" / "images" / "generators"
COMPARED = 1000
COPIES = 2000


@dataclass(frozen=True)
class Row:
    """Measurements of one fit: shares in [0, 1], times in seconds of the processor. None means not defined."""

    generator: str
    seed: int
    parameters: int
    steps: int
    batch_size: int
    options: dict[str, Any]
    fit_seconds: float
    sample_seconds: float
    cas: float | None
    gan_test: float | None
    scores: dict[str, float]
    copies: float
    copies_p: float
    bits_per_dim: float | None


@dataclass(frozen=True, eq=False)
class Court:
    """Everything that generated images are judged by.

    Args:
        split: the real images.
        train: function that trains a classifier.
        judge: classifier that was trained on the real training images.
        real: its accuracy on the real test images.
        floor: scores of real test images against other real test images.
    """

    split: Split
    train: Judge
    judge: Classifier
    real: float
    floor: dict[str, float]

    @classmethod
    def of(cls, split: Split) -> Court:
        """Train the judge."""
        train = JUDGES[split.name]
        judge = train(split.train, split.train_labels, 0)
        features = judge.features(split.test[: 2 * COMPARED])
        real = accuracy(judge.predict(split.test), split.test_labels)
        return cls(split, train, judge, real, feature_scores(features[:COMPARED], features[COMPARED:]))

    def cas(self, samples: Samples, seed: int) -> float:
        """Return the accuracy on real test images of a classifier trained on samples alone."""
        assert samples.labels is not None
        classifier = self.train(samples.images, samples.labels, seed)
        return accuracy(classifier.predict(self.split.test), self.split.test_labels)

    def scores(self, samples: Samples) -> dict[str, float]:
        """Return the scores of samples against real test images."""
        real = self.judge.features(self.split.test[:COMPARED])
        return feature_scores(real, self.judge.features(samples.images[:COMPARED]))


def measure(name: str, recipe: Recipe, seed: int, court: Court) -> Row:
    """Fit one generator, draw images, and score them."""
    split, generator = court.split, create_generator(name, **recipe.options)
    dataset = TensorDataset(split.train, split.train_labels)
    started = process_time()
    generator.fit(dataset, steps=recipe.steps, batch_size=recipe.batch_size, device="cpu", seed=seed)
    fitted = process_time()
    samples = generator.sample(split.samples, seed=seed, progress=True)
    drawn = process_time()
    if seed == 0:
        write_grid(samples.images, GRIDS / f"{name}-{split.name}.png")
    copied = CopyTest(split.train[:COPIES], split.test[:COPIES])(samples.images[:COPIES])
    return Row(
        generator=name,
        seed=seed,
        parameters=sum(weights.numel() for weights in generator.state().values()),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        options=recipe.options,
        fit_seconds=round(fitted - started, 1),
        sample_seconds=round((drawn - fitted) * 1000 / split.samples, 2),
        cas=None if samples.labels is None else court.cas(samples, seed),
        gan_test=None if samples.labels is None else gan_test(samples, court.judge),
        scores=court.scores(samples),
        copies=copied.share,
        copies_p=copied.p_value,
        bits_per_dim=_bits(generator, split),
    )


def _bits(generator: Generator, split: Split) -> float | None:
    if "likelihood" not in generator.capabilities:
        return None
    labels = split.test_labels[:500] if generator.num_classes else None
    return float(generator.bits_per_dim(split.test[:500], labels=labels).mean())
