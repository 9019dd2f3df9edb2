"""ResumableSampler of a sampler over the epochs of a mix: they follow its epoch, and go on in the middle of one."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from augsynth.data.mixing.rule.assignment import EpochAssignment
from augsynth.data.mixing.mix import SyntheticMixDataset
from augsynth.data.mixing.epochs.states import require_same, saved_number
from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError
from augsynth.generators.arguments import check_count

T = TypeVar("T")


class Place(NamedTuple):
    """How far an epoch has come: how many of its parts, positions or batches, are done."""

    epoch: int
    done: int


class ResumableSampler(ABC, Generic[T]):
    """Base of the samplers of a mix. Each of `len(self)` parts of an epoch is a position, or a batch of them."""

    dataset: SyntheticMixDataset
    _unit: ClassVar[str]

    def _begin_with(self, dataset: SyntheticMixDataset, drop_last: Any) -> None:
        if not isinstance(dataset, SyntheticMixDataset):
            raise ArgumentTypeError(f"dataset must be a SyntheticMixDataset, got {type(dataset).__name__}")
        self.dataset = dataset
        self.drop_last = bool(drop_last)
        self._begun = Place(dataset.epoch, 0)
        self._resume_at: Place | None = None
        self._ended: int | None = None

    @abstractmethod
    def __len__(self) -> int:
        """The parts of a whole epoch, on each process."""

    @abstractmethod
    def _parts(self, draw: EpochAssignment, first: int) -> Iterator[T]:
        """The parts of an epoch from number `first` on, on this process."""

    @abstractmethod
    def _kind(self) -> dict[str, Any]:
        """The arguments that a saved state must share: not the rank, as one process saves for all."""

    def set_epoch(self, epoch: int) -> None:
        """The dataset's `set_epoch`; trainers that know samplers alone call it here."""
        self.dataset.set_epoch(epoch)
        left = self._resume_at
        if left is not None and left.epoch != self.dataset.epoch:
            self._resume_at = None
            if left.done < len(self):
                warnings.warn(
                    f"the state that was loaded goes on in epoch {left.epoch} after {left.done} {self._unit}, and "
                    f"set_epoch({epoch}) leaves that epoch: let the trainer count from the saved epoch",
                    stacklevel=2,
                )

    def state_dict(self, done: int | None = None) -> dict[str, Any]:
        """The epoch and how much of it is `done`, JSON-ready.

        A DataLoader with workers asks for batches ahead of the training loop, so give the number that was trained
        on; the default is the number handed out.
        """
        begun = self._begun.done if self._begun.epoch == self.dataset.epoch else 0
        number = begun if done is None else check_count("done", done, 0)
        if number > len(self):
            raise ArgumentError(f"done must be at most {len(self)}, the length of the sampler, got {done}")
        return {"dataset": self.dataset.state_dict(), self._unit: number, **self._described()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration go on in that epoch after what is done.

        Raises `CheckpointError`, and changes nothing, if the state is of another mix or of a sampler with other
        arguments. One process may load what another has saved.
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
        self._begun = self._resume_at = Place(self.dataset.epoch, done)

    def _described(self) -> dict[str, Any]:
        return {"sampler": type(self).__name__, **self._kind()}

    def __iter__(self) -> Iterator[T]:
        draw = self.dataset.assignment()
        resumed, self._resume_at = self._resume_at, None
        first = resumed.done if resumed is not None and resumed.epoch == draw.epoch else 0
        for number, part in enumerate(self._parts(draw, first), first + 1):
            self._begun = Place(draw.epoch, number)
            # Before the last part goes out: a worker that has read it knows as well, and would speak first.
            if number == len(self):
                self._ended = self.dataset.iteration_ended(self._ended)
            yield part
            _require_epoch(draw.epoch, self.dataset.epoch)


def check_share(num_replicas: Any, rank: Any) -> tuple[int, int]:
    """Return both as integers if the rank is one of so many processes; raise `ArgumentError` otherwise."""
    replicas = check_count("num_replicas", num_replicas, 1)
    own = check_count("rank", rank, 0)
    if own >= replicas:
        raise ArgumentError(f"rank must be in [0, num_replicas), got {rank} of {num_replicas}")
    return replicas, own


def _require_epoch(begun: int, epoch: int) -> None:
    """Raise `ArgumentError` if a pass that was begun in one epoch would go on in another."""
    if begun != epoch:
        raise ArgumentError(
            f"set_epoch({epoch}) came in the middle of a pass over epoch {begun}, of which items were read "
            "already: call it before iter(loader). Lightning calls it late when it resumes; see docs/mixing.md"
        )
