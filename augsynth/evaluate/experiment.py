"""The experiment: does a classifier with too little data become better with synthetic images?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augsynth.core.checks import check_integer
from augsynth.core.typing import Ints
from augsynth.data.loading.datasets import ImageData
from augsynth.errors import ArgumentError
from augsynth.evaluate import provenance
from augsynth.evaluate.metrics import METRICS
from augsynth.evaluate.pipelines import default_pipeline, plain_pipeline
from augsynth.evaluate.results import (
    BASELINE,
    REAL_ONLY,
    Arm,
    ArmScores,
    ExperimentResult,
    synthetic_arm,
)
from augsynth.evaluate.sweeping import arms as trial_arms
from augsynth.evaluate.sweeping.cautions import warnings_of
from augsynth.evaluate.sweeping.confusion import confusion_matrix
from augsynth.evaluate.sweeping.exhibits import exhibits
from augsynth.evaluate.sweeping.recipes import RECIPES
from augsynth.evaluate.sweeping.settings import check_ratios, processors
from augsynth.evaluate.sweeping.sources import OwnData, Source, title_of
from augsynth.evaluate.sweeping.splits import Repetition, require_test_part
from augsynth.evaluate.sweeping.tasks import SmallCNN
from augsynth.evaluate.sweeping.trials import Laboratory, Workers, fill_pools, run_trials
from augsynth.generators.registry import registered_generators
from augsynth.transforms import Compose

SMALLEST_SIDE = 8
LARGEST_SIDE = 64
_SOURCE = "the generator"


@dataclass(frozen=True)
class Settings:
    """Settings of an experiment; raises `ArgumentError` for values outside their range.

    Args:
        source: origin of the synthetic images; default `OwnData()`, a generator that is fitted on the few real images.
        per_class: number of real training images of each class, at least 1; default 20.
        ratios: shares of synthetic images to compare, each in (0, 1]; default 0.25 and 0.5.
        seeds: number of repetitions, at least 2, with other training images each; default 5.
        train_steps: steps of training each classifier, at least 1; default 600.
        pipeline: augmentation; default `default_pipeline`.
        seed: number that selects another set of repetitions; default 0.
        workers: number of processes, at least 1; default one a processor. The result does not depend on it.
    """

    source: Source = field(default_factory=OwnData)
    per_class: int = 20
    ratios: tuple[float, ...] = (0.25, 0.5)
    seeds: int = 5
    train_steps: int = 600
    pipeline: Compose | None = None
    seed: int = 0
    workers: int = field(default_factory=processors)

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise ArgumentError(f"seeds must be at least 2, for an interval needs a spread; got {self.seeds}")
        check_ratios(self.ratios)
        for name in ("per_class", "train_steps", "workers"):
            check_integer(name, getattr(self, name), 1)

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Arms that are compared: real only, with augmentation, and with each share of synthetic images."""
        return (REAL_ONLY, BASELINE, *(synthetic_arm(ratio) for ratio in sorted(self.ratios)))

    @property
    def trial_seeds(self) -> range:
        """Seeds of the repetitions."""
        return range(self.seed * self.seeds, (self.seed + 1) * self.seeds)


def run_experiment(
    data: ImageData, settings: Settings, workdir: str | Path, *, setting: str = "", progress: bool = True
) -> ExperimentResult:
    """Train one classifier on real only, real + augmentation, and real + augmentation + synthetic at each ratio.

    Every seed draws its own small training set from the data, and gets its pool from the source. Then all arms train
    for the same number of steps, and are scored on the whole test part. Nothing else uses the test part. Trials run in
    parallel processes. Raises `ArgumentError` for data without a test part or with image sizes that the classifier does
    not support, and `DataError` if there is only one class, or if a class has too few images.

    Args:
        data: images with a test part.
        settings: settings of the experiment.
        workdir: folder for pools and trials. A later run takes up those that it has in common.
        setting: the setting in a few words, for a report with several results; default "".
        progress: show progress bars. Default True.
    """
    test = _check_data(data)
    pipeline = settings.pipeline or default_pipeline(data.image_shape[0])
    laboratory = Laboratory(
        data,
        SmallCNN(steps=settings.train_steps),
        {REAL_ONLY.name: plain_pipeline(), BASELINE.name: pipeline},
        {_SOURCE: settings.source},
        dict(RECIPES),
        registered_generators(),
        settings.per_class,
        Path(workdir).absolute(),
    )
    repetitions, clock = [Repetition(seed) for seed in settings.trial_seeds], dict[str, float]()
    workers = Workers(settings.workers, None, progress)
    with _timed(clock, "time to fit and sample"):
        fill_pools(laboratory, [_SOURCE], repetitions, workers)
    with _timed(clock, "time to train and test"):
        arms = _score_arms(laboratory, settings.arms, repetitions, workers)
    with _timed(clock, "time of the gates and pictures"):
        shown = exhibits(laboratory, _SOURCE, BASELINE.name, repetitions[0])
    return ExperimentResult(
        data_name=data.name,
        arms=arms,
        class_names=data.class_names,
        settings=_describe(data, test, settings, pipeline),
        provenance={**provenance.environment(), "data digest": provenance.data_digest(data)},
        seconds=clock,
        notes=data.notes,
        setting=setting,
        warnings=(*warnings_of(data, arms[1].accuracy), *shown.warnings),
        gates=shown.gates,
        pictures=shown.pictures,
    )


def _check_data(data: ImageData) -> ImageData:
    test = require_test_part(data)
    _, height, width = data.image_shape
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (height, width)):
        raise ArgumentError(
            f"images are {width}x{height} pixels, the experiment takes {SMALLEST_SIDE} to {LARGEST_SIDE} a side; "
            "choose image_size=32, or --image-size 32 on the command line"
        )
    return test


def _score_arms(
    laboratory: Laboratory, arms: tuple[Arm, ...], repetitions: Sequence[Repetition], workers: Workers
) -> tuple[ArmScores, ...]:
    tried = [_as_trial_arm(arm) for arm in arms]
    found = run_trials(laboratory, tried, repetitions, "test", "training classifiers", workers)
    return tuple(
        ArmScores(
            arm,
            {name: tuple(scores[name] for scores in found[trial]) for name in METRICS},
            _as_tuples(confusion_matrix(found[trial], laboratory.data.num_classes)),
        )
        for arm, trial in zip(arms, tried, strict=True)
    )


def _as_tuples(counts: Ints | None) -> tuple[tuple[int, ...], ...] | None:
    return None if counts is None else tuple(tuple(row) for row in counts.tolist())


def _as_trial_arm(arm: Arm) -> trial_arms.Arm:
    policy = BASELINE.name if arm.augmented else REAL_ONLY.name
    return trial_arms.Arm(policy, "pool", arm.ratio, _SOURCE) if arm.ratio else trial_arms.Arm(policy)


def _describe(data: ImageData, test: ImageData, settings: Settings, pipeline: Compose) -> dict[str, Any]:
    channels, height, width = data.image_shape
    return {
        "data": f"{data.name}, {width}x{height} pixels, {channels} channel{'s' if channels > 1 else ''}",
        "classes": data.num_classes,
        "images per class": settings.per_class,
        "drawn from": f"{len(data)} images",
        "test images": len(test),
        "seeds": f"{settings.seeds}: each with its own training images and synthetic images",
        "synthetic images from": title_of(settings.source),
        "classifier steps": settings.train_steps,
        "augmentation": ", ".join(type(transform).__name__ for transform in pipeline.transforms),
    }


@contextmanager
def _timed(clock: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    clock[name] = time.perf_counter() - started
