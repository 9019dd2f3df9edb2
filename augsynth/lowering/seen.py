"""What the next step of a pipeline sees: the images' sizes, channels and dtype, and the boxes in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augsynth.errors import ArgumentError
from augsynth.geometry import compose, inverse_map, map_boxes
from augsynth.layout import MAX_CHANNELS, DType
from augsynth.lowering.steps import Floats, Ints, PerChannel
from augsynth.plan import FULL_SCALE


@dataclass
class Seen:
    """`sizes` (n, 2) are (height, width), `channels` (n,).

    `source_boxes` are (k, 4) for each sample, if there are any, in the image that came in; `inverse` (n, 3, 3) takes
    coordinates back to there, if there are boxes and they have moved.
    """

    sizes: Ints
    channels: Ints
    dtype: DType
    source_boxes: Sequence[Floats] | None = None
    inverse: Floats | None = None

    @property
    def boxes(self) -> Sequence[Floats] | None:
        """The boxes (k, 4) of each sample here, not clipped."""
        if self.source_boxes is None or self.inverse is None:
            return self.source_boxes
        return [map_boxes(*pair) for pair in zip(inverse_map(self.inverse), self.source_boxes, strict=True)]

    def move(self, inverse: Floats) -> None:
        """Go to coordinates that `inverse` (n, 3, 3) takes back to those here."""
        if self.source_boxes is not None:
            self.inverse = inverse if self.inverse is None else compose(self.inverse, inverse)

    def per_channel(self, values: PerChannel, what: str) -> tuple[float, ...]:
        """One value for each channel that a row can have."""
        given = (values,) if isinstance(values, (int, float)) else tuple(values)
        if len(given) > 1 and np.any(self.channels != len(given)):
            raise ArgumentError(
                f"{what} has {len(given)} values, one a channel, but the images have {_listed(self.channels)} channels"
            )
        return (given * MAX_CHANNELS)[:MAX_CHANNELS]

    def levels(self, values: PerChannel, what: str) -> tuple[float, ...]:
        """`per_channel`, where an integer image can only show what its dtype holds."""
        given, full = self.per_channel(values, what), FULL_SCALE[self.dtype]
        if self.dtype != DType.FLOAT32 and not all(0 <= value <= full for value in set(given)):
            raise ArgumentError(f"{what} must be in [0, {full:g}] for {self.dtype.name.lower()} images, got {values!r}")
        return given


def _listed(values: Ints) -> str:
    return " or ".join(str(value) for value in np.unique(values))
