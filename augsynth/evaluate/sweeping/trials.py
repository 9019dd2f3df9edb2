"""Trials: one model trained on one training set, and scored. Results are stored by what they depend on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from augsynth.classifier import Classifier
from augsynth.data.loading.datasets import ImageData
from augsynth.data.mixing.rule.rule import content_digest
from augsynth.errors import DataError, PluginError
from augsynth.evaluate.provenance import data_digest
from augsynth.evaluate.sweeping.arms import Arm
from augsynth.evaluate.sweeping.recipes import Ingredients, Recipe
from augsynth.evaluate.sweeping.sources import Pool, Source
from augsynth.evaluate.sweeping.splits import Repetition, Split, draw_fold, draw_split, require_test_part
from augsynth.evaluate.sweeping.stored import content_key, read_stored, store
from augsynth.evaluate.sweeping.tasks import Task, with_fields
from augsynth.generators import Generator, register_generator
from augsynth.progress import progress_bar
from augsynth.transforms import Compose

Part = Literal["selection", "test"]
Scores = Mapping[str, float]
SECONDS = "trial seconds"


class Trial(NamedTuple):
    """An arm in one repetition.

    Args:
        arm: the arm.
        repetition: its seed and its fold.
        part: images that the model is scored on: "selection" or "test".
    """

    arm: Arm
    repetition: Repetition
    part: Part


@dataclass(frozen=True)
class Laboratory:
    """All that trials share. It is picklable.

    Args:
        data: images with a test part.
        task: training and scoring of a model.
        pipelines: augmentation policies by name.
        sources: synthetic sources by name.
        recipes: recipes by name.
        generators: classes that were registered in this process, by name; other processes do not know them.
        per_class: number of training images of each class, or a mapping from classes to numbers; None for three
            quarters of all.
        folder: folder for pools and results, which a later run uses again.
        classifier: a given classifier of the same classes, or for fine-tuning alone of others; None (default) for none.
        unlabelled: real images whose labels mean nothing; None (default) for none.
        folds: number of folds that the test part is divided into, for repetitions with a fold; default 1.
    """

    data: ImageData
    task: Task
    pipelines: Mapping[str, Compose]
    sources: Mapping[str, Source]
    recipes: Mapping[str, Recipe]
    generators: Mapping[str, type[Generator]]
    per_class: int | Mapping[int, int] | None
    folder: Path
    classifier: Classifier | None = None
    unlabelled: ImageData | None = None
    folds: int = 1

    def split(self, repetition: Repetition) -> Split:
        """Return the training images of a repetition, and the images to choose by."""
        return draw_split(self.data_of(repetition), self.per_class, repetition.seed)

    def pool(self, source: str, repetition: Repetition) -> Pool:
        """Return the pool of a source for a repetition."""
        return self._pool(source, self.split(repetition).real, repetition.seed)

    def data_of(self, repetition: Repetition) -> ImageData:
        """Return the data of a repetition: with one fold as its test part if the repetition has a fold."""
        return draw_fold(self.data, self.folds, repetition)

    def _pool(self, source: str, real: ImageData, seed: int) -> Pool:
        return self.sources[source].pool(real, seed, self.folder / "pools")

    def run(self, trial: Trial) -> dict[str, float]:
        """Return the scores of a trial: stored ones, or new ones."""
        arm, (seed, _), data = trial.arm, trial.repetition, self.data_of(trial.repetition)
        split = draw_split(data, self.per_class, seed)
        pool = None if arm.source is None else self._pool(arm.source, split.real, seed)
        scored = split.selection if trial.part == "selection" else require_test_part(data)
        if len(scored) == 0:
            raise DataError(
                f"{self.data.name}: all images train, and none is left to choose by; give fewer images a class"
            )
        path = self.folder / "trials" / f"{content_key(self._identity(trial, split.real, scored, pool))}.json"
        found = read_stored(path)
        if found is not None:
            return found
        started, task = time.perf_counter(), self._task(arm)
        given = Ingredients(split.real, pool, arm.ratio, self.pipelines[arm.policy], seed, task, self.unlabelled)
        scores = task.score(self.recipes[arm.recipe].make(given), scored, seed=seed)
        result = {**scores, SECONDS: time.perf_counter() - started}
        store(path, result)
        return result

    def _task(self, arm: Arm) -> Task:
        return with_fields(self.task, self.recipes[arm.recipe].replaced(self.classifier))

    def _identity(self, trial: Trial, real: ImageData, scored: ImageData, pool: Pool | None) -> dict[str, Any]:
        return {
            "task": self._task(trial.arm).describe(),
            "policy": self.pipelines[trial.arm.policy].to_dict(),
            "recipe": trial.arm.recipe,
            "ratio": trial.arm.ratio,
            "seed": trial.repetition.seed,
            "real": data_digest(real),
            "scored": data_digest(scored),
            "pool": data_digest(pool) if isinstance(pool, ImageData) else content_digest(pool),
            "unlabelled": self._unlabelled_digest(trial.arm),
            "augsynth": version("augsynth"),
            "torch": torch.__version__,
        }

    def _unlabelled_digest(self, arm: Arm) -> str | None:
        used = self.unlabelled if self.recipes[arm.recipe].needs == "unlabelled" else None
        return None if used is None else data_digest(used)


@dataclass(frozen=True)
class Workers:
    """Processes that run trials.

    Args:
        count: number of processes, at least 1; 1 runs all in this process.
        backend: backend of joblib: None for its own processes, or "ray" after `ray.util.joblib.register_ray()`.
        progress: show progress bars.
    """

    count: int
    backend: str | None
    progress: bool

    def map(self, title: str, function: Any, tasks: Sequence[Any]) -> list[Any]:
        """Return the results of a function for all tasks, in order.

        Args:
            title: text before the progress bar.
            function: picklable function of one task.
            tasks: the tasks.
        """
        with progress_bar(title, len(tasks), enabled=self.progress) as advance:
            results = []
            for result in self._results(function, tasks):
                results.append(result)
                advance()
        return results

    def _results(self, function: Any, tasks: Iterable[Any]) -> Iterator[Any]:
        if self.count == 1:
            return map(function, tasks)
        try:
            from joblib import Parallel, delayed
        except ImportError as error:
            raise PluginError('several workers need joblib: pip install "augsynth[eval]"') from error
        # Ray's backend returns all results at the end.
        parallel = Parallel(self.count, backend=self.backend, return_as="list" if self.backend else "generator")
        return iter(parallel(delayed(function)(task) for task in tasks))


def fill_pools(
    laboratory: Laboratory, sources: Sequence[str], repetitions: Sequence[Repetition], workers: Workers
) -> None:
    """Fit and fill everything that trials will need, so that no two of them do it twice.

    Args:
        laboratory: what trials share.
        sources: names of the sources.
        repetitions: the repetitions.
        workers: processes.
    """
    wanted = [(source, repetition) for source in sources for repetition in repetitions]
    workers.map("fitting and sampling", partial(_fill, laboratory), wanted)


def _fill(laboratory: Laboratory, wanted: tuple[str, Repetition]) -> None:
    with _ready(laboratory):
        laboratory.pool(*wanted)


def run_trials(
    laboratory: Laboratory,
    arms: Sequence[Arm],
    repetitions: Sequence[Repetition],
    part: Part,
    title: str,
    workers: Workers,
) -> dict[Arm, list[Scores]]:
    """Return the scores of each arm, one a repetition in their order.

    Args:
        laboratory: what trials share.
        arms: the arms.
        repetitions: the repetitions.
        part: images to score on.
        title: text before the progress bar.
        workers: processes.
    """
    trials = [Trial(arm, repetition, part) for repetition in repetitions for arm in arms]
    results = workers.map(title, partial(_run, laboratory), trials)
    found: dict[Arm, list[Scores]] = {arm: [] for arm in arms}
    for trial, scores in zip(trials, results, strict=True):
        found[trial.arm].append(scores)
    return found


def _run(laboratory: Laboratory, trial: Trial) -> dict[str, float]:
    with _ready(laboratory):
        return laboratory.run(trial)


@contextmanager
def _ready(laboratory: Laboratory) -> Iterator[None]:
    """Make a process ready for a trial. It uses one thread: small networks gain nothing from a second one."""
    for name, kind in laboratory.generators.items():
        register_generator(name)(kind)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
