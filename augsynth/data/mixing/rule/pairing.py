"""Rules of pairing: a synthetic item of the class of a real one, made from it, or any."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from augsynth.core.rng import draw_bits
from augsynth.core.typing import Ints, Mask
from augsynth.data.mixing.rule.classes import ClassMembers
from augsynth.data.mixing.rule.labels import class_labels
from augsynth.data.mixing.rule.permutation import RoundKeys, permute, round_keys
from augsynth.errors import DataError

PairingName = Literal["class", "index", "free"]

_OP_PICK = 0xFF10  # a stream of random bits; transforms in a pipeline use those from 0 on


class Slots(NamedTuple):
    """Places of synthetic items in an epoch; each field is an int64 array (m,).

    * `group`: number of the group.
    * `rank`: number within the group.
    * `serial`: number among all synthetic items of the epoch.
    * `partner`: real item that the synthetic item stands for.
    * `visit`: number of earlier slots with the same partner.
    """

    group: Ints
    rank: Ints
    serial: Ints
    partner: Ints
    visit: Ints


Picker = Callable[[Slots], Ints]


class Sides(NamedTuple):
    """Data sets of a mix, as a pairing needs them.

    * `num_real`, `num_synthetic`: numbers of items.
    * `classes`: classes of the real items in rising order; None if the pairing does not need them.
    * `synthetic`: the synthetic data set.
    * `progress`: whether a progress bar is shown while labels are read.
    """

    num_real: int
    num_synthetic: int
    classes: Ints | None
    synthetic: Any
    progress: bool


class Pairing(ABC):
    """Choice of a synthetic item for each slot of an epoch; raises `DataError` if the data sets do not fit.

    A subclass is found by its name in `PAIRINGS`. It pickles, because workers get a copy.

    Args:
        sides: both data sets.
    """

    needs_classes: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, sides: Sides) -> None: ...

    @abstractmethod
    def picker(self, seed: int, epoch: int) -> Picker:
        """Return the function that gives the synthetic item (m,) of each slot, for one epoch."""

    def require_classes(self, needed: Mask) -> None:  # noqa: B027 - most pairings have items for every slot
        """Raise `DataError` if some groups of real items that need synthetic items have none."""


class ClassPairing(Pairing):
    """Choice of an item of the group's class; all items of a class are used before one is used again."""

    needs_classes = True

    def __init__(self, sides: Sides) -> None:
        assert sides.classes is not None
        self._classes = sides.classes
        labels = class_labels(sides.synthetic, "synthetic", progress=sides.progress)
        self._items = ClassMembers(labels, sides.classes)

    def picker(self, seed: int, epoch: int) -> Picker:
        return partial(self._pick, group_keys(seed, epoch, len(self._classes), _OP_PICK))

    def _pick(self, keys: RoundKeys, slots: Slots) -> Ints:
        sizes = self._items.sizes[slots.group]
        return self._items.item(slots.group, permute(slots.rank % sizes, sizes, keys[slots.group]))

    def require_classes(self, needed: Mask) -> None:
        missing = self._classes[(self._items.sizes == 0) & needed].tolist()
        if missing:
            raise DataError(
                f"synthetic has no items of {listed(missing)}, which pairing='class' needs: add them to the pool, use "
                "pairing='free', or give a ratio for each class and leave these out"
            )


class FreePairing(Pairing):
    """Choice of any item; all are used before one is used again."""

    def __init__(self, sides: Sides) -> None:
        self._count = np.array([sides.num_synthetic], np.int64)

    def picker(self, seed: int, epoch: int) -> Picker:
        return partial(self._pick, group_keys(seed, epoch, 1, _OP_PICK))

    def _pick(self, keys: RoundKeys, slots: Slots) -> Ints:
        return permute(slots.serial % self._count, self._count, keys)


class IndexPairing(Pairing):
    """Choice of an item that was made from the partner; all of them are used before one is used again.

    Real item j has the synthetic items j·M … j·M + M − 1.
    """

    def __init__(self, sides: Sides) -> None:
        if sides.num_synthetic % sides.num_real:
            raise DataError(
                "pairing='index' needs M synthetic items for each real one, in the order of the real ones: got "
                f"{sides.num_synthetic} synthetic for {sides.num_real} real items"
            )
        self._variants = sides.num_synthetic // sides.num_real

    def picker(self, seed: int, epoch: int) -> Picker:
        return partial(self._pick, seed, epoch)

    def _pick(self, seed: int, epoch: int, slots: Slots) -> Ints:
        keys = np.empty((len(slots.partner), 3), np.int64)
        keys[:, 0], keys[:, 1], keys[:, 2] = seed, epoch, slots.partner
        first = draw_bits(keys, _OP_PICK, 1)[:, 0].astype(np.int64)
        return slots.partner * self._variants + (first + slots.visit) % self._variants


PAIRINGS: dict[PairingName, type[Pairing]] = {"class": ClassPairing, "index": IndexPairing, "free": FreePairing}
"""All pairings by name."""


def listed(classes: list[Any]) -> str:
    """Return words for some classes, at most 20 of them by name."""
    names = ", ".join(str(label) for label in classes[:20])
    more = f" and {len(classes) - 20} more" if len(classes) > 20 else ""
    return f"class{'es' if len(classes) > 1 else ''} {names}{more}"


def group_keys(seed: int, epoch: int, groups: int, op: int) -> RoundKeys:
    """Return the round keys (groups, ROUNDS) of one permutation for each group."""
    keys = np.empty((groups, 3), np.int64)
    keys[:, 0], keys[:, 1], keys[:, 2] = seed, epoch, np.arange(groups)
    return round_keys(keys, op)
