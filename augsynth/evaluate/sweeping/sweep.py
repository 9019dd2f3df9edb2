"""The sweep: finds the best cheap control, tries synthetic arms against it, and confirms the winner.

1. Controls (augmentation policies, cheap recipes) are compared on images set aside to choose by: successive halving.
2. Synthetic arms with the policy of the best control are compared with it, on the same seeds and images.
3. The winner and the control are trained again with new seeds, and scored on the test part, which nothing has used
   before. The verdict comes from this comparison alone, so it needs no correction for the number of arms.
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

from augsynth.data.loading.datasets import ImageData
from augsynth.errors import ArgumentError
from augsynth.evaluate import provenance
from augsynth.evaluate.sweeping.arms import Arm, controls, synthetic_arms
from augsynth.evaluate.sweeping.budget import fit_to_budget
from augsynth.evaluate.sweeping.cautions import warnings_of
from augsynth.evaluate.sweeping.exhibits import exhibits
from augsynth.evaluate.sweeping.halving import halve
from augsynth.evaluate.sweeping.policies import pipelines_of
from augsynth.evaluate.sweeping.recipes import RECIPES
from augsynth.evaluate.sweeping.result import SweepResult
from augsynth.evaluate.sweeping.settings import SweepSettings
from augsynth.evaluate.sweeping.sources import Source, title_of
from augsynth.evaluate.sweeping.splits import require_test_part
from augsynth.evaluate.sweeping.tasks import SmallCNN, Task
from augsynth.evaluate.sweeping.trials import Laboratory, Part, Scores, Workers, fill_pools, run_trials
from augsynth.evaluate.sweeping.verdict import Verdict, verdict_of
from augsynth.generators.registry import registered_generators


def sweep(
    data: ImageData,
    sources: Mapping[str, Source],
    *,
    task: Task | None = None,
    settings: SweepSettings | None = None,
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
        workdir: folder for pools and results; by default a temporary one.
        progress: show progress bars. Default True.
    """
    task, settings = task or SmallCNN(), settings or SweepSettings()
    require_test_part(data)
    if not sources:
        raise ArgumentError('sources is empty; give at least one, as in {"cvae": OwnData("cvae")}')
    pipelines = pipelines_of(settings.policies, data.image_shape[0])
    with ExitStack() as stack:
        folder = Path(workdir or stack.enter_context(tempfile.TemporaryDirectory())).absolute()
        generators = registered_generators()
        laboratory = Laboratory(
            data, task, pipelines, dict(sources), dict(RECIPES), generators, settings.per_class, folder
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
        counts = np.bincount(laboratory.split(settings.choosing[0]).real.labels, minlength=laboratory.data.num_classes)
        settings = settings.for_classes(counts.tolist(), hasattr(laboratory.task, "logit_adjust"))
        self.settings = settings if settings.budget is None else self._within_budget(settings)

    def run(self) -> SweepResult:
        """Run all phases."""
        controls = self._controls()
        control = next(iter(controls))
        arms = self._synthetic(control)
        winner = next(iter(arms))
        confirmed = self._confirm(winner, control)
        verdict = self._verdict(winner, control, confirmed)
        with self._timed("gates and pictures"):
            shown = exhibits(self.laboratory, str(winner.source), winner.policy, self.settings.confirming[0])
        data, sources = self.laboratory.data, self.laboratory.sources
        return SweepResult(
            data_name=data.name,
            class_names=data.class_names,
            verdict=verdict,
            controls=controls,
            synthetic=arms,
            control_choosing=controls[control],
            confirmed=confirmed,
            warnings=(*warnings_of(data, self._values(confirmed[control])), *shown.warnings),
            settings={
                **self.laboratory.task.describe(),
                **self.settings.to_dict(),
                "sources": {name: title_of(source) for name, source in sources.items()},
            },
            provenance={**provenance.environment(), "data digest": provenance.data_digest(data)},
            seconds=self.seconds,
            notes=data.notes,
            gates=shown.gates,
            pictures=shown.pictures,
        )

    def _controls(self) -> dict[Arm, list[Scores]]:
        arms = controls(list(self.laboratory.pipelines), self.settings.cheap or ())
        run = partial(self._run, part="selection", title="controls")
        with self._timed("controls"):
            return halve(arms, self.settings.choosing, run, self.metric)

    def _synthetic(self, control: Arm) -> dict[Arm, list[Scores]]:
        names, seeds = list(self.laboratory.sources), self.settings.choosing
        arms = synthetic_arms(control.policy, self.settings.recipes or (), self.settings.ratios, names)
        with self._timed("fitting and sampling"):
            fill_pools(self.laboratory, names, seeds, self.workers)
        with self._timed("synthetic arms"):
            found = self._run(arms, seeds, part="selection", title="synthetic arms")
        return dict(sorted(found.items(), key=lambda pair: -fmean(self._values(pair[1]))))

    def _confirm(self, winner: Arm, control: Arm) -> dict[Arm, list[Scores]]:
        seeds = self.settings.confirming
        with self._timed("fitting and sampling"):
            fill_pools(self.laboratory, [str(winner.source)], seeds, self.workers)
        with self._timed("confirming"):
            return self._run([winner, control], seeds, part="test", title="confirming")

    def _verdict(self, winner: Arm, control: Arm, confirmed: Mapping[Arm, Sequence[Scores]]) -> Verdict:
        return verdict_of(
            winner,
            control,
            self._values(confirmed[winner]),
            self._values(confirmed[control]),
            confidence=self.settings.confidence,
            metric=self.metric,
        )

    def _run(self, arms: Sequence[Arm], seeds: Sequence[int], *, part: Part, title: str) -> dict[Arm, list[Scores]]:
        return run_trials(self.laboratory, arms, seeds, part, title, self.workers)

    def _values(self, scores: Sequence[Scores]) -> list[float]:
        return [one[self.metric] for one in scores]

    def _within_budget(self, settings: SweepSettings) -> SweepSettings:
        """Time one pool and one trial, and leave out what does not fit. The results of both are used again."""
        source, seed = next(iter(self.laboratory.sources)), settings.choosing[0]
        started = time.perf_counter()
        fill_pools(self.laboratory, [source], [seed], self.workers)
        filled = time.perf_counter()
        self._run([Arm(next(iter(self.laboratory.pipelines)))], [seed], part="selection", title="timing")
        trial = time.perf_counter() - filled
        return fit_to_budget(settings, len(self.laboratory.sources), trial, filled - started)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
