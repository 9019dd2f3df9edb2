"""The setting "share a generator, not data": somebody fits a generator on images that they then keep to themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from augsynth.classifier import train_classifier
from augsynth.data.loading.datasets import ImageData, draw_indices
from augsynth.errors import ArgumentError
from augsynth.evaluate.experiment import Settings, run_experiment
from augsynth.evaluate.metrics import accuracy
from augsynth.evaluate.provenance import generator_origin
from augsynth.evaluate.results import ExperimentResult
from augsynth.evaluate.sweeping.sources import Given, fit_key
from augsynth.evaluate.sweeping.splits import require_test_part
from augsynth.generators import create_generator
from augsynth.generators.fitting import fit_if_needed

OWN = "A generator fitted on the same few images"
SHARED = "A generator that a colleague fitted on other images"
EXPLANATION = (
    "A generator that has seen only the few training images can hardly tell a classifier more than augmentation of "
    "these images does. A generator that has seen other images of the same task carries what they look like, without "
    "the images themselves. A colleague can therefore share a generator where the data must stay."
)
_PER_CLASS = 5
_RATIOS = (0.5, 0.8)


@dataclass(frozen=True)
class Colleague:
    """Somebody with images of the same task, who shares a generator.

    Args:
        name: name of the generator; default "cvae".
        options: its options; default none.
        steps: steps of the fit; default 800.
    """

    name: str = "cvae"
    options: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 800

    def share(self, others: ImageData, folder: Path, *, seed: int = 0, progress: bool = True) -> Given:
        """Fit the generator on the colleague's images, unless the folder has it, and return what is shared.

        Args:
            others: the colleague's images.
            folder: folder for the generator.
            seed: seed of the fit.
            progress: show a progress bar. Default True.
        """
        path = folder / fit_key(self.name, self.options, self.steps, others, seed)
        if not (path / "config.json").exists():
            generator = create_generator(self.name, **self.options)
            fit_if_needed(generator, others, steps=self.steps, seed=seed, progress=progress)
            generator.save(path)
        title = f"{generator_origin(self.name)}, {self.steps} steps on {len(others)} images of a colleague"
        return Given(str(path), title=title)


def divide(data: ImageData, seed: int = 0) -> tuple[ImageData, ImageData]:
    """Return one half of each class, with the test part, and the other half, for a colleague.

    Args:
        data: images with a test part.
        seed: seed of the division.
    """
    require_test_part(data)
    counts = np.bincount(data.labels, minlength=data.num_classes)
    if counts.min() < 2:
        lonely = data.class_names[int(counts.argmin())]
        raise ArgumentError(f"{data.name}: class {lonely!r} has {counts.min()} image, which cannot be divided")
    theirs = draw_indices(data, {label: int(count) // 2 for label, count in enumerate(counts)}, seed)
    mine = np.setdiff1d(np.arange(len(data)), theirs)
    return replace(data.take(mine), test=data.test), data.take(theirs)


def rival_accuracy(others: ImageData, test: ImageData, *, steps: int, seed: int = 0) -> float:
    """Return the accuracy of a classifier that is trained on the colleague's images: what it would be to share these.

    Args:
        others: the colleague's images.
        test: images to test on.
        steps: training steps.
        seed: seed of the training.
    """
    classifier = train_classifier(
        np.moveaxis(others.images, -1, 1), others.labels, num_classes=others.num_classes, steps=steps, seed=seed
    )
    return accuracy(classifier.predict(np.moveaxis(test.images, -1, 1)), test.labels)


def run_shared(
    data: ImageData, colleague: Colleague, settings: Settings, workdir: Path, *, progress: bool = True
) -> list[ExperimentResult]:
    """Run the experiment with 5 images a class and a generator that was fitted on half of the images.

    Args:
        data: images with a test part; one half of each class is the colleague's.
        colleague: who shares a generator.
        settings: settings of the experiment; source, number of images and ratios are replaced.
        workdir: folder for the generator, pools and trials.
        progress: show progress bars. Default True.

    Returns:
        The result, or none if a class has too few images to divide.
    """
    counts = np.bincount(data.labels, minlength=data.num_classes)
    if counts.min() < 2 * _PER_CLASS:
        return []
    mine, others = divide(data, settings.seed)
    source = colleague.share(others, workdir / "shared", seed=settings.seed, progress=progress)
    chosen = replace(settings, source=source, per_class=_PER_CLASS, ratios=_RATIOS)
    result = run_experiment(mine, chosen, workdir, setting=SHARED, progress=progress)
    rival = rival_accuracy(others, require_test_part(data), steps=settings.train_steps, seed=settings.seed)
    finding = f"A classifier trained on the colleague's {len(others)} images themselves reaches {rival:.1%}."
    return [replace(result, findings=(finding,))]
