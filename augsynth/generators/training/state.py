"""The state of a run: networks, optimisers, averages, history, and the number of steps so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from augsynth.core.checks import check_integer
from augsynth.core.torch_settings import seeded, usual_process
from augsynth.errors import CheckpointError, PluginError, shown
from augsynth.generators.checkpoints import checkpoint
from augsynth.generators.checkpoints.layouts import layout_of, require_layout
from augsynth.generators.errors import TrainingError
from augsynth.generators.samples import to_signed
from augsynth.generators.seeds import derive_seed
from augsynth.generators.training.averaging import MovingAverage
from augsynth.generators.training.copying import CopyWatch
from augsynth.generators.training.history import History
from augsynth.generators.training.optimizer_state import pack_optimizers, unpack_optimizers
from augsynth.generators.training.run import Run, Trainee
from augsynth.generators.training.soundness import CollapseCheck, divergence_advice, require_finite
from augsynth.generators.training.steps import Step, StepReport

AtCheckpoint = Callable[["Training"], Mapping[str, float]]
"""Function that is called at a checkpoint. It returns metrics for the history. An error that it raises ends the fit.

It must not change what later steps do: a run that is resumed has the same weights.
"""


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
        run.ranks.share_gradients(self.optimizers.values())
        self.order = run.order()
        self.history = History(run.steps, run.ranks, divergence_advice(generator.config))
        self.collapse = CollapseCheck(run, generator.tile)
        self.at_checkpoint: list[AtCheckpoint] = []
        self.watch: CopyWatch | None = None
        if run.halves is not None:
            self.watch = CopyWatch(run.halves, run.seed)
            self.at_checkpoint.append(_look_for_copies)
        self.step = 0
        self._kept = ""

    def take_step(self) -> StepReport:
        """Take one training step, and add its metrics to the history."""
        run, ranks, index = self.run, self.run.ranks, self.step
        seed = derive_seed("step", run.seed, index)
        rng = torch.Generator().manual_seed(seed)
        indices = ranks.rows(self.order.batch(index))
        pixels = run.images.pixels(indices)
        step = Step(index, run.steps, self.optimizers, run.device, rng, len(indices), ranks)
        # Dropout must differ between the processes of a fit.
        with seeded(run.device, seed if ranks.first else derive_seed("step of a rank", seed, ranks.rank)):
            images = to_signed(pixels.to(run.device))
            labels = None if run.images.labels is None else run.images.labels[indices].to(run.device)
            metrics = self.generator.training_step(images, labels, step)
            ranks.copy_from_first(self.generator.networks.buffers())
            self.average.update(index)
        self.step += 1
        self.history.add(self.step, metrics)
        return StepReport(self.step, run.steps, metrics)

    def require_sound(self) -> None:
        """Raise `TrainingError` if the fit has failed."""
        with self.average.swapped_in():
            require_finite(self.generator.networks, self.generator.config, self.step)
            if self.collapse.is_due(self.step):
                self.collapse(self.generator, self.step)

    def reach_checkpoint(self) -> None:
        """Do what is to be done at a checkpoint, and then write it."""
        self.require_sound()
        for look in self.at_checkpoint:
            found = look(self)
            if found:
                self.history.include(self.step, found)
        self.save()

    def record(self) -> checkpoint.TrainingRecord:
        """Return everything that a later run needs to continue."""
        optimizer_json, tensors = pack_optimizers(self.optimizers)
        tensors.update({f"network.{name}": value for name, value in self.generator.networks.state_dict().items()})
        progress = {"step": self.step, "history": self.history.entries, "optimizers": optimizer_json}
        if self.watch is not None:
            progress["copying"], clean = self.watch.pack(self.step)
            tensors.update(clean)
            if self.watch.kept is not None:  # which are then the weights of the checkpoint
                tensors.update({f"average.{name}": value for name, value in self._averaged().items()})
        return checkpoint.TrainingRecord(self.run.settings, progress, tensors)

    def save(self) -> None:
        """Write averaged weights for sampling and the record for resuming, if the run has a folder for checkpoints."""
        path = self.run.request.checkpoint_dir
        if path is None:
            return
        self.history.means(self.step)  # raises before weights that are not finite replace finite ones
        with self.average.swapped_in():
            require_finite(self.generator.networks, self.generator.config, self.step)
        weights, kept = self._averaged(), None if self.watch is None else self.watch.kept
        last_or_kept, record = weights if kept is None else kept.tensors, self.record()
        self.run.ranks.require_equal("weights", record.tensors, PluginError)
        if self.run.ranks.first:
            checkpoint.write(path, self.generator.description(), last_or_kept, record)
        self.run.ranks.wait()
        self._kept = f"; {path} holds the checkpoint of step {self.step}"

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
            require_layout(layout_of(self._averaged()), stored.layout()[0])
            record = stored.training()
            if record is None:
                raise CheckpointError(f"{path} holds a generator without its training state; it cannot be resumed")
            _require_same(path, self.run.settings, record.settings)
            weights = stored.weights()
            self.generator.networks.load_state_dict(_named("network.", record.tensors))
            self.average.load(_named("average.", record.tensors) or weights)
            if self.watch is not None:
                self.watch.unpack(record.progress["copying"], record.tensors, weights)
                if self.watch.clean is not None:
                    require_layout(layout_of(self._averaged()), layout_of(self.watch.clean.tensors))
            unpack_optimizers(self.optimizers, record.progress["optimizers"], record.tensors)
            self.step = check_integer("step", record.progress["step"], 0)
            self._kept = f"; {path} holds the checkpoint of step {self.step}"
            self.history.restore(record.progress["history"])

    def _averaged(self) -> dict[str, Tensor]:
        with self.average.swapped_in():
            return self.generator.networks.state_dict()

    @contextmanager
    def naming_what_is_kept(self) -> Iterator[None]:
        """Add the last checkpoint to the message of a `TrainingError` in a block."""
        try:
            yield
        except TrainingError as cause:
            raise TrainingError(f"{cause}{self._kept}") from cause

    def finish(self) -> None:
        """Replace networks by their averages, or by those from before copying set in. The generator is then fitted."""
        self.average.install()
        if self.watch is not None and self.watch.kept is not None:
            self.generator.networks.load_state_dict(self.watch.kept.tensors)
        self.generator.networks.eval()


def _look_for_copies(training: Training) -> Mapping[str, float]:
    assert training.watch is not None
    with training.average.swapped_in():
        return training.watch.look(training.step, training.generator)


def _named(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _require_same(path: Path, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    for name, value in ours.items():
        if theirs.get(name) != value:
            raise CheckpointError(
                f"{path} is of a run with another {name}: {shown(theirs.get(name))}, now {shown(value)}"
            )
