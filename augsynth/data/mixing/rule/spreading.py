"""Orders in which items of several kinds are spread evenly, so that each run of them has their shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augsynth.core.typing import Ints


def spread(steps: Ints, counts: Sequence[int]) -> tuple[Ints, Ints]:
    """Return the kind of the item at each step of an even order, and its number among the items of its kind.

    Error diffusion (Bresenham, IBM Systems Journal 1965): among the first t of n steps, ⌊t·c/n + ½⌋ are of the last
    kind, which has c items. The other kinds share the other steps in the same way. With two kinds, a run of steps has
    less than one item too many or too few of each kind.

    Args:
        steps: (m,) numbers in the order, in [0, sum of `counts`).
        counts: number of items of each kind, at least one kind.

    >>> kinds, numbers = spread(np.arange(6), [4, 2])
    >>> kinds.tolist(), numbers.tolist()
    ([0, 1, 0, 0, 1, 0], [0, 0, 1, 2, 1, 3])
    """
    kinds, numbers = np.zeros_like(steps), np.array(steps)
    left = np.arange(len(steps))
    for kind in range(len(counts) - 1, 0, -1):
        total, count = sum(counts[: kind + 1]), counts[kind]
        before, after = (diffused(numbers[left] + ahead, count, total) for ahead in (0, 1))
        chosen = after > before
        kinds[left[chosen]], numbers[left[chosen]] = kind, before[chosen]
        left = left[~chosen]
        numbers[left] -= before[~chosen]
    return kinds, numbers


def diffused(steps: Ints, count: int, total: int) -> Ints:
    """Return how many of the first `steps` (m,) of an even order are among `count` of `total` items."""
    return (2 * steps * count + total) // (2 * total) if total else np.zeros_like(steps)
