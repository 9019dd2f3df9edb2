"""Rules of pairing: a synthetic item of the class of a real one, made from it, or any; and of classes that are new."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from augsynth.core.rng import draw_bits, uniform
from augsynth.core.typing import Ints, Labels, Mask
from augsynth.data.mixing.rule.classes import ClassMembers
from augsynth.data.mixing.rule.permutation import RoundKeys, permute, round_keys
from augsynth.errors import DataError

PairingName = Literal["class", "index", "free"]

# Streams of random bits. Transforms in a pipeline use those from 0 on.
_OP_PICK, _OP_VARIANT, _OP_TURN = 0xFF10, 0xFF11, 0xFF12


class Slots(NamedTuple):
    """Places of the synthetic items of an epoch; each field is an int64 array (m,).

    * `source`: number of the source, from 0.
    * `group`: number of the group.
    * `rank`: number within the group and the source.
    * `serial`: number among all items of the source in the epoch.
    * `partner`: real item that the synthetic item stands for. Ranks that are a multiple of the group's size apart have
      the same partner.
    """

    source: Ints
    group: Ints
    rank: Ints
    serial: Ints
    partner: Ints


Picker = Callable[[Slots], Ints]


class Sides(NamedTuple):
    """Real and synthetic side of one source, as a pairing needs them.

    * `sizes`: (G,) numbers of real items in each group.
    * `classes`: (G,) classes of the real items in rising order; None if the pairing does not need them.
    * `num_synthetic`: number of synthetic items.
    * `labels`: reads the classes of the synthetic items (num_synthetic,).
    * `number`: number of the source, from 0. Sources draw independently of each other.
    * `name`: name of the source in messages.
    """

    sizes: Ints
    classes: Ints | None
    num_synthetic: int
    labels: Callable[[], Labels]
    number: int
    name: str


class Pairing(ABC):
    """Choice of a synthetic item for each slot of an epoch; raises `DataError` if the data sets do not fit.

    A subclass is found by its name in `PAIRINGS`. It pickles, because workers get a copy.

    Args:
        sides: both sides of a source.
    """

    needs_classes: ClassVar[bool] = False

    def __init__(self, sides: Sides) -> None:
        self._sides = sides

    @abstractmethod
    def picker(self, seed: int, epoch: int, quotas: Ints) -> Picker:
        """Return the function that gives the synthetic item (m,) of each slot, for one epoch.

        Args:
            seed: seed of the mix.
            epoch: number of the epoch.
            quotas: (G,) number of items of the source in each group.
        """

    @abstractmethod
    def uses(self, quotas: Ints) -> int:
        """Return how often an epoch uses the item that it uses most, for the numbers (G,) of items in each group."""

    @property
    def available(self) -> Mask:
        """Groups of real items (G,) that have synthetic items."""
        return np.ones(len(self._sides.sizes), bool)

    def require_classes(self, needed: Mask) -> None:  # noqa: B027 - most pairings have items for every slot
        """Raise `DataError` if some groups of real items that need synthetic items have none."""

    def partner(self, item: int) -> int | None:
        """Return the real item that a synthetic one was made from; None if the pairing knows none."""
        return None

    def _keys(self, seed: int, epoch: int, groups: int) -> RoundKeys:
        return group_keys(seed, epoch, groups, _OP_PICK, self._sides.number << 32)


class ClassPairing(Pairing):
    """Choice of an item of the group's class; all items of a class are used before one is used again."""

    needs_classes = True

    def __init__(self, sides: Sides) -> None:
        super().__init__(sides)
        assert sides.classes is not None
        self._classes = sides.classes
        self._items = ClassMembers(sides.labels(), sides.classes)

    def picker(self, seed: int, epoch: int, quotas: Ints) -> Picker:
        return partial(self._pick, self._keys(seed, epoch, len(self._classes)))

    def _pick(self, keys: RoundKeys, slots: Slots) -> Ints:
        return _of_group(self._items, slots.group, slots.rank, keys)

    def uses(self, quotas: Ints) -> int:
        return _most_uses(quotas, self._items.sizes)

    @property
    def available(self) -> Mask:
        return self._items.sizes > 0

    def require_classes(self, needed: Mask) -> None:
        missing = self._classes[~self.available & needed].tolist()
        if missing:
            raise DataError(
                f"{self._sides.name} has no items of {listed(missing)}, which pairing='class' needs: add them to the "
                "pool, use pairing='free', give a ratio for each class and leave these out, or give a label_map if its "
                "labels mean other classes"
            )


