"""The base of transforms that do one operation, without parameters, at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from augsynth.plan.lowering import ImageInfo, Operate
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import probability


@dataclass(frozen=True)
class RandomOperation(Transform):
    """Do the operation called `operation` with probability `p`.

    Args:
        p: the probability, 0 to 1; 0.5 by default.
    """

    p: float = 0.5
    operation: ClassVar[str]
    draws: ClassVar[int] = 1

    def check(self) -> None:
        probability(self.p)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        return Operate(self.operation, active=draw.u[:, 0] < self.p)
