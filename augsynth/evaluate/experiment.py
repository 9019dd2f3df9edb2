"""The experiment: does a classifier with too little data become better with synthetic images?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsynth.classifier import train_classifier
from augsynth.data import SyntheticMixDataset, SyntheticPool
from augsynth.data.loading.datasets import ImageData
from augsynth.errors import ArgumentError, DataError
from augsynth.evaluate import provenance
from augsynth.evaluate.figures import displayable
from augsynth.evaluate.metrics import METRICS
from augsynth.evaluate.pipelines import default_pipeline, plain_pipeline
from augsynth.evaluate.results import (
    BASELINE,
    REAL_ONLY,
    Arm,
    ArmScores,
    Examples,
    ExperimentResult,
    synthetic_arm,
)
from augsynth.generators import create_generator
from augsynth.generators.fitting import fit_if_needed
from augsynth.progress import progress_bar
from augsynth.transforms import Compose

SMALLEST_SIDE = 8
LARGEST_SIDE = 64
_SHOWN_ROWS = 4
_SHOWN_CLASSES = 10


@dataclass(frozen=True)
class Settings:
    """Settings of an experiment; raises `ArgumentError` for values outside their range.

    Args:
        generator: name of a generator; default "cvae".
        generator_options: options of the generator; default none.
        per_class: number of real training images of each class, at least 1; default 20.
        ratios: shares of synthetic images to compare, each in (0, 1]; default 0.25 and 0.5.
        seeds: number of repetitions, at least 2, with other training images each; default 5.
        fit_steps: steps of fitting the generator, at least 1; default 400.
        train_steps: steps of training each classifier, at least 1; default 600.
        synthetic_per_class: number of images of each class in a pool, at least 1; default 100.
        pipeline: augmentation; default `default_pipeline`.
        seed: number that selects another set of repetitions; default 0.
    """

    generator: str = "cvae"
    generator_options: Mapping[str, Any] = field(default_factory=dict)
    per_class: int = 20
    ratios: tuple[float, ...] = (0.25, 0.5)
    seeds: int = 5
    fit_steps: int = 400
    train_steps: int = 600
    synthetic_per_class: int = 100
    pipeline: Compose | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise ArgumentError(f"seeds must be at least 2, for an interval needs a spread; got {self.seeds}")
        if not self.ratios or any(not 0 < ratio <= 1 for ratio in self.ratios):
            raise ArgumentError(f"ratios must lie above 0 and up to 1, got {list(self.ratios)}")
        if len(set(self.ratios)) < len(self.ratios):
            raise ArgumentError(f"ratios must differ from each other, got {list(self.ratios)}")
        for name in ("per_class", "fit_steps", "train_steps", "synthetic_per_class"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Arms that are compared: real only, with augmentation, and with each share of synthetic images."""
        return (REAL_ONLY, BASELINE, *(synthetic_arm(ratio) for ratio in sorted(self.ratios)))

    @property
    def trial_seeds(self) -> range:
        """Seeds of the repetitions."""
        return range(self.seed * self.seeds, (self.seed + 1) * self.seeds)


@dataclass(frozen=True)
class _Trial:
    """Training data of one seed: its real images, and a pool of a generator that was fitted on these images only."""

    seed: int
    real: ImageData
    pool: SyntheticPool


def run_experiment(
    data: ImageData, settings: Settings, workdir: str | Path, *, progress: bool = True
) -> ExperimentResult:
    """Train one classifier on real only, real + augmentation, and real + augmentation + synthetic at each ratio.

    Every seed draws its own small training set from the data, fits the generator on this set, and fills a pool. Then
    all arms train for the same number of steps, and are scored on the whole test part. Nothing else uses the test part.
    Raises `ArgumentError` for data without a test part or with image sizes that the classifier does not support, and
    `DataError` if there is only one class, or if a class has too few images.

    Args:
        data: images with a test part.
        settings: settings of the experiment.
        workdir: folder for the pools. A later run with the same settings uses them again.
        progress: show progress bars. Default True.
    """
    test = _check_data(data)
    pipeline = settings.pipeline or default_pipeline(data.image_shape[0])
    folder, clock = Path(workdir).absolute(), dict[str, float]()
    with _timed(clock, "time to fit and sample"):
        trials = [_prepare(data, settings, seed, folder, progress) for seed in settings.trial_seeds]
    with _timed(clock, "time to train and test"):
        arms = _score_arms(trials, settings.arms, test, pipeline, settings.train_steps, progress)
    return ExperimentResult(
        data_name=data.name,
        arms=arms,
        examples=_examples(trials[0], pipeline),
        settings=_describe(data, test, settings, pipeline),
        provenance={**provenance.environment(), "data digest": provenance.data_digest(data)},
        seconds=clock,
        notes=data.notes,
    )


