"""Rules of pairing: a synthetic item of the class of a real one, made from it, or any."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple

import numpy as np

from augsynth.core.rng import draw_bits
from augsynth.core.typing import Ints
from augsynth.data.mixing.rule.classes import ClassMembers
from augsynth.data.mixing.rule.permutation import RoundKeys, permute, round_keys

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


class Pairing(ABC):
    """Choice of the synthetic item for each slot of one epoch."""

    @abstractmethod
    def pick(self, slots: Slots) -> Ints:
        """Return the synthetic item (m,) of each slot."""


class ClassPairing(Pairing):
    """Choice of an item of the group's class; all items of a class are used before one is used again.

    Args:
        items: synthetic items by class, in the order of the groups.
        seed: seed of the mix.
        epoch: number of the epoch.
    """

    def __init__(self, items: ClassMembers, seed: int, epoch: int) -> None:
        self._items = items
        self._keys = group_keys(seed, epoch, len(items.sizes), _OP_PICK)

    def pick(self, slots: Slots) -> Ints:
        sizes = self._items.sizes[slots.group]
        return self._items.item(slots.group, permute(slots.rank % sizes, sizes, self._keys[slots.group]))


class FreePairing(Pairing):
    """Choice of any item; all are used before one is used again.

    Args:
        count: number of synthetic items, at least 1.
        seed: seed of the mix.
        epoch: number of the epoch.
    """

    def __init__(self, count: int, seed: int, epoch: int) -> None:
        self._count = np.array([count], np.int64)
        self._keys = group_keys(seed, epoch, 1, _OP_PICK)

    def pick(self, slots: Slots) -> Ints:
        return permute(slots.serial % self._count, self._count, self._keys)


class IndexPairing(Pairing):
    """Choice of an item that was made from the partner; all of them are used before one is used again.

    Args:
        variants: number M of synthetic items made from each real one; real item j has j·M … j·M + M − 1.
        seed: seed of the mix.
        epoch: number of the epoch.
    """

    def __init__(self, variants: int, seed: int, epoch: int) -> None:
        self._variants = variants
        self._seed = seed
        self._epoch = epoch

    def pick(self, slots: Slots) -> Ints:
        keys = np.empty((len(slots.partner), 3), np.int64)
        keys[:, 0], keys[:, 1], keys[:, 2] = self._seed, self._epoch, slots.partner
        first = draw_bits(keys, _OP_PICK, 1)[:, 0].astype(np.int64)
        return slots.partner * self._variants + (first + slots.visit) % self._variants


def group_keys(seed: int, epoch: int, groups: int, op: int) -> RoundKeys:
    """Return the round keys (groups, ROUNDS) of one permutation for each group."""
    keys = np.empty((groups, 3), np.int64)
    keys[:, 0], keys[:, 1], keys[:, 2] = seed, epoch, np.arange(groups)
    return round_keys(keys, op)
