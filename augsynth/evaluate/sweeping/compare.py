"""`compare`: the proof for one generator in three lines, at several numbers of real images."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augsynth.classifier import Classifier
from augsynth.core.checks import check_integer
from augsynth.data.loading.datasets import ImageData
from augsynth.errors import ArgumentError
from augsynth.evaluate.sweeping.result import SweepResult
from augsynth.evaluate.sweeping.settings import SweepSettings
from augsynth.evaluate.sweeping.sources import Given
from augsynth.evaluate.sweeping.sweep import sweep
from augsynth.evaluate.sweeping.tasks import Task
from augsynth.generators import Generator


@dataclass(frozen=True)
class Comparison:
    """Results of `compare`.

    Args:
        results: the result of a sweep for each number of real images a class.
    """

    results: Mapping[int, SweepResult]

    @property
    def verdict(self) -> str:
        """The answers, one line for each number of real images a class."""
        lines = (f"{count} a class: {result.verdict.sentence}" for count, result in self.results.items())
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the results, JSON-ready."""
        return {str(count): result.to_dict() for count, result in self.results.items()}


def compare(
    real: ImageData,
    test: ImageData | None = None,
    *,
    generator: Generator | str | Path,
    per_class: Sequence[int] = (5, 10, 20),
    ratios: Sequence[float] = (0.5, 0.8),
    seeds: int = 8,
    task: Task | None = None,
    settings: SweepSettings | None = None,
    classifier: Classifier | str | Path | None = None,
    workdir: str | Path | None = None,
    progress: bool = True,
) -> Comparison:
    """Find out whether the samples of a fitted generator help a classifier that has few real images.

    The control is the best augmentation policy. The winner of a few ratios is confirmed on `test` with new seeds.

    Args:
        real: images to draw the few training images from; the rest are used to choose by.
        test: images for the verdict; None for the test part of `real`.
        generator: a fitted generator, or its folder. It must have been fitted on other images.
        per_class: numbers of real training images of each class.
        ratios: shares of synthetic images to try, each in (0, 1].
        seeds: repetitions that confirm a winner, at least 2; default 8.
        task: training and scoring of a model; default `SmallCNN()`.
        settings: further settings; its `per_class`, `ratios` and `confirm_seeds` are replaced.
        classifier: classifier that could be shared as well as the generator, as for `sweep`. Default None.
        workdir: folder for pools and results; by default a temporary one.
        progress: show progress bars. Default True.
    """
    counts = [check_integer("per_class", count, 1) for count in per_class]
    if not counts or len(set(counts)) < len(counts):
        raise ArgumentError(f"per_class must be different numbers, at least one; got {list(per_class)}")
    data = real if test is None else replace(real, test=test)
    settings = replace(settings or SweepSettings(), ratios=tuple(ratios), confirm_seeds=seeds)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "generator") if isinstance(generator, Generator) else Path(generator)
        if isinstance(generator, Generator):
            generator.save(path)
        source, folder = Given(str(path)), workdir or Path(temporary, "work")
        results = {
            count: sweep(
                data,
                {"the generator": source},
                task=task,
                settings=replace(settings, per_class=count),
                classifier=classifier,
                workdir=folder,
                progress=progress,
            )
            for count in counts
        }
    return Comparison(results)
