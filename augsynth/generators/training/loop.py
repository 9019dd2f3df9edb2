"""The training loop of networks: batches, moving averages, checkpoints, resuming and the report.

Every random number of step i comes from (seed, i). The loop therefore stores no state of random generators, and a run
that was stopped and resumed takes the same steps as a run that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from augsynth.core.checks import check_integer
from augsynth.core.torch_settings import seeded, usual_process, usual_thread
from augsynth.errors import CheckpointError, shown
from augsynth.generators.checkpoints import checkpoint
from augsynth.generators.checkpoints.description import Description
from augsynth.generators.checkpoints.layouts import Layout, layout_of, require_layout
from augsynth.generators.errors import TrainingError
from augsynth.generators.reading.images import ImageSet
from augsynth.generators.samples import FitReport, to_signed
from augsynth.generators.seeds import derive_seed
from augsynth.generators.training.averaging import MovingAverage
from augsynth.generators.training.batches import BatchOrder
from augsynth.generators.training.interrupts import deferred_interrupt
from augsynth.generators.training.optimizer_state import pack_optimizers, unpack_optimizers
from augsynth.generators.training.request import FitRequest
from augsynth.generators.training.steps import Step, StepReport
from augsynth.generators.training.warm_start import WarmStart
from augsynth.progress import progress_bar


class Trainee(Protocol):
    """Part of a `NetworkGenerator` that is trained."""

    @property
    def name(self) -> str: ...
    @property
    def networks(self) -> nn.ModuleDict: ...
    def prepare(
        self, image_shape: Any, num_classes: Any, device: torch.device, seed: int = 0, class_names: Any = None
    ) -> None: ...
    def optimizers(self) -> dict[str, torch.optim.Optimizer]: ...
    def averages(self) -> dict[str, float]: ...
    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]: ...
    def description(self) -> Description: ...
    def forget(self) -> None: ...


@dataclass(frozen=True, eq=False)
class Run:
    """One fit of networks.

    Args:
        images: the images, their labels and the names of their classes.
        request: the checked arguments of `fit`.
        start: the weights that the fit starts from; None for fresh ones.
    """

    images: ImageSet
    request: FitRequest
    start: WarmStart | None = None

    @cached_property
    def steps(self) -> int:
        """Number of training steps of the whole run."""
        return self.request.steps_for(len(self.images))

    @property
    def seed(self) -> int:
        """Seed of all random numbers of the run."""
        return self.request.seed

    @property
    def device(self) -> torch.device:
        """Device of the networks."""
        return self.request.device

    @cached_property
    def settings(self) -> dict[str, int | str]:
        """Settings that a resumed run must share with the run that it continues. (`steps` may grow.)"""
        start = {} if self.start is None else {"start_from": self.start.digest}
        return {"batch_size": self.request.batch_size, "seed": self.seed, "dataset": self.images.digest(), **start}


class Training:
    """State of a run: everything that changes from step to step.

    Args:
        generator: the generator to train, whose networks are built anew.
        run: the fit.
    """

    def __init__(self, generator: Trainee, run: Run) -> None:
        self.generator, self.run = generator, run
        images = run.images
        generator.prepare(images.image_shape, images.num_classes, run.device, run.seed, images.class_names)
        if run.start is not None:
            generator.networks.load_state_dict(run.start.weights())
        with seeded(run.device, derive_seed("optimizers", run.seed)):
            self.optimizers = generator.optimizers()
            self.average = MovingAverage(generator.networks, generator.averages())
        self.order = BatchOrder(len(run.images), run.request.batch_size, run.seed)
        self.step = 0
        self.history: list[dict[str, float]] = []
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def take_step(self) -> StepReport:
        """Take one training step, and add its metrics to the history."""
        run, index = self.run, self.step
        seed = derive_seed("step", run.seed, index)
        rng = torch.Generator().manual_seed(seed)
        indices = self.order.batch(index)
        step = Step(index, run.steps, self.optimizers, run.device, rng)
        with seeded(run.device, seed):
            images = to_signed(run.images.images[indices].to(run.device))
            labels = None if run.images.labels is None else run.images.labels[indices].to(run.device)
            metrics = self.generator.training_step(images, labels, step)
            self.average.update(index)
        self.step += 1
        self._add(metrics)
        return StepReport(self.step, run.steps, metrics)

    def note(self) -> str:
        """Return the last entry of the history as a short text."""
        last = self.history[-1] if self.history else {}
        return "  ".join(f"{name} {value:.4g}" for name, value in last.items() if name != "step")

    def record(self) -> checkpoint.TrainingRecord:
        """Return everything that a later run needs to continue."""
        optimizer_json, tensors = pack_optimizers(self.optimizers)
        tensors.update({f"network.{name}": value for name, value in self.generator.networks.state_dict().items()})
        progress = {"step": self.step, "history": self.history, "optimizers": optimizer_json}
        return checkpoint.TrainingRecord(self.run.settings, progress, tensors)

    def save(self, path: Path) -> None:
        """Write a checkpoint: averaged weights for sampling, and the record for resuming.

        Args:
            path: folder of the checkpoint.
        """
        self._means()  # raises before weights that are not finite replace finite ones
        record = self.record()
        with self.average.swapped_in():
            weights = self.generator.networks.state_dict()
        checkpoint.write(path, self.generator.description(), weights, record)

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint. Raises `CheckpointError` if another run wrote it.

        Args:
            path: folder of the checkpoint.
        """
        stored = checkpoint.Checkpoint.open(path)
        with stored.explained(), usual_process():
            ours, theirs = self.generator.description().as_json(), stored.description.as_json()
            # Older checkpoints have no class names; their runs continue with those of the data set.
            _require_same(path, ours, {"class_names": ours.get("class_names"), **theirs})
            require_layout(self._averaged_layout(), stored.layout()[0])
            record = stored.training()
            if record is None:
                raise CheckpointError(f"{path} holds a generator without its training state; it cannot be resumed")
            _require_same(path, self.run.settings, record.settings)
            networks = {
                name.removeprefix("network."): value
                for name, value in record.tensors.items()
                if name.startswith("network.")
            }
            self.generator.networks.load_state_dict(networks)
            self.average.load(stored.weights())
            unpack_optimizers(self.optimizers, record.progress["optimizers"], record.tensors)
            self.step = check_integer("step", record.progress["step"], 0)
            self.history = _check_history(record.progress["history"])

    def _averaged_layout(self) -> Layout:
        with self.average.swapped_in():
            return layout_of(self.generator.networks.state_dict())

    def finish(self) -> None:
        """Replace networks by their averages. The generator is then fitted."""
        self.average.install()
        self.generator.networks.eval()

    def _add(self, metrics: Mapping[str, Tensor | float]) -> None:
        for name, value in metrics.items():
            value = torch.as_tensor(value, dtype=torch.float64).detach()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += 1
        if self.step % max(1, self.run.steps // 100) == 0 or self.step == self.run.steps:
            self.history.append({"step": self.step, **self._means()})
            self._sums, self._count = {}, 0

    def _means(self) -> dict[str, float]:
        means = {name: float(total) / self._count for name, total in self._sums.items()}
        if not all(map(math.isfinite, means.values())):
            raise TrainingError(f"training diverged before step {self.step}: {means}; lower the learning rate")
        return means


def _require_same(path: Path, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    for name, value in ours.items():
        if theirs.get(name) != value:
            raise CheckpointError(
                f"{path} is of a run with another {name}: {shown(theirs.get(name))}, now {shown(value)}"
            )


def _check_history(history: Any) -> list[dict[str, float]]:
    for entry in history:
        if "step" not in entry or not all(type(value) in (int, float) for value in entry.values()):
            raise CheckpointError(f"its history has the entry {shown(entry)}")
    return list(history)


def train(generator: Trainee, run: Run) -> FitReport:
    """Run the loop to its end. On Ctrl-C the current step is finished and saved, then KeyboardInterrupt is raised.

    Args:
        generator: the generator whose networks are trained.
        run: the fit.
    """
    start, folder = time.perf_counter(), run.request.checkpoint_dir
    with usual_thread(run.device), deferred_interrupt() as interrupted:
        try:
            training = Training(generator, run)
            if folder is not None and run.request.resumes:
                training.restore(folder)
            resumed_at = training.step
            _take_steps(training, folder, interrupted)
            training.finish()
        except BaseException:
            generator.forget()
            raise
        if interrupted():
            kept = "" if folder is None else f"; {folder} holds them, and resume=True continues"
            raise KeyboardInterrupt(f"stopped after {training.step} of {run.steps} steps{kept}")
    return FitReport(
        steps=training.step,
        resumed_at=resumed_at,
        images=len(run.images),
        batch_size=run.request.batch_size,
        seconds=time.perf_counter() - start,
        device=str(run.device),
        seed=run.seed,
        history=training.history,
        checkpoint=folder,
    )


def _take_steps(training: Training, folder: Path | None, interrupted: Callable[[], bool]) -> None:
    request, total = training.run.request, training.run.steps
    training.generator.networks.train()
    with progress_bar(f"fitting {training.generator.name}", total, request.progress) as advance:
        advance(min(training.step, total))
        while training.step < total and not interrupted():
            report = training.take_step()
            advance(1, training.note())
            if folder is not None and training.step % request.checkpoint_every == 0 and training.step < total:
                training.save(folder)
            for callback in request.callbacks:
                callback(report)
    if folder is not None:
        training.save(folder)
