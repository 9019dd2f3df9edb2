"""Transforms that look at how often values occur in a picture. They run between passes.

Channels are treated each by itself. Levels of a float image count on the full scale 1; NaN stays, and is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from augsynth.lowering import Lowering, Operate
from augsynth.transforms.base import Draw, Transform
from augsynth.transforms.params import probability


@dataclass(frozen=True)
class RandomEqualize(Transform):
    """Spread each channel's values evenly over the full scale, with probability `p`.

    uint8 images get the levels that Pillow and torchvision give them. In uint16 and float32 images a value becomes full
    scale * (number of smaller pixels) / (number of pixels below the largest value).

    >>> import numpy as np
    >>> RandomEqualize(p=1.0)(np.array([[0.25, 0.5, 0.75]], np.float32)).tolist()
    [[[0.0, 0.5, 1.0]]]
    """

    p: float = 0.5
    draws: ClassVar[int] = 1

    def check(self) -> None:
        probability(self.p)

    def step(self, draw: Draw, seen: Lowering) -> Operate:
        return Operate("equalize", active=draw.u[:, 0] < self.p)


@dataclass(frozen=True)
class RandomAutocontrast(Transform):
    """Stretch each channel over the full scale, its smallest value to 0 and its largest to 1, with probability `p`.

    Integers are rounded down: v becomes floor(full scale * (v - low) / (high - low)), exactly. Pillow and torchvision
    round the slope first, which gives some values a level less or more. A constant channel stays.

    >>> import numpy as np
    >>> RandomAutocontrast(p=1.0)(np.array([[50, 75, 100]], np.uint8)).tolist()
    [[[0, 127, 255]]]
    """

    p: float = 0.5
    draws: ClassVar[int] = 1

    def check(self) -> None:
        probability(self.p)

    def step(self, draw: Draw, seen: Lowering) -> Operate:
        return Operate("autocontrast", active=draw.u[:, 0] < self.p)
