"""The arguments of `fit`, spelt and checked once for both floors."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from augsynth.core.checks import check_integer, check_number, check_path, check_seed, require_memory
from augsynth.errors import ArgumentError
from augsynth.generators.checkpoints import checkpoint
from augsynth.generators.device import choose_device
from augsynth.generators.training.batches import check_balance
from augsynth.generators.training.steps import Callback, check_callbacks
from augsynth.generators.training.tensorboard import require_tensorboard

_LOOP_OPTIONS = ("steps", "epochs", "balance", "resume", "start_from", "held_out", "log_dir")


@dataclass(frozen=True, eq=False)
class FitRequest:
    """All arguments of `fit` except the data set; made by `checked`.

    Args:
        steps: number of training steps, or None if `epochs` is given.
        epochs: passes over the images, or None if `steps` is given.
        batch_size: images of a training step, at least 1.
        balance: "classes" to draw every class equally often, or None.
        device: device of the fit.
        seed: seed of all random numbers, 64 bits.
        checkpoint_dir: folder of the checkpoint, or None.
        checkpoint_every: steps between two checkpoints, at least 1.
        resume: True to continue the run in `checkpoint_dir`.
        start_from: generator or folder with the first weights, or None for fresh ones.
        held_out: images that the fit must not see, in any form, or None.
        callbacks: functions that are called after each step.
        log_dir: folder for TensorBoard's files, or None.
        progress: True for progress bars.
    """

    steps: int | None
    epochs: float | None
    batch_size: int
    balance: str | None
    device: torch.device
    seed: int
    checkpoint_dir: Path | None
    checkpoint_every: int
    resume: bool
    start_from: Any
    held_out: Any
    callbacks: tuple[Callback, ...]
    log_dir: Path | None
    progress: bool

    @classmethod
    def checked(cls, **arguments: Any) -> FitRequest:
        """Check what users give, and convert it. Raises `ArgumentError` or `ArgumentTypeError`.

        Args:
            arguments: the fields of this class; `device` may be a name, `checkpoint_dir` and `log_dir` any path.
        """
        folder, log_dir = arguments["checkpoint_dir"], arguments["log_dir"]
        checked = {
            "batch_size": check_integer("batch_size", arguments["batch_size"], 1),
            "balance": check_balance(arguments["balance"]),
            "device": choose_device(arguments["device"]),
            "seed": check_seed(arguments["seed"]),
            "checkpoint_dir": None if folder is None else check_path("checkpoint_dir", folder),
            "checkpoint_every": check_integer("checkpoint_every", arguments["checkpoint_every"], 1),
            "callbacks": check_callbacks(arguments["callbacks"]),
            "log_dir": None if log_dir is None else check_path("log_dir", log_dir),
        }
        return cls(**{**arguments, **checked})

    @property
    def resumes(self) -> bool:
        """True if there is a checkpoint to continue from."""
        return self.resume and self.checkpoint_dir is not None and checkpoint.exists(self.checkpoint_dir)

    def refuse_loop_options(self, name: str) -> None:
        """Raise `ArgumentError` if an option of the training loop is given to a generator without one.

        Args:
            name: name of the generator, for the message.
        """
        options = {option: getattr(self, option) for option in _LOOP_OPTIONS}
        given = [option for option, value in options.items() if value is not None and value is not False]
        given += ["callbacks"] if self.callbacks else []
        if given:
            raise ArgumentError(
                f"fit of {name!r} takes no {' and no '.join(given)}: it is no NetworkGenerator, and is given all "
                "images once; call fit(dataset)"
            )

    def require_loop_options(self, name: str, capabilities: Set[str]) -> None:
        """Raise an error unless the options of the training loop make sense together, and for the generator.

        Args:
            name: name of the generator, for the message.
            capabilities: what it declares.
        """
        if self.balance is not None and "conditional" not in capabilities:
            raise ArgumentError(
                f"balance={self.balance!r} needs labels, and {name!r} uses none: fit a conditional generator, or "
                "repeat the images of rare classes in the data set"
            )
        require_tensorboard(self.log_dir)
        if self.resume and self.checkpoint_dir is None:
            raise ArgumentError("resume=True needs checkpoint_dir: the folder of the run to continue")
        if (self.steps is None) == (self.epochs is None):
            given = "neither" if self.steps is None else f"both (steps={self.steps}, epochs={self.epochs})"
            raise ArgumentError(f"give either steps or epochs, got {given}")
        self.steps_for(1)

    def steps_for(self, images: int) -> int:
        """Compute the number of training steps; epochs are rounded up to whole steps.

        Args:
            images: number of images in the data set, at least 1.
        """
        if self.epochs is None:
            return check_integer("steps", self.steps, 1)
        epochs = check_number("epochs", self.epochs)
        if epochs <= 0:
            raise ArgumentError(f"epochs must be above 0, got {self.epochs}")
        return check_integer("steps", math.ceil(epochs * images / self.batch_size), 1)

    def require_room(self, image_shape: tuple[int, int, int]) -> None:
        """Raise `ArgumentError` if there is no memory for the images of a batch.

        Args:
            image_shape: shape (C, H, W) of an image.
        """
        size = self.batch_size * math.prod(image_shape) * 4  # float32
        require_memory(f"a batch of {self.batch_size:,} images of {image_shape}", size)

    def require_free_folder(self) -> None:
        """Raise `CheckpointError` if `checkpoint_dir` cannot take the checkpoints of a training loop."""
        if self.checkpoint_dir is not None and not self.resumes:
            checkpoint.require_new(self.checkpoint_dir, "pass resume=True, or name another folder")
