"""The sources of one epoch: a pure function of (seed, epoch) from positions to items, without storage for the items.

Within each group of real items, a keyed permutation ranks the items. The items with the lowest ranks are synthetic, and
each source has a range of ranks. The permutations of the pairing lead from ranks to synthetic items. Ranks are
distinct, so no synthetic item is used twice while another one is unused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from augsynth.core.rng import uniform
from augsynth.core.typing import Floats, Ints, Mask
from augsynth.data.mixing.rule.classes import Groups
from augsynth.data.mixing.rule.pairing import Picker, Slots, group_keys
from augsynth.data.mixing.rule.permutation import permute, unpermute
from augsynth.data.mixing.rule.spreading import spread

# Streams of random bits. Transforms in a pipeline use those from 0 on.
_OP_RANK, _OP_ORDER, _OP_PHASE = 0xFF00, 0xFF01, 0xFF02


class Places(NamedTuple):
    """Places of synthetic items, before the source of each is known; int64 arrays (m,).

    * `group`, `rank`: number of the group, and number among the synthetic items of all sources in the group.
    * `partner`: real item that the synthetic item stands for.
    """

    group: Ints
    rank: Ints
    partner: Ints


class EpochAssignment(ABC):
    """Assignment of a source to each position of one epoch.

    `len` gives the number of positions, which count from 0. All methods take and return arrays.

    Args:
        real: groups of the real items.
        quotas: (K, G) number of items of each synthetic source in each group.
        pickers: for each source, a function that gives the synthetic item of each slot of this epoch.
        seed: seed of the mix.
        epoch: number of the epoch, at least 0.
    """

    def __init__(self, real: Groups, quotas: Ints, pickers: Sequence[Picker], seed: int, epoch: int) -> None:
        self._real = real
        self._quotas = quotas.sum(axis=0)
        self._starts = np.cumsum(self._quotas) - self._quotas
        self._first_ranks = np.cumsum(quotas, axis=0) - quotas
        self._first_serials = np.cumsum(quotas, axis=1) - quotas
        self._pickers = pickers
        self._keys = group_keys(seed, epoch, len(self._quotas), _OP_RANK)
        self._counts = quotas.sum(axis=1).tolist()
        self._order_keys = group_keys(seed, epoch, max(len(quotas), 1) + 1, _OP_ORDER)
        self.epoch = epoch
        self.num_real_items = int(real.sizes.sum())
        self.num_synthetic = int(quotas.sum())

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _places(self, positions: Ints) -> tuple[Mask, Places]:
        """Return which of the positions (m,) are synthetic, and the places of these."""

    @abstractmethod
    def _synthetic_position(self, group: Ints, rank: Ints) -> Ints:
        """Return the position of the synthetic item with a rank in its group."""

    @abstractmethod
    def real_positions(self, numbers: Ints) -> Ints:
        """Return positions of real items in a random order; numbers are in [0, len − num_synthetic)."""

    def sources(self, positions: Ints) -> tuple[Ints, Ints]:
        """Return for each position (m,) the number of its source, and the number of its item in this source.

        Source 0 is the real data set, and source k + 1 is synthetic source k.
        """
        numbers = np.zeros(positions.shape, np.int64)
        items = self._real_items(positions)
        if self.num_synthetic:
            synthetic, slots = self.slots(positions)
            numbers[synthetic] = slots.source + 1
            items[synthetic] = self._picked(slots)
        return numbers, items

    def synthetic_positions(self, numbers: Ints) -> Ints:
        """Return positions of synthetic items in a random order, in which the sources are spread evenly.

        Args:
            numbers: (m,) numbers in the order, in [0, num_synthetic).
        """
        source, own = spread(numbers, self._counts)
        positions = np.empty_like(numbers)
        for number, count in enumerate(self._counts):
            chosen = source == number
            serial = self._shuffled(own[chosen], count, number + 1 if number else 0)
            group, rank = _group_and_rank(serial, self._first_serials[number])
            positions[chosen] = self._synthetic_position(group, self._first_ranks[number, group] + rank)
        return positions

    def slots(self, positions: Ints) -> tuple[Mask, Slots]:
        """Return which of the positions (m,) are synthetic, and the slots of these."""
        synthetic, (group, rank, partner) = self._places(positions)
        source = np.zeros_like(rank)
        if len(self._pickers) == 1:
            return synthetic, Slots(source, group, rank, self._starts[group] + rank, partner)
        for first in self._first_ranks[1:]:
            source += rank >= first[group]
        own = rank - self._first_ranks[source, group]
        return synthetic, Slots(source, group, own, self._first_serials[source, group] + own, partner)

    def _picked(self, slots: Slots) -> Ints:
        if len(self._pickers) == 1:
            return self._pickers[0](slots)
        items: Ints = np.empty_like(slots.rank)
        for number, pick in enumerate(self._pickers):
            chosen = slots.source == number
            items[chosen] = pick(Slots(*(field[chosen] for field in slots)))
        return items

    def _real_items(self, positions: Ints) -> Ints:
        """Return a new array with the real item at each position that has one."""
        return np.array(positions)

    def _shuffled(self, numbers: Ints, count: int, which: int) -> Ints:
        return permute(numbers, np.array([count], np.int64), self._order_keys[which : which + 1])

    def _ranked(self, group: Ints, rank: Ints) -> Ints:
        """Return the real item with a rank in its group; ranks beyond the group start again."""
        sizes = self._real.sizes[group]
        return self._real.item(group, permute(rank % sizes, sizes, self._keys[group]))


class ReplaceAssignment(EpochAssignment):
    """Assignment in which position i is real item i, or the synthetic item that replaces it."""

    def __len__(self) -> int:
        return self.num_real_items

    def _places(self, positions: Ints) -> tuple[Mask, Places]:
        group, member = self._real.locate(positions)
        rank = permute(member, self._real.sizes[group], self._keys[group])
        synthetic = rank < self._quotas[group]
        return synthetic, Places(group[synthetic], rank[synthetic], positions[synthetic])

    def _synthetic_position(self, group: Ints, rank: Ints) -> Ints:
        return self._position(group, rank)

    def real_positions(self, numbers: Ints) -> Ints:
        left = self._real.sizes - self._quotas
        serial = self._shuffled(numbers, self.num_real_items - self.num_synthetic, 1)
        group, rank = _group_and_rank(serial, np.cumsum(left) - left)
        return self._position(group, self._quotas[group] + rank)

    def _position(self, group: Ints, rank: Ints) -> Ints:
        return self._real.item(group, unpermute(rank, self._real.sizes[group], self._keys[group]))


class ExtendAssignment(EpochAssignment):
    """Assignment in which position i < n is real item i, and the synthetic items follow.

    Args:
        real, quotas, pickers, seed, epoch: as in `EpochAssignment`.
    """

    def __init__(self, real: Groups, quotas: Ints, pickers: Sequence[Picker], seed: int, epoch: int) -> None:
        super().__init__(real, quotas, pickers, seed, epoch)
        self._real_quotas = real.sizes

    def __len__(self) -> int:
        return self.num_real_items + self.num_synthetic

    def _places(self, positions: Ints) -> tuple[Mask, Places]:
        synthetic = positions >= self.num_real_items
        group, rank = _group_and_rank(positions[synthetic] - self.num_real_items, self._starts)
        # Partners follow the real items that are used, so those that the epoch leaves out come first.
        return synthetic, Places(group, rank, self._ranked(group, self._real_quotas[group] + rank))

    def _synthetic_position(self, group: Ints, rank: Ints) -> Ints:
        positions: Ints = self.num_real_items + self._starts[group] + rank
        return positions

    def real_positions(self, numbers: Ints) -> Ints:
        return self._shuffled(numbers, self.num_real_items, 1)


class BalancedAssignment(ExtendAssignment):
    """Assignment with chosen numbers of real items too: first the real ones, group by group, then the synthetic ones.

    A group with fewer real items than its number repeats them; all of them are used before one is used again.

    Args:
        real, quotas, pickers, seed, epoch: as in `EpochAssignment`.
        real_quotas: (G,) number of real items of each group.
    """

    def __init__(
        self, real: Groups, quotas: Ints, pickers: Sequence[Picker], seed: int, epoch: int, *, real_quotas: Ints
    ) -> None:
        super().__init__(real, quotas, pickers, seed, epoch)
        self.num_real_items = int(real_quotas.sum())
        self._real_quotas = real_quotas
        self._real_starts = np.cumsum(real_quotas) - real_quotas

    def _real_items(self, positions: Ints) -> Ints:
        items = np.array(positions)
        real = positions < self.num_real_items
        items[real] = self._ranked(*_group_and_rank(positions[real], self._real_starts))
        return items


def _group_and_rank(serial: Ints, starts: Ints) -> tuple[Ints, Ints]:
    """Return the group of each serial number, for groups that start at these numbers, and the number within it."""
    group = np.searchsorted(starts, serial, side="right") - 1
    return group, serial - starts[group]


def rounding_phases(seed: int, epoch: int, count: int) -> Floats:
    """Return uniform numbers (count,) in [0, 1) that decide which groups round their shares up."""
    phases: Floats = uniform([(seed, epoch, number) for number in range(count)], _OP_PHASE, 1)[:, 0]
    return phases
