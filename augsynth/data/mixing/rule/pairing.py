"""Which synthetic item stands for a real one: of its class, made from it, or any."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple

import numpy as np

from augsynth.core.rng import draw_bits
from augsynth.data.mixing.rule.classes import ClassMembers, Integers
from augsynth.data.mixing.rule.permutation import RoundKeys, permute, round_keys

PairingName = Literal["class", "index", "free"]

_OP_PICK = 0xFF10  # far beyond the positions of transforms in a pipeline, which count from 0


class Slots(NamedTuple):
    """The synthetic items of an epoch, or some of them; each field is an int64 array (m,).

    `group` and `rank`: number `rank` among those of the group. `serial`: its number among all. `partner`: the real
    item it stands for. `visit`: how many earlier ones have the same partner.
    """

    group: Integers
    rank: Integers
    serial: Integers
    partner: Integers
    visit: Integers


class Pairing(ABC):
    """Which synthetic item goes into a slot, in one epoch."""

    @abstractmethod
    def pick(self, slots: Slots) -> Integers:
        """The synthetic item (m,) of each slot."""


class ClassPairing(Pairing):
    """An item of the group's class; all items of a class are used before one is used again."""

    def __init__(self, items: ClassMembers, seed: int, epoch: int) -> None:
        self._items = items
        self._keys = group_keys(seed, epoch, len(items.sizes), _OP_PICK)

    def pick(self, slots: Slots) -> Integers:
        sizes = self._items.sizes[slots.group]
        return self._items.item(slots.group, permute(slots.rank % sizes, sizes, self._keys[slots.group]))


class FreePairing(Pairing):
    """Any of `count` items; all are used before one is used again."""

    def __init__(self, count: int, seed: int, epoch: int) -> None:
        self._count = np.array([count], np.int64)
        self._keys = group_keys(seed, epoch, 1, _OP_PICK)

    def pick(self, slots: Slots) -> Integers:
        return permute(slots.serial % self._count, self._count, self._keys)


class IndexPairing(Pairing):
    """One of the `variants` items made from the partner: real item j has the items j·variants + (0 … variants − 1)."""

    def __init__(self, variants: int, seed: int, epoch: int) -> None:
        self._variants = variants
        self._seed = seed
        self._epoch = epoch

    def pick(self, slots: Slots) -> Integers:
        keys = np.empty((len(slots.partner), 3), np.int64)
        keys[:, 0], keys[:, 1], keys[:, 2] = self._seed, self._epoch, slots.partner
        first = draw_bits(keys, _OP_PICK, 1)[:, 0].astype(np.int64)
        return slots.partner * self._variants + (first + slots.visit) % self._variants


def group_keys(seed: int, epoch: int, groups: int, op: int) -> RoundKeys:
    """The round keys (groups, ROUNDS) of one permutation for each group."""
    keys = np.empty((groups, 3), np.int64)
    keys[:, 0], keys[:, 1], keys[:, 2] = seed, epoch, np.arange(groups)
    return round_keys(keys, op)
