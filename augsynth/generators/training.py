"""The one training loop: batches, moving averages, checkpoints, resuming and the report.

Every random number of step i comes from (seed, i), so the loop has no generator state to store: a run that was
stopped and resumed takes the same steps as one that was not.
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

from augsynth.core.checks import check_integer, check_number
from augsynth.core.torch_settings import seeded, usual_process, usual_thread
from augsynth.errors import ArgumentError, CheckpointError, shown
from augsynth.generators import checkpoint
from augsynth.generators.averaging import MovingAverage
from augsynth.generators.batches import BatchOrder
from augsynth.generators.claims import Layout, layout_of, require_layout
from augsynth.generators.dataset import ImageSet
from augsynth.generators.errors import TrainingError
from augsynth.generators.interrupts import deferred_interrupt
from augsynth.generators.optimizer_state import pack_optimizers, unpack_optimizers
from augsynth.generators.samples import FitReport, to_signed
from augsynth.generators.seeds import derive_seed
from augsynth.generators.steps import Callback, Step, StepReport
from augsynth.generators.warm_start import WarmStart
from augsynth.progress import progress_bar


class Trainee(Protocol):
    """The part of a `NetworkGenerator` that is trained."""

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
    def description(self) -> checkpoint.Description: ...
    def forget(self) -> None: ...


@dataclass(frozen=True, eq=False)
class Run:
    """One fit: its images, length and device, the weights it starts from (None: fresh ones), and its callbacks."""

    images: ImageSet
    steps: int
    batch_size: int
    seed: int
    device: torch.device
    start: WarmStart | None = None
    callbacks: tuple[Callback, ...] = ()

    @classmethod
    def plan(
        cls, images: ImageSet, steps: int | None, epochs: float | None, batch_size: int, seed: int, device: torch.device
    ) -> Run:
        """Check the arguments of `fit`; epochs are rounded up to whole steps."""
        batch_size = check_integer("batch_size", batch_size, 1)
        if (steps is None) == (epochs is None):
            given = "neither" if steps is None else f"both (steps={steps}, epochs={epochs})"
            raise ArgumentError(f"give either steps or epochs, got {given}")
        if steps is None:
            assert epochs is not None
            passes = check_number("epochs", epochs)
            if passes <= 0:
                raise ArgumentError(f"epochs must be above 0, got {epochs}")
            steps = math.ceil(passes * len(images) / batch_size)
        return cls(images, check_integer("steps", steps, 1), batch_size, seed, device)

    @cached_property
    def settings(self) -> dict[str, int | str]:
        """What a resumed run must share with the one it goes on from. (`steps` may grow.)"""
        start = {} if self.start is None else {"start_from": self.start.digest}
        return {"batch_size": self.batch_size, "seed": self.seed, "dataset": self.images.digest(), **start}


@dataclass(frozen=True)
class Store:
    """Where checkpoints go, and how often."""

    path: Path
    every: int
    resume: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", check_integer("checkpoint_every", self.every, 1))
        checkpoint.require_folder(self.path)
        if not self.resume and checkpoint.exists(self.path):
            raise CheckpointError(f"{self.path} already holds a checkpoint: pass resume=True, or name another folder")

    @property
    def resumes(self) -> bool:
        """True if there is a checkpoint to go on from."""
        return self.resume and checkpoint.exists(self.path)


class Training:
    """The state of a run: everything that changes from step to step."""

    def __init__(self, generator: Trainee, run: Run) -> None:
        self.generator, self.run = generator, run
        images = run.images
        generator.prepare(images.image_shape, images.num_classes, run.device, run.seed, images.class_names)
        if run.start is not None:
            generator.networks.load_state_dict(run.start.weights())
        with seeded(run.device, derive_seed("optimizers", run.seed)):
            self.optimizers = generator.optimizers()
            self.average = MovingAverage(generator.networks, generator.averages())
        self.order = BatchOrder(len(run.images), run.batch_size, run.seed)
        self.step = 0
        self.history: list[dict[str, float]] = []
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def take_step(self) -> StepReport:
        """Run one training step, and note its metrics."""
        run, index = self.run, self.step
        seed = derive_seed("step", run.seed, index)
        rng = torch.Generator().manual_seed(seed)
        chosen = self.order.batch(index)
        step = Step(index, run.steps, self.optimizers, run.device, rng)
        with seeded(run.device, seed):
            images = to_signed(run.images.images[chosen].to(run.device))
            labels = None if run.images.labels is None else run.images.labels[chosen].to(run.device)
            metrics = self.generator.training_step(images, labels, step)
            self.average.update(index)
        self.step += 1
        self._note(metrics)
        return StepReport(self.step, run.steps, metrics)

    def note(self) -> str:
        """The last entry of the history in a few words."""
        last = self.history[-1] if self.history else {}
        return "  ".join(f"{name} {value:.4g}" for name, value in last.items() if name != "step")

    def record(self) -> checkpoint.TrainingRecord:
        """What is needed to go on from here."""
        optimizer_json, tensors = pack_optimizers(self.optimizers)
        tensors.update({f"network.{name}": value for name, value in self.generator.networks.state_dict().items()})
        progress = {"step": self.step, "history": self.history, "optimizers": optimizer_json}
        return checkpoint.TrainingRecord(self.run.settings, progress, tensors)

    def save(self, path: Path) -> None:
        """Write a checkpoint: the averaged weights for sampling, and the record for going on."""
        self._means()  # raises before weights that are no longer finite replace sound ones
        record = self.record()
        with self.average.swapped_in():
            weights = self.generator.networks.state_dict()
        checkpoint.write(path, self.generator.description(), weights, record)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint. Raises `CheckpointError` if it is of another run."""
        stored = checkpoint.Checkpoint.open(path)
        with stored.explained(), usual_process():
            ours, theirs = self.generator.description().as_json(), stored.description.as_json()
            # A run from before class names were kept goes on under those of its data set.
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
        """Put the averages into their places; the generator is fitted."""
        self.average.install()
        self.generator.networks.eval()

    def _note(self, metrics: Mapping[str, Tensor | float]) -> None:
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


