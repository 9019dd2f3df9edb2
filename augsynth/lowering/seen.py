"""The frames that the next step of a pipeline sees: the images' sizes, and the boxes in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from augsynth.geometry import compose, inverse_map, map_boxes
from augsynth.lowering.steps import Floats, Ints


@dataclass
class Seen:
    """`sizes` (n, 2) are (height, width).

    `source_boxes` are (k, 4) for each sample, if there are any, in the image that came in; `inverse` (n, 3, 3) takes
    coordinates back to there, if there are boxes and they have moved.
    """

    sizes: Ints
    source_boxes: Sequence[Floats] | None = None
    inverse: Floats | None = None

    @property
    def boxes(self) -> Sequence[Floats] | None:
        """The boxes (k, 4) of each sample here, not clipped."""
        if self.source_boxes is None or self.inverse is None:
            return self.source_boxes
        return [map_boxes(*pair) for pair in zip(inverse_map(self.inverse), self.source_boxes, strict=True)]

    def move(self, sizes: Ints, inverse: Floats) -> None:
        """Go to frames of other sizes, whose coordinates `inverse` (n, 3, 3) takes back to those here."""
        self.sizes = sizes
        if self.source_boxes is not None:
            self.inverse = inverse if self.inverse is None else compose(self.inverse, inverse)