class FreePairing(Pairing):
    """Choice of any item; all are used before one is used again."""

    def picker(self, seed: int, epoch: int, quotas: Ints) -> Picker:
        return partial(self._pick, self._keys(seed, epoch, 1))

    def _pick(self, keys: RoundKeys, slots: Slots) -> Ints:
        count = np.array([self._sides.num_synthetic], np.int64)
        return permute(slots.serial % count, count, keys)

    def uses(self, quotas: Ints) -> int:
        return -(-int(quotas.sum()) // self._sides.num_synthetic)


class IndexPairing(Pairing):
    """Choice of an item that was made from the partner, in turn; all M of them are used before one is used again.

    Real item j has the synthetic items j·M … j·M + M − 1. They come in turn, from one that is drawn for j. With at most
    v slots of a partner in an epoch, epoch e has the turns from e·v on. So if v stays the same, an item does not come
    again in the ⌊M / v⌋ epochs that begin with it.
    """

    def __init__(self, sides: Sides) -> None:
        super().__init__(sides)
        num_real = int(sides.sizes.sum())
        if sides.num_synthetic % num_real:
            raise DataError(
                f"pairing='index' needs M items of {sides.name} for each real one, in the order of the real ones: got "
                f"{sides.num_synthetic} synthetic for {num_real} real items"
            )
        self._variants = sides.num_synthetic // num_real

    def picker(self, seed: int, epoch: int, quotas: Ints) -> Picker:
        return partial(self._pick, seed, epoch * self._visits(quotas) % self._variants)

    def _pick(self, seed: int, turns: Ints, slots: Slots) -> Ints:
        keys = np.empty((len(slots.partner), 3), np.int64)
        keys[:, 0], keys[:, 1], keys[:, 2] = seed, self._sides.number, slots.partner
        first = draw_bits(keys, _OP_VARIANT, 1)[:, 0].astype(np.int64)
        visit = slots.rank // self._sides.sizes[slots.group]
        variant: Ints = (first + turns[slots.group] + visit) % self._variants
        return slots.partner * self._variants + variant

    def _visits(self, quotas: Ints) -> Ints:
        """Return the largest number of slots of one partner in each group."""
        visits: Ints = -(-quotas // self._sides.sizes)
        return visits

    def uses(self, quotas: Ints) -> int:
        return -(-int(self._visits(quotas).max()) // self._variants)

    def partner(self, item: int) -> int | None:
        return item // self._variants


PAIRINGS: dict[PairingName, type[Pairing]] = {"class": ClassPairing, "index": IndexPairing, "free": FreePairing}
"""All pairings by name."""


class AuxiliaryPairing(Pairing):
    """Choice of an item of classes that the real set lacks, for a source whose items have no real partner.

    The items of an epoch are divided evenly among the classes: each has its share rounded down or up, and each epoch
    draws which ones are rounded up. All items of a class are used before one is used again.

    Args:
        sides: both sides of the source; `classes` are the new ones, in rising order, each with at least one item.
    """

    def __init__(self, sides: Sides) -> None:
        super().__init__(sides)
        assert sides.classes is not None
        self._items = ClassMembers(sides.labels(), sides.classes)

    def picker(self, seed: int, epoch: int, quotas: Ints) -> Picker:
        classes = len(self._items.sizes)
        turn = int(uniform([(seed, epoch, self._sides.number)], _OP_TURN, 1)[0, 0] * classes)
        return partial(self._pick, self._keys(seed, epoch, classes), turn)

    def _pick(self, keys: RoundKeys, turn: int, slots: Slots) -> Ints:
        classes = len(self._items.sizes)
        return _of_group(self._items, (slots.serial + turn) % classes, slots.serial // classes, keys)

    def uses(self, quotas: Ints) -> int:
        each = -(-int(quotas.sum()) // len(self._items.sizes))
        return _most_uses(np.full_like(self._items.sizes, each), self._items.sizes)


def _of_group(members: ClassMembers, groups: Ints, ranks: Ints, keys: RoundKeys) -> Ints:
    """Return the item of each rank in a random order of its group, which starts again at its end."""
    sizes = members.sizes[groups]
    return members.item(groups, permute(ranks % sizes, sizes, keys[groups]))


def _most_uses(quotas: Ints, sizes: Ints) -> int:
    filled = sizes > 0
    return int((-(-quotas[filled] // sizes[filled])).max(initial=0))


def listed(classes: list[Any]) -> str:
    """Return words for some classes, at most 20 of them by name."""
    names = ", ".join(str(label) for label in classes[:20])
    more = f" and {len(classes) - 20} more" if len(classes) > 20 else ""
    return f"class{'es' if len(classes) > 1 else ''} {names}{more}"


def group_keys(seed: int, epoch: int, groups: int, op: int, first: int = 0) -> RoundKeys:
    """Return the round keys (groups, ROUNDS) of one permutation for each group, from the group numbered `first` on."""
    keys = np.empty((groups, 3), np.int64)
    keys[:, 0], keys[:, 1], keys[:, 2] = seed, epoch, first + np.arange(groups)
    return round_keys(keys, op)