def train(generator: Trainee, run: Run, store: Store | None, progress: bool) -> FitReport:
    """Run the loop to its end. On Ctrl-C the step under way is finished and saved, then KeyboardInterrupt is raised."""
    began = time.perf_counter()
    with usual_thread(run.device), deferred_interrupt() as interrupted:
        try:
            training = Training(generator, run)
            if store is not None and store.resumes:
                training.restore(store.path)
            resumed_at = training.step
            _take_steps(training, store, progress, interrupted)
            training.finish()
        except BaseException:
            generator.forget()
            raise
        if interrupted():
            kept = "" if store is None else f"; {store.path} holds them, and resume=True goes on"
            raise KeyboardInterrupt(f"stopped after {training.step} of {run.steps} steps{kept}")
    return FitReport(
        steps=training.step,
        resumed_at=resumed_at,
        images=len(run.images),
        batch_size=run.batch_size,
        seconds=time.perf_counter() - began,
        device=str(run.device),
        seed=run.seed,
        history=training.history,
        checkpoint=None if store is None else store.path,
    )


def _take_steps(training: Training, store: Store | None, progress: bool, interrupted: Callable[[], bool]) -> None:
    total = training.run.steps
    training.generator.networks.train()
    with progress_bar(f"fitting {training.generator.name}", total, progress) as advance:
        advance(min(training.step, total))
        while training.step < total and not interrupted():
            report = training.take_step()
            advance(1, training.note())
            if store is not None and training.step % store.every == 0 and training.step < total:
                training.save(store.path)
            for callback in training.run.callbacks:
                callback(report)
    if store is not None:
        training.save(store.path)
