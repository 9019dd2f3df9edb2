"""Numbers of synthetic items in an epoch: of each source, in each group of real items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from augsynth.core.typing import Floats, Ints, Mask
from augsynth.data.mixing.rule.ratio import FixedRatio

Mode = Literal["replace", "extend"]


def quota(ratio: float, count: int, mode: Mode) -> int:
    """Return the number s of synthetic items that goes with `count` real ones.

    Args:
        ratio: synthetic fraction of an epoch, in [0, 1] ("extend": [0, 1)).
        count: number of real items.
        mode: "replace": s = round(ratio · count); "extend": the s with s = round(ratio · (count + s)).

    >>> quota(0.25, 100, "replace"), quota(0.25, 75, "extend")
    (25, 25)
    """
    return int(shares(np.array([[ratio]]), np.array([count]), mode).sum())


def shares(ratios: Floats, counts: Ints, mode: Mode) -> Ints:
    """Return the number of synthetic items (K, n) of each of K sources, for n numbers of real items.

    All sources together have exactly `quota` of the sum of their ratios. It is divided by largest remainders: each
    source gets its exact share rounded down, and those with the largest fractions get one more. Of equal fractions, the
    first counts.

    Args:
        ratios: (K, n) synthetic fractions; each column adds up to at most 1 ("extend": below 1).
        counts: (n,) numbers of real items.
        mode: "replace" or "extend".

    >>> shares(np.array([[0.5], [0.25]]), np.array([9]), "replace").tolist()
    [[5], [2]]
    """
    sums = ratios.sum(axis=0)
    total = np.minimum(sums, 1.0)
    # Rounding count·r/(1−r) moves s by at most 1/2, and s − r·(count+s) by (1−r) times that: still below 1/2.
    kept = 1.0 if mode == "replace" else 1 - total
    exact = ratios / np.maximum(sums, 1.0) * counts / kept
    result: Ints = np.floor(exact).astype(np.int64)
    left = np.rint(total * counts / kept).astype(np.int64) - result.sum(axis=0)
    order = np.argsort(result - exact, axis=0, kind="stable")
    np.put_along_axis(result, order, np.take_along_axis(result, order, 0) + (np.arange(len(result))[:, None] < left), 0)
    return result


def source_quotas(ratios: Sequence[FixedRatio], sizes: Ints, classes: Ints | None, mode: Mode, phases: Floats) -> Ints:
    """Return the number of synthetic items (K, G) of each source in each group of real items.

    If a source has a ratio for each class, all are rounded in each class; a class without a ratio has no items.
    Otherwise each source has its exact number in the epoch, which is divided among the groups in proportion.

    Args:
        ratios: synthetic fraction of each source, one for all or by class.
        sizes: (G,) number of real items in each group.
        classes: (G,) class of each group; None if the groups are no classes.
        mode: "replace" or "extend".
        phases: (K,) numbers in [0, 1) that decide which groups round up.

    >>> source_quotas([0.5], np.array([3, 3]), None, "replace", np.zeros(1)).tolist()
    [[1, 2]]
    """
    if any(isinstance(ratio, Mapping) for ratio in ratios):
        assert classes is not None
        table = [
            [ratio.get(label, 0.0) if isinstance(ratio, Mapping) else ratio for label in classes.tolist()]
            for ratio in ratios
        ]
        return shares(np.array(table), sizes, mode)
    totals = source_totals(ratios, int(sizes.sum()), mode)
    return split(proportional(int(totals.sum()), sizes, phases[0]), totals, phases[1:])


def source_totals(ratios: Sequence[FixedRatio], count: int, mode: Mode) -> Ints:
    """Return the number of synthetic items (K,) of each source, with one ratio each; see `shares`."""
    totals: Ints = shares(np.array(ratios, float).reshape(-1, 1), np.array([count]), mode)[:, 0]
    return totals


def balanced_quotas(ratios: Sequence[float], sizes: Ints, paired: Mask, mode: Mode, phases: Floats) -> Ints:
    """Return the number of synthetic items (K, G) of each source in each class, for equally many items of all classes.

    The sources that pair with real items are balanced together. Of the others, only the sums over the classes matter.

    Args:
        ratios: synthetic fraction of each source.
        sizes: (G,) number of real items of each class.
        paired: (K,) marks of the sources that pair with real items.
        mode: "replace": as many items as there are real ones; "extend": all classes have as many real items as the
            largest one, and the synthetic ones are added.
        phases: (K,) numbers in [0, 1) that decide which classes round up.

    >>> balanced_quotas([0.5], np.array([7, 2, 3]), np.array([True]), "replace", np.zeros(1)).tolist()
    [[2, 2, 2]]
    """
    count = int(sizes.sum()) if mode == "replace" else len(sizes) * int(sizes.max())
    totals, alike = source_totals(ratios, count, mode), np.ones_like(sizes)
    quotas = np.array([proportional(total, alike, 0.0) for total in totals.tolist()])
    own = totals[paired]
    if own.size:
        quotas[paired] = split(proportional(int(own.sum()), alike, phases[0]), own, phases[1:])
    return quotas


def filling_quotas(missing: Ints, able: Mask, phase: float) -> Ints:
    """Return the number of synthetic items (K, G) of each source that fill the classes: equally many, within one.

    Args:
        missing: (G,) number of items that each class lacks.
        able: (K, G) marks of the sources that have items of a class.
        phase: number in [0, 1) that decides which sources give the one item more.

    >>> filling_quotas(np.array([5, 4]), np.array([[True, False], [True, True]]), 0.0).tolist()
    [[3, 0], [2, 4]]
    """
    sharing = np.maximum(able.sum(axis=0), 1)
    turns = (np.cumsum(able, axis=0) - 1 + np.arange(len(missing)) + int(phase * 2**20)) % sharing
    quotas: Ints = able * (missing // sharing + (turns < missing % sharing))
    return quotas


def balanced_real(num_synthetic: int, sizes: Ints, mode: Mode, phase: float) -> Ints:
    """Return the number of real items (G,) of each class that goes with `balanced_quotas`.

    Args:
        num_synthetic: number of synthetic items of the epoch.
        sizes: (G,) number of real items of each class.
        mode: "replace": what the synthetic items leave, divided evenly; "extend": the largest size.
        phase: number in [0, 1) that decides which classes round up.

    >>> balanced_real(6, np.array([7, 2, 3]), "replace", 0.0).tolist()
    [2, 2, 2]
    """
    if mode == "extend":
        return np.full_like(sizes, sizes.max())
    return proportional(int(sizes.sum()) - num_synthetic, np.ones_like(sizes), phase)


def proportional(total: int, sizes: Ints, phase: float) -> Ints:
    """Return `total` divided in proportion to the sizes (G,): each gets its share rounded down or up.

    If phases are uniform, every group gets its exact share on average (systematic sampling; Cox, "A constructive
    procedure for unbiased controlled rounding", JASA 1987).

    Args:
        total: number to divide. Up to the sum of the sizes, no group gets more than its size.
        sizes: (G,) numbers of at least 0, not all 0.
        phase: number in [0, 1) that decides which groups round up.

    >>> proportional(3, np.array([3, 3]), phase=0.0).tolist()
    [1, 2]
    """
    count = int(sizes.sum())
    ends = (total * np.cumsum(sizes) + int(phase * count)) // count
    return np.diff(ends, prepend=0)


def split(rows: Ints, totals: Ints, phases: Floats) -> Ints:
    """Return a matrix (K, G) of numbers with these sums: `rows` (G,) over the sources, `totals` (K,) over the groups.

    One source after another takes its proportional part of what the earlier ones left. So each entry is less than 2
    from rows · totals / sum, and exact on average over uniform phases.

    Args:
        rows: (G,) numbers of at least 0.
        totals: (K,) numbers of at least 0 with the sum of the rows.
        phases: (K − 1,) numbers in [0, 1).

    >>> split(np.array([2, 4]), np.array([2, 4]), np.zeros(1)).tolist()
    [[0, 2], [2, 2]]
    """
    left = rows.copy()
    matrix = np.zeros((len(totals), len(rows)), np.int64)
    for number, total in enumerate(totals.tolist()):
        if total:
            last = number == len(totals) - 1
            matrix[number] = left if last else proportional(total, left, phases[number])
            left -= matrix[number]
    return matrix
