"""The sweep: finds the best cheap control, tries synthetic arms against it, and confirms the winner.

1. Controls (augmentation policies, cheap recipes) are compared on images set aside to choose by: successive halving.
2. Synthetic arms with the policy of the best control are compared with it, on the same seeds and images.
3. The winner and the control are trained again with new seeds, and scored on the test part, which nothing has used
   before. The verdict comes from this comparison alone, so the number of arms that were tried needs no correction.
   If several arms are confirmed, their intervals are corrected for their number.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from augsynth.classifier import Classifier
from augsynth.data.loading.datasets import ImageData
from augsynth.errors import ArgumentError
from augsynth.evaluate import provenance
from augsynth.evaluate.sweeping.arms import Arm, controls, scratch_policy, synthetic_arms
from augsynth.evaluate.sweeping.budget import fit_to_budget
from augsynth.evaluate.sweeping.cautions import warnings_of
from augsynth.evaluate.sweeping.exhibits import exhibits
from augsynth.evaluate.sweeping.halving import halve
from augsynth.evaluate.sweeping.label_safety import check_policies
from augsynth.evaluate.sweeping.offered import as_rival, as_unlabelled, knows_classes
from augsynth.evaluate.sweeping.policies import pipelines_of
from augsynth.evaluate.sweeping.recipes import RECIPES, Need
from augsynth.evaluate.sweeping.result import SweepResult
from augsynth.evaluate.sweeping.settings import UNEVEN, SweepSettings
from augsynth.evaluate.sweeping.sources import Source, kind_of, title_of
from augsynth.evaluate.sweeping.splits import Repetition, require_test_part
from augsynth.evaluate.sweeping.tasks import SmallCNN, Task
from augsynth.evaluate.sweeping.trials import Laboratory, Scores, Workers, fill_pools, run_trials
from augsynth.evaluate.sweeping.verdict import Verdict, verdict_of
from augsynth.generators.registry import registered_generators


def sweep(
    data: ImageData,
    sources: Mapping[str, Source],
    *,
    task: Task | None = None,
    settings: SweepSettings | None = None,
    classifier: Classifier | str | Path | None = None,
    unlabelled: ImageData | NDArray[np.uint8] | None = None,
    workdir: str | Path | None = None,
    progress: bool = True,
) -> SweepResult:
    """Find out whether synthetic images help, at which ratio, and by how much, over the best cheap alternative.

    Every trial is stored in `workdir` by what it depends on, so a sweep that was killed continues where it ended.

    Args:
        data: images with a test part, such as `load_dataset("photos/", image_size=32, test_fraction=0.25)`.
        sources: synthetic sources by name: `OwnData`, `Given`, `GivenPool`, or objects with a method `pool` of the
            same form. None of them may have seen images of `data` other than the training images that it is given.
        task: training and scoring of a model; default `SmallCNN()`.
        settings: settings; default `SweepSettings()`.
        classifier: classifier that somebody could share as well as a generator, or its folder (`Classifier.save`). The
            control is then the best of all cheap arms with this classifier as it is, and fine-tuned on the real images.
            Default None.
        unlabelled: further real images without labels, uint8 (n, H, W, C); labels of image data are not looked at. The
            control may then use them with pseudo-labels. Default None.
        workdir: folder for pools and results; by default a temporary one.
        progress: show progress bars. Default True.
    """
    task, settings = task or SmallCNN(), settings or SweepSettings()
    require_test_part(data)
    if not sources:
        raise ArgumentError('sources is empty; give at least one, as in {"cvae": OwnData("cvae")}')
    with ExitStack() as stack:
        laboratory = Laboratory(
            data=data,
            task=task,
            pipelines=pipelines_of(settings.policies, data.image_shape[0]),
            sources=dict(sources),
            recipes=dict(RECIPES),
            generators=registered_generators(),
            per_class=settings.per_class,
            folder=Path(workdir or stack.enter_context(tempfile.TemporaryDirectory())).absolute(),
            classifier=None if classifier is None else as_rival(classifier, data),
            unlabelled=None if unlabelled is None else as_unlabelled(unlabelled, data),
            folds=settings.folds or 1,
        )
        return _Sweep(laboratory, settings, progress).run()


class _Sweep:
    """One sweep, phase by phase.

    Args:
        laboratory: what trials share.
        settings: the settings.
        progress: show progress bars.
    """

    def __init__(self, laboratory: Laboratory, settings: SweepSettings, progress: bool) -> None:
        self.laboratory, self.metric = laboratory, laboratory.task.metric
        self.workers = Workers(settings.workers, settings.backend, progress)
        self.seconds: dict[str, float] = {}
        settings = _with_recipes(laboratory, settings)
        self.settings = settings if settings.budget is None else self._within_budget(settings)

    def run(self) -> SweepResult:
        """Run all phases."""
        controls = self._controls()
        control = next(iter(controls))
        arms = self._synthetic(scratch_policy(list(controls)))
        winners = list(arms)[: self.settings.confirm_arms]
        confirmed = self._confirm(winners, control)
        verdict = max((self._verdict(arm, control, confirmed, len(winners)) for arm in winners), key=_lower_end)
        with self._timed("label safety"):
            safety = check_policies(self.laboratory, self.settings.choosing[0])
        with self._timed("gates and pictures"):
            shown = exhibits(self.laboratory, str(verdict.arm.source), verdict.arm.policy, self._repetitions()[0])
        data, sources = self.laboratory.data, self.laboratory.sources
        return SweepResult(
            data_name=data.name,
            class_names=data.class_names,
            verdict=verdict,
            controls=controls,
            synthetic=arms,
            control_choosing=controls[control],
            confirmed=confirmed,
            warnings=(*warnings_of(data, self._values(confirmed[control]), safety), *shown.warnings),
            settings={
                **self.laboratory.task.describe(),
                **self.settings.to_dict(),
                "sources": {name: title_of(source) for name, source in sources.items()},
            },
            provenance={**provenance.environment(), "data digest": provenance.data_digest(data)},
            seconds=self.seconds,
            label_safety=safety,
            notes=data.notes,
            gates=shown.gates,
            pictures=shown.pictures,
        )

    def _controls(self) -> dict[Arm, list[Scores]]:
        arms = controls(list(self.laboratory.pipelines), self.settings.cheap or ())
        run = partial(self._run, title="controls")
        with self._timed("controls"):
            return halve(arms, self.settings.choosing, run, self.metric)

    def _synthetic(self, policy: str) -> dict[Arm, list[Scores]]:
        kinds = {name: kind_of(source) for name, source in self.laboratory.sources.items()}
        seeds = self.settings.choosing
        arms = synthetic_arms(policy, self.settings.recipes or (), self.settings.ratios, kinds)
        with self._timed("fitting and sampling"):
            fill_pools(self.laboratory, list(kinds), _whole(seeds), self.workers)
        with self._timed("synthetic arms"):
            found = self._run(arms, seeds, title="synthetic arms")
        return dict(sorted(found.items(), key=lambda pair: -fmean(self._values(pair[1]))))

    def _confirm(self, winners: Sequence[Arm], control: Arm) -> dict[Arm, list[Scores]]:
        repetitions = self._repetitions()
        sources = list(dict.fromkeys(str(arm.source) for arm in winners))
        with self._timed("fitting and sampling"):
            fill_pools(self.laboratory, sources, repetitions, self.workers)
        with self._timed("confirming"):
            return run_trials(self.laboratory, [*winners, control], repetitions, "test", "confirming", self.workers)

    def _repetitions(self) -> list[Repetition]:
        """Return the repetitions that confirm."""
        folds: Sequence[int | None] = [None] if self.settings.folds is None else range(self.settings.folds)
        return [Repetition(seed, fold) for seed in self.settings.confirming for fold in folds]

    def _verdict(self, winner: Arm, control: Arm, confirmed: Mapping[Arm, Sequence[Scores]], arms: int) -> Verdict:
        return verdict_of(
            winner,
            control,
            self._values(confirmed[winner]),
            self._values(confirmed[control]),
            confidence=self.settings.confidence,
            metric=self.metric,
            overlap=0.0 if self.settings.folds is None else _overlap(self.laboratory.data, self.settings.folds),
            arms=arms,
        )

    def _run(self, arms: Sequence[Arm], seeds: Sequence[int], *, title: str) -> dict[Arm, list[Scores]]:
        return run_trials(self.laboratory, arms, _whole(seeds), "selection", title, self.workers)

    def _values(self, scores: Sequence[Scores]) -> list[float]:
        return [one[self.metric] for one in scores]

    def _within_budget(self, settings: SweepSettings) -> SweepSettings:
        """Time one pool and one trial, and leave out what does not fit. The results of both are used again."""
        source, seed = next(iter(self.laboratory.sources)), settings.choosing[0]
        started = time.perf_counter()
        fill_pools(self.laboratory, [source], _whole([seed]), self.workers)
        filled = time.perf_counter()
        self._run([Arm(next(iter(self.laboratory.pipelines)))], [seed], title="timing")
        trial = time.perf_counter() - filled
        return fit_to_budget(settings, len(self.laboratory.sources), trial, filled - started)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


def _whole(seeds: Sequence[int]) -> list[Repetition]:
    return [Repetition(seed) for seed in seeds]


def _lower_end(verdict: Verdict) -> float:
    return verdict.difference.low


def _overlap(data: ImageData, folds: int) -> float:
    """Return the images of a fold divided by those that the training images of its repetition are drawn from."""
    fold = len(require_test_part(data)) / folds
    return fold / (len(data) + (folds - 1) * fold)


def _with_recipes(laboratory: Laboratory, settings: SweepSettings) -> SweepSettings:
    """Return the settings with the recipes that suit the data, the task, the sources, and what is offered."""
    data, classifier = laboratory.data, laboratory.classifier
    counts = np.bincount(laboratory.split(Repetition(settings.choosing[0])).real.labels, minlength=data.num_classes)
    given: set[Need] = set() if laboratory.unlabelled is None else {"unlabelled"}
    if classifier is not None:
        given |= {"fine-tuning", "classifier"} if knows_classes(classifier, data) else {"fine-tuning"}
    kinds = {kind_of(source) for source in laboratory.sources.values()}
    uneven = bool(counts.max() >= UNEVEN * counts.min())
    return settings.with_recipes(uneven, hasattr(laboratory.task, "logit_adjust"), given, kinds)
