"""Base of the samplers of a mix: they follow its epoch, and continue in the middle of an epoch."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

from augsynth.core.checks import check_integer
from augsynth.core.typing import Ints
from augsynth.data.mixing.epochs.states import require_same, saved_number
from augsynth.data.mixing.mix import SyntheticMixDataset
from augsynth.data.mixing.rule.assignment import EpochAssignment
from augsynth.data.mixing.rule.spreading import spread
from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError

T = TypeVar("T")


class Progress(NamedTuple):
    """Progress within an epoch: the number of entries that are done."""

    epoch: int
    done: int


class ResumableSampler(ABC, Generic[T]):
    """Base of the samplers of a mix. Each of the `len(self)` entries of an epoch is a position, or a batch of them."""

    dataset: SyntheticMixDataset
    _unit: ClassVar[str]

    def _set_up(self, dataset: SyntheticMixDataset, drop_last: Any) -> None:
        if not isinstance(dataset, SyntheticMixDataset):
            raise ArgumentTypeError(f"dataset must be a SyntheticMixDataset, got {type(dataset).__name__}")
        self.dataset = dataset
        self.drop_last = bool(drop_last)
        self._progress = Progress(dataset.epoch, 0)
        self._resume_at: Progress | None = None
        self._ended: int | None = None

    @abstractmethod
    def __len__(self) -> int:
        """Number of entries of a whole epoch, on each process."""

    @abstractmethod
    def _entries(self, assignment: EpochAssignment, first: int) -> Iterator[T]:
        """Yield the entries of an epoch from number `first` on, on this process."""

    @abstractmethod
    def _arguments(self) -> dict[str, Any]:
        """Return the arguments that a saved state must share, without the rank: one process saves for all."""

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the data set; for trainers that know only samplers.

        Args:
            epoch: integer in [0, 2**32).
        """
        self.dataset.set_epoch(epoch)
        loaded = self._resume_at
        if loaded is not None and loaded.epoch != self.dataset.epoch:
            self._resume_at = None
            if loaded.done < len(self):
                warnings.warn(
                    f"the state that was loaded goes on in epoch {loaded.epoch} after {loaded.done} {self._unit}, and "
                    f"set_epoch({epoch}) leaves that epoch: let the trainer count from the saved epoch",
                    stacklevel=2,
                )

    def state_dict(self, done: int | None = None) -> dict[str, Any]:
        """Return the epoch and how much of it is done, JSON-ready.

        Args:
            done: number of entries that were trained on; default the number that was given out. A DataLoader with
                workers takes batches before the training loop needs them, so give this number there.
        """
        given_out = self._progress.done if self._progress.epoch == self.dataset.epoch else 0
        number = given_out if done is None else check_integer("done", done, 0)
        if number > len(self):
            raise ArgumentError(f"done must be at most {len(self)}, the length of the sampler, got {done}")
        return {"dataset": self.dataset.state_dict(), self._unit: number, **self._described()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration continue in the epoch of a state, after the entries that are done.

        Raises `CheckpointError`, and changes nothing, if the state is of another mix or of a sampler with other
        arguments. One process may load the state of another.

        Args:
            state: result of `state_dict`.
        """
        done = saved_number(state, self._unit, 2**63)
        require_same(state, self._described(), "sampler", "build the sampler with the arguments it had")
        before = self.dataset.epoch
        self.dataset.load_state_dict(state.get("dataset", {}))
        if done > len(self):
            self.dataset.set_epoch(before)
            raise CheckpointError(
                f"the saved state says that {done} {self._unit} are done, of {len(self)} in the epoch"
            )
        self._progress = self._resume_at = Progress(self.dataset.epoch, done)

    def _described(self) -> dict[str, Any]:
        return {"sampler": type(self).__name__, **self._arguments()}

    def __iter__(self) -> Iterator[T]:
        assignment = self.dataset.assignment()
        loaded, self._resume_at = self._resume_at, None
        first = loaded.done if loaded is not None and loaded.epoch == assignment.epoch else 0
        for number, entry in enumerate(self._entries(assignment, first), first + 1):
            self._progress = Progress(assignment.epoch, number)
            # Before the last entry is given out: a worker that reads it would notice too, and warn first.
            if number == len(self):
                self._ended = self.dataset.iteration_ended(self._ended)
            yield entry
            _require_epoch(assignment.epoch, self.dataset.epoch)


def in_order(assignment: EpochAssignment, steps: Ints) -> Ints:
    """Return positions in the random order of an epoch, with real items and each synthetic source spread evenly.

    Args:
        assignment: sources of the epoch.
        steps: (m,) numbers in the order, in [0, n).
    """
    synthetic = assignment.num_synthetic
    kinds, numbers = spread(steps, [len(assignment) - synthetic, synthetic])
    positions = np.empty_like(steps)
    chosen = kinds == 1
    positions[chosen] = assignment.synthetic_positions(numbers[chosen])
    positions[~chosen] = assignment.real_positions(numbers[~chosen])
    return positions


def _require_epoch(started: int, epoch: int) -> None:
    """Raise `ArgumentError` if an iteration that started in one epoch would continue in another."""
    if started != epoch:
        raise ArgumentError(
            f"set_epoch({epoch}) came in the middle of a pass over epoch {started}, of which items were read "
            "already: call it before iter(loader). Lightning calls it late when it resumes; see docs/mixing.md"
        )
