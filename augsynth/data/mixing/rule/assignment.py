"""The draw of one epoch: a pure function of (seed, epoch) from positions to sources; nothing is stored per item.

Within each group of real items a keyed permutation ranks the items, and those with the lowest ranks are
synthetic; the pairing's own permutations lead from ranks to synthetic items. Ranks are distinct, and so nothing
is used twice while something is unused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from augsynth.core.rng import uniform
from augsynth.data.mixing.rule.classes import Groups, Integers
from augsynth.data.mixing.rule.pairing import Pairing, Slots, group_keys
from augsynth.data.mixing.rule.permutation import permute, unpermute

Mask = npt.NDArray[np.bool_]

# Operations of the random keys, far beyond the positions of transforms in a pipeline, which count from 0.
_OP_RANK, _OP_ORDER, _OP_PHASE = 0xFF00, 0xFF01, 0xFF02


class EpochAssignment(ABC):
    """Where each of the `len(draw)` positions of one epoch comes from.

    `quotas` (G,) are the synthetic items of each group of `real`. Positions count from 0; all methods are vectorised.
    """

    def __init__(self, real: Groups, quotas: Integers, pairing: Pairing, seed: int, epoch: int) -> None:
        self._real = real
        self._quotas = quotas
        self._starts = np.cumsum(quotas) - quotas
        self._pairing = pairing
        self._keys = group_keys(seed, epoch, len(quotas), _OP_RANK)
        self._order_keys = group_keys(seed, epoch, 2, _OP_ORDER)
        self.epoch = epoch
        self.num_real_items = int(real.sizes.sum())
        self.num_synthetic = int(quotas.sum())

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def slots(self, positions: Integers) -> tuple[Mask, Slots]:
        """Which positions (m,) are synthetic, and the slots of those that are."""

    @abstractmethod
    def synthetic_positions(self, numbers: Integers) -> Integers:
        """The positions of the synthetic items, in a random order: number 0 … num_synthetic − 1 to position."""

    @abstractmethod
    def real_positions(self, numbers: Integers) -> Integers:
        """The positions of the real items, in a random order: number 0 … len − num_synthetic − 1 to position."""

    def sources(self, positions: Integers) -> tuple[Mask, Integers]:
        """For each position (m,): is it synthetic, and which item of the real or the synthetic data set is it."""
        if not self.num_synthetic:
            return np.zeros(positions.shape, bool), positions
        synthetic, slots = self.slots(positions)
        items = positions.copy()
        items[synthetic] = self._pairing.pick(slots)
        return synthetic, items

    def _shuffled(self, numbers: Integers, count: int, which: int) -> Integers:
        return permute(numbers, np.array([count], np.int64), self._order_keys[which : which + 1])

    def _group_of(self, serial: Integers, starts: Integers) -> Integers:
        return np.searchsorted(starts, serial, side="right") - 1


class ReplaceAssignment(EpochAssignment):
    """Position i is real item i, or the synthetic item that replaces it."""

    def __len__(self) -> int:
        return self.num_real_items

    def slots(self, positions: Integers) -> tuple[Mask, Slots]:
        group, place = self._real.locate(positions)
        rank = permute(place, self._real.sizes[group], self._keys[group])
        synthetic = rank < self._quotas[group]
        group, rank, partner = group[synthetic], rank[synthetic], positions[synthetic]
        return synthetic, Slots(group, rank, self._starts[group] + rank, partner, np.zeros_like(rank))

    def synthetic_positions(self, numbers: Integers) -> Integers:
        serial = self._shuffled(numbers, self.num_synthetic, 0)
        group = self._group_of(serial, self._starts)
        return self._position(group, serial - self._starts[group])

    def real_positions(self, numbers: Integers) -> Integers:
        left = self._real.sizes - self._quotas
        starts = np.cumsum(left) - left
        serial = self._shuffled(numbers, self.num_real_items - self.num_synthetic, 1)
        group = self._group_of(serial, starts)
        return self._position(group, self._quotas[group] + serial - starts[group])

    def _position(self, group: Integers, rank: Integers) -> Integers:
        return self._real.item(group, unpermute(rank, self._real.sizes[group], self._keys[group]))


class ExtendAssignment(EpochAssignment):
    """Position i < n is real item i; the synthetic items follow."""

    def __len__(self) -> int:
        return self.num_real_items + self.num_synthetic

    def slots(self, positions: Integers) -> tuple[Mask, Slots]:
        synthetic = positions >= self.num_real_items
        serial = positions[synthetic] - self.num_real_items
        group = self._group_of(serial, self._starts)
        rank = serial - self._starts[group]
        sizes = self._real.sizes[group]
        partner = self._real.item(group, permute(rank % sizes, sizes, self._keys[group]))
        return synthetic, Slots(group, rank, serial, partner, rank // sizes)

    def synthetic_positions(self, numbers: Integers) -> Integers:
        return self.num_real_items + self._shuffled(numbers, self.num_synthetic, 0)

    def real_positions(self, numbers: Integers) -> Integers:
        return self._shuffled(numbers, self.num_real_items, 1)


def rounding_phase(seed: int, epoch: int) -> float:
    """The uniform number in [0, 1) that decides which groups round their share of the quota up."""
    return float(uniform([(seed, epoch, 0)], _OP_PHASE, 1)[0, 0])
