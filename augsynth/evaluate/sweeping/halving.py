"""Successive halving: the best of many arms, with most of the trials spent on the good ones.

Jamieson & Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from augsynth.evaluate.sweeping.arms import Arm
from augsynth.evaluate.sweeping.trials import Scores

FIRST = 2
"""Seeds of the first round."""

Run = Callable[[Sequence[Arm], Sequence[int]], Mapping[Arm, Sequence[Scores]]]
"""Function of arms and seeds that returns the scores of each arm, one a seed."""


def halve(arms: Sequence[Arm], seeds: Sequence[int], run: Run, metric: str) -> dict[Arm, list[Scores]]:
    """Try all arms on two seeds, the better half on twice as many, and so on, until all seeds are used.

    Args:
        arms: at least one.
        seeds: at least one. The last round ends with all of them.
        run: gives scores of arms for seeds.
        metric: name of the score that decides; more is better.

    Returns:
        The scores of each arm, in the order of the seeds. The best arm comes first. Arms that were dropped have fewer
        scores, and the earlier they were dropped, the later they come.
    """
    scores: dict[Arm, list[Scores]] = {arm: [] for arm in arms}
    left, dropped, done = list(arms), list[Arm](), 0
    for until in rounds(len(seeds)):
        if done:
            kept = max(1, -(-len(left) // 2))
            left, dropped = left[:kept], left[kept:] + dropped
        for arm, found in run(left, seeds[done:until]).items():
            scores[arm] += found
        left.sort(key=lambda arm: -fmean(one[metric] for one in scores[arm]))
        done = until
    return {arm: scores[arm] for arm in left + dropped}


def rounds(seeds: int) -> list[int]:
    """Return how many seeds have been used after each round: 2, 4, 8, … up to all.

    Args:
        seeds: number of seeds, at least 1.

    >>> rounds(5)
    [2, 4, 5]
    """
    ends = [min(FIRST, seeds)]
    while ends[-1] < seeds:
        ends.append(min(2 * ends[-1], seeds))
    return ends


def trials_of(arms: int, seeds: int) -> int:
    """Return the number of trials of `halve`.

    Args:
        arms: number of arms, at least 1.
        seeds: number of seeds, at least 1.

    >>> trials_of(arms=7, seeds=4)
    22
    """
    total = done = 0
    for until in rounds(seeds):
        total, done, arms = total + arms * (until - done), until, max(1, -(-arms // 2))
    return total
