"""Transforms left to chance: some samples get them, or each sample gets one of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan.lowering import Lowering
from augsynth.targets import TargetRules
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import numbers, probability
from augsynth.transforms.pipeline import Pipeline, check_inner_rules


def _pipelines(transforms: object) -> tuple[Pipeline, ...]:
    given = (transforms,) if isinstance(transforms, Pipeline) else transforms
    if not isinstance(given, (tuple, list)) or not given:
        raise ArgumentError(f"transforms must be augsynth transforms, at least one, got {shown(transforms)}")
    for number, pipeline in enumerate(given):
        if not isinstance(pipeline, Pipeline):
            raise ArgumentTypeError(f"transforms[{number}] must be an augsynth transform, got {shown(pipeline)}")
    check_inner_rules(given, TargetRules())
    return tuple(given)


def chosen_among(weights: Floats, u: Floats) -> Ints:
    """The index (n,) of one of the `weights` (k,) for each uniform number `u` (n,)."""
    shares = np.cumsum(weights) / np.sum(weights)
    chosen: Ints = np.minimum(np.searchsorted(shares, u, side="right"), np.flatnonzero(weights)[-1])
    return chosen


@dataclass(frozen=True)
class Chance(Transform):
    """Base of the transforms that hold `transforms`, which take their draws after its own."""

    transforms: Sequence[Pipeline]
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "transforms", _pipelines(self.transforms))
        super().__post_init__()

    def flattened(self) -> Iterator[Pipeline]:
        yield self
        for pipeline in self.transforms:
            yield from pipeline.flattened()


@dataclass(frozen=True)
class RandomApply(Chance):
    """Apply all of some transforms to a sample at random, or none of them.

    They share passes with the transforms around them: a sample that is left out gets neutral parameters.

    Args:
        transforms: a transform or a pipeline, or a sequence of them.
        p: the probability, 0 to 1; 0.5 by default.

    >>> import numpy as np
    >>> from augsynth import transforms as T
    >>> T.RandomApply([T.RandomRotation((180, 180))], p=0.0)(np.array([[1, 2]], np.uint8)).tolist()
    [[[1, 2]]]
    """

    p: float = 0.5

    def check(self) -> None:
        probability(self.p)

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        applied = next(draws).u[:, 0] < self.p
        with lowering.only(applied):
            for pipeline in self.transforms:
                pipeline.lower(draws, lowering)


@dataclass(frozen=True)
class RandomChoice(Chance):
    """Apply one of several transforms to each sample, at random.

    The alternatives share passes as if they followed each other: a choice among transforms that fuse costs little, and
    `explain()` shows the others.

    Args:
        transforms: the alternatives: transforms or pipelines.
        p: a weight at least 0 for each alternative; equal weights by default.

    >>> import numpy as np
    >>> from augsynth import transforms as T
    >>> turn = T.RandomChoice([T.RandomRotation((90, 90)), T.RandomRotation((180, 180))], p=[0, 1])
    >>> turn(np.array([[1, 2], [3, 4]], np.uint8)).tolist()
    [[[4, 3], [2, 1]]]
    """

    p: Sequence[float] | None = None

    def check(self) -> None:
        if self.p is not None:
            weights = numbers(self.p, "p", len(self.transforms), 0.0)
            if sum(weights) <= 0:
                raise ArgumentError(f"p must have a weight above 0, got {self.p!r}")

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        weights = np.array(self.p or (1.0,) * len(self.transforms))
        chosen = chosen_among(weights, next(draws).u[:, 0])
        for number, pipeline in enumerate(self.transforms):
            with lowering.only(chosen == number):
                pipeline.lower(draws, lowering)