def _check_data(data: ImageData) -> ImageData:
    if data.test is None:
        raise ArgumentError("data has no test part: load it with test_fraction=0.25, or from train/ and test/ folders")
    if data.num_classes < 2:
        raise DataError(
            f"{data.name}: there is only one class ({data.class_names[0]!r}); a classifier needs two or more"
        )
    _, height, width = data.image_shape
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (height, width)):
        raise ArgumentError(
            f"images are {width}x{height} pixels, the experiment takes {SMALLEST_SIDE} to {LARGEST_SIDE} a side; "
            "choose image_size=32, or --image-size 32 on the command line"
        )
    return data.test


def _prepare(data: ImageData, settings: Settings, seed: int, workdir: Path, progress: bool) -> _Trial:
    real = data.draw_per_class(settings.per_class, seed)
    generator = create_generator(settings.generator, **settings.generator_options)
    if "conditional" not in generator.capabilities:
        raise ArgumentError(f"generator {settings.generator!r} draws no labels; the experiment needs a conditional one")
    fit_if_needed(generator, real, steps=settings.fit_steps, seed=seed, progress=progress)
    count = settings.synthetic_per_class * data.num_classes
    # The name depends on the content: the same settings find their pool again, and other settings do not.
    path = workdir / "pools" / f"{generator.digest()[:12]}-{count}"
    return _Trial(seed, real, SyntheticPool.create(path, generator, count, seed=seed, progress=progress))


def _score_arms(
    trials: list[_Trial], arms: tuple[Arm, ...], test: ImageData, pipeline: Compose, steps: int, progress: bool
) -> tuple[ArmScores, ...]:
    test_images = np.moveaxis(test.images, -1, 1)
    scores = {arm: {name: list[float]() for name in METRICS} for arm in arms}
    with progress_bar("training classifiers", len(trials) * len(arms), enabled=progress) as advance:
        for trial in trials:
            for arm in arms:
                mixed = _training_set(trial, arm, pipeline)
                classifier = train_classifier(mixed, num_classes=test.num_classes, steps=steps, seed=trial.seed)
                predicted = classifier.predict(test_images)
                for name, metric in METRICS.items():
                    scores[arm][name].append(metric.score(predicted, test.labels))
                advance()
    return tuple(ArmScores(arm, {name: tuple(values) for name, values in scores[arm].items()}) for arm in arms)


def _training_set(trial: _Trial, arm: Arm, pipeline: Compose) -> SyntheticMixDataset:
    transform = pipeline if arm.augmented else plain_pipeline()
    return SyntheticMixDataset(
        trial.real, trial.pool, ratio=arm.ratio, mode="replace", transform=transform, seed=trial.seed
    )


def _examples(trial: _Trial, pipeline: Compose) -> Examples:
    """Return the first images of each class, row by row, of at most ten classes."""
    names = trial.real.class_names[:_SHOWN_CLASSES]
    chosen = _rows_of_classes(trial.real.labels, len(names))
    real = trial.real.images[chosen]
    augmented, _ = displayable(pipeline.batch(real, keys=[(trial.seed, 0, int(i)) for i in chosen]))
    assert trial.pool.labels is not None
    synthetic = trial.pool.take(_rows_of_classes(trial.pool.labels, len(names))).images.numpy()
    return Examples(real, augmented, np.moveaxis(synthetic, 1, -1), names)


def _rows_of_classes(labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    members = [np.flatnonzero(labels == c) for c in range(classes)]
    rows = min(_SHOWN_ROWS, *(len(found) for found in members))
    return np.array([found[row] for row in range(rows) for found in members])


def _describe(data: ImageData, test: ImageData, settings: Settings, pipeline: Compose) -> dict[str, Any]:
    channels, height, width = data.image_shape
    return {
        "data": f"{data.name}, {width}x{height} pixels, {channels} channel{'s' if channels > 1 else ''}",
        "classes": data.num_classes,
        "images per class": settings.per_class,
        "drawn from": f"{len(data)} images",
        "test images": len(test),
        "seeds": f"{settings.seeds}: each with its own training images and generator",
        "generator": provenance.generator_origin(settings.generator),
        "generator steps": settings.fit_steps,
        "generator options": ", ".join(f"{k}={v}" for k, v in settings.generator_options.items()) or "defaults",
        "synthetic images per class": settings.synthetic_per_class,
        "classifier steps": settings.train_steps,
        "augmentation": ", ".join(type(transform).__name__ for transform in pipeline.transforms),
    }


@contextmanager
def _timed(clock: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    clock[name] = time.perf_counter() - started
