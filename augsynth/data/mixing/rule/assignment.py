"""The sources of one epoch: a pure function of (seed, epoch) from positions to items, without storage for the items.

Within each group of real items, a keyed permutation ranks the items. The items with the lowest ranks are synthetic.
The permutations of the pairing lead from ranks to synthetic items. Ranks are distinct, so no synthetic item is used
twice while another one is unused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from augsynth.core.rng import uniform
from augsynth.core.typing import Ints, Mask
from augsynth.data.mixing.rule.classes import Groups
from augsynth.data.mixing.rule.pairing import Picker, Slots, group_keys
from augsynth.data.mixing.rule.permutation import permute, unpermute

# Streams of random bits. Transforms in a pipeline use those from 0 on.
_OP_RANK, _OP_ORDER, _OP_PHASE = 0xFF00, 0xFF01, 0xFF02


class EpochAssignment(ABC):
    """Assignment of a source to each position of one epoch.

    `len` gives the number of positions, which count from 0. All methods take and return arrays.

    Args:
        real: groups of the real items.
        quotas: (G,) number of synthetic items in each group.
        pick: gives the synthetic item of each slot of this epoch.
        seed: seed of the mix.
        epoch: number of the epoch, at least 0.
    """

    def __init__(self, real: Groups, quotas: Ints, pick: Picker, seed: int, epoch: int) -> None:
        self._real = real
        self._quotas = quotas
        self._starts = np.cumsum(quotas) - quotas
        self._pick = pick
        self._keys = group_keys(seed, epoch, len(quotas), _OP_RANK)
        self._order_keys = group_keys(seed, epoch, 2, _OP_ORDER)
        self.epoch = epoch
        self.num_real_items = int(real.sizes.sum())
        self.num_synthetic = int(quotas.sum())

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def slots(self, positions: Ints) -> tuple[Mask, Slots]:
        """Return which of the positions (m,) are synthetic, and the slots of these."""

    @abstractmethod
    def synthetic_positions(self, numbers: Ints) -> Ints:
        """Return positions of synthetic items in a random order; numbers are in [0, num_synthetic)."""

    @abstractmethod
    def real_positions(self, numbers: Ints) -> Ints:
        """Return positions of real items in a random order; numbers are in [0, len − num_synthetic)."""

    def sources(self, positions: Ints) -> tuple[Mask, Ints]:
        """Return for each position (m,) whether it is synthetic, and the number of its item in its data set."""
        if not self.num_synthetic:
            return np.zeros(positions.shape, bool), positions
        synthetic, slots = self.slots(positions)
        items = positions.copy()
        items[synthetic] = self._pick(slots)
        return synthetic, items

    def _shuffled(self, numbers: Ints, count: int, which: int) -> Ints:
        return permute(numbers, np.array([count], np.int64), self._order_keys[which : which + 1])

    def _group_of(self, serial: Ints, starts: Ints) -> Ints:
        return np.searchsorted(starts, serial, side="right") - 1


class ReplaceAssignment(EpochAssignment):
    """Assignment in which position i is real item i, or the synthetic item that replaces it."""

    def __len__(self) -> int:
        return self.num_real_items

    def slots(self, positions: Ints) -> tuple[Mask, Slots]:
        group, member = self._real.locate(positions)
        rank = permute(member, self._real.sizes[group], self._keys[group])
        synthetic = rank < self._quotas[group]
        group, rank, partner = group[synthetic], rank[synthetic], positions[synthetic]
        return synthetic, Slots(group, rank, self._starts[group] + rank, partner, np.zeros_like(rank))

    def synthetic_positions(self, numbers: Ints) -> Ints:
        serial = self._shuffled(numbers, self.num_synthetic, 0)
        group = self._group_of(serial, self._starts)
        return self._position(group, serial - self._starts[group])

    def real_positions(self, numbers: Ints) -> Ints:
        left = self._real.sizes - self._quotas
        starts = np.cumsum(left) - left
        serial = self._shuffled(numbers, self.num_real_items - self.num_synthetic, 1)
        group = self._group_of(serial, starts)
        return self._position(group, self._quotas[group] + serial - starts[group])

    def _position(self, group: Ints, rank: Ints) -> Ints:
        return self._real.item(group, unpermute(rank, self._real.sizes[group], self._keys[group]))


class ExtendAssignment(EpochAssignment):
    """Assignment in which position i < n is real item i, and the synthetic items follow."""

    def __len__(self) -> int:
        return self.num_real_items + self.num_synthetic

    def slots(self, positions: Ints) -> tuple[Mask, Slots]:
        synthetic = positions >= self.num_real_items
        serial = positions[synthetic] - self.num_real_items
        group = self._group_of(serial, self._starts)
        rank = serial - self._starts[group]
        sizes = self._real.sizes[group]
        partner = self._real.item(group, permute(rank % sizes, sizes, self._keys[group]))
        return synthetic, Slots(group, rank, serial, partner, rank // sizes)

    def synthetic_positions(self, numbers: Ints) -> Ints:
        return self.num_real_items + self._shuffled(numbers, self.num_synthetic, 0)

    def real_positions(self, numbers: Ints) -> Ints:
        return self._shuffled(numbers, self.num_real_items, 1)


def rounding_phase(seed: int, epoch: int) -> float:
    """Return the uniform number in [0, 1) that decides which groups round their share of the quota up."""
    return float(uniform([(seed, epoch, 0)], _OP_PHASE, 1)[0, 0])
