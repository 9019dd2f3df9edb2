"""Chance over several transforms at once: some of them, or all in a random order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import ClassVar

import numpy as np

from augsynth.core.typing import Ints, Mask
from augsynth.errors import ArgumentError
from augsynth.plan.lowering import Lowering
from augsynth.transforms.choice import Chance
from augsynth.transforms.contract import Draw
from augsynth.transforms.params import integer, numbers


@dataclass(frozen=True)
class SomeOf(Chance):
    """Apply some of several transforms to each sample, in the order in which they are listed.

    It is albumentations' `SomeOf(replace=False)` and imgaug's `SomeOf`. The transforms share passes with the ones
    around them: a sample that is left out gets neutral parameters.

    Args:
        transforms: the transforms or pipelines.
        n: the number of transforms that each sample gets: an integer, or a pair (lowest, highest), all equally likely;
            1 by default.
        p: a weight above 0 for each transform: a larger one is chosen more often. Equal weights by default.

    >>> import numpy as np
    >>> from augsynth import transforms as T
    >>> both = T.SomeOf([T.RandomRotation((90, 90)), T.RandomInvert(p=1.0)], n=2)
    >>> both(np.array([[1, 2], [3, 4]], np.uint8)).tolist()
    [[[253, 251], [254, 252]]]
    """

    n: int | Sequence[int] = 1
    p: Sequence[float] | None = None

    @property
    def draws(self) -> int:  # type: ignore[override]
        """One number for how many, and one for each transform."""
        return 1 + len(self.transforms)

    def check(self) -> None:
        low, high = self._counts_of()
        if not 0 <= low <= high <= len(self.transforms):
            raise ArgumentError(
                f"n must be (lowest, highest) within the number of transforms, {len(self.transforms)}, got {self.n!r}"
            )
        if self.p is not None and min(numbers(self.p, "p", len(self.transforms), 0.0)) == 0:
            raise ArgumentError(f"p must have weights above 0, got {self.p!r}: leave out what is never to be chosen")

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        chosen = self._chosen(next(draws))
        for number, pipeline in enumerate(self.transforms):
            with lowering.only(chosen[:, number]):
                pipeline.lower(draws, lowering)

    def _counts_of(self) -> tuple[int, int]:
        given = self.n if isinstance(self.n, tuple) else (self.n, self.n)
        if len(given) != 2:
            raise ArgumentError(f"n must be an integer or (lowest, highest), got {self.n!r}")
        low, high = (integer(count, "n", 0) for count in given)
        return low, high

    def _chosen(self, draw: Draw) -> Mask:
        """A mask (n, k) of the transforms of each sample.

        The ones with the smallest of k exponential numbers are a weighted choice without replacement (Efraimidis and
        Spirakis, "Weighted random sampling with a reservoir", 2006).
        """
        low, high = self._counts_of()
        count = low + (draw.u[:, :1] * (high - low + 1)).astype(np.int64)
        weights = np.array(self.p or (1.0,) * len(self.transforms))
        rank = np.argsort(np.argsort(-np.log1p(-draw.u[:, 1:]) / weights, axis=1), axis=1)
        chosen: Mask = rank < count
        return chosen


@dataclass(frozen=True)
class RandomOrder(Chance):
    """Apply all of several transforms to each sample, in a random order; all orders are equally likely.

    torchvision's `RandomOrder`. Which passes there are does not depend on the draws, so each of k transforms gets a
    place for each of the k positions: up to k² - k + 1 steps, of which those that can share a pass do. `explain()`
    shows them. Within a place, the transform has the same random parameters as in any other.

    Args:
        transforms: the transforms or pipelines, at most 16.

    >>> import numpy as np
    >>> from augsynth import transforms as T
    >>> order = T.RandomOrder([T.Pad((0, 0, 1, 0), fill=9), T.RandomHorizontalFlip(p=1.0)])
    >>> sorted({tuple(order(np.array([[1, 2]], np.uint8), key=(0, 0, k)).ravel().tolist()) for k in range(20)})
    [(2, 1, 9), (9, 2, 1)]
    """

    draws: ClassVar[int] = 16

    def check(self) -> None:
        if len(self.transforms) > self.draws:
            raise ArgumentError(f"RandomOrder takes at most {self.draws} transforms, got {len(self.transforms)}")

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        order = np.argsort(next(draws).u[:, : len(self.transforms)], axis=1)
        own = [list(islice(draws, sum(1 for _ in pipeline.flattened()))) for pipeline in self.transforms]
        for number, places in groupby(_places(order), key=lambda place: place[0]):
            # A sample has a transform once: neighbouring places of one transform are one step.
            active = np.any([there for _, there in places], axis=0)
            with lowering.only(active):
                self.transforms[number].lower(iter(own[number]), lowering)


def _places(order: Ints) -> Iterator[tuple[int, Mask]]:
    """The number of a transform, and a mask (n,) of the samples that have it at this place; places go to and fro."""
    count = order.shape[1]
    for position in range(count):
        for number in range(count) if position % 2 == 0 else reversed(range(count)):
            yield number, order[:, position] == number
