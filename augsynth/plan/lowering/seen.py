"""The frames that the next step of a pipeline sees: the images' sizes, and the boxes in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from augsynth.core.geometry import (
    bounding_box,
    box_corners,
    clip_outline,
    compose,
    inverse_map,
    map_boxes,
    map_outline,
)
from augsynth.core.typing import Floats, Ints


@dataclass
class Seen:
    """`sizes` (n, 2) are (height, width).

    `source_boxes` are (k, 4) for each sample, if there are any, in the image that came in; `inverse` (n, 3, 3) takes
    coordinates back to where the open pass begins, if there are boxes and they have moved. `passes` are the maps and
    sizes of those before it.
    """

    sizes: Ints
    source_boxes: Sequence[Floats] | None = None
    inverse: Floats | None = None
    passes: list[tuple[Floats | None, Ints]] = field(default_factory=list)

    @property
    def boxes(self) -> Sequence[Floats] | None:
        """The boxes (k, 4) around what earlier passes left of each sample's objects, unclipped; NaN around nothing."""
        if self.source_boxes is None or (self.inverse is None and not self.passes):
            return self.source_boxes
        if self.passes:
            return [self._left(number, boxes) for number, boxes in enumerate(self.source_boxes)]
        assert self.inverse is not None
        return [map_boxes(*pair) for pair in zip(inverse_map(self.inverse), self.source_boxes, strict=True)]

    def move(self, sizes: Ints, inverse: Floats) -> None:
        """Go to frames of other sizes, whose coordinates `inverse` (n, 3, 3) takes back to those here."""
        self.sizes = sizes
        if self.source_boxes is not None:
            self.inverse = inverse if self.inverse is None else compose(self.inverse, inverse)

    def close(self) -> None:
        """End the pass: what lies outside of its frames is gone."""
        if self.source_boxes is not None:
            self.passes.append((self.inverse, self.sizes))
            self.inverse = None

    def _left(self, sample: int, boxes: Floats) -> Floats:
        outlines = box_corners(boxes).tolist()
        for inverse, sizes in self.passes:
            forward, (height, width) = _forward(inverse, sample), sizes[sample].tolist()
            outlines = [clip_outline(map_outline(forward, one), (0.0, 0.0, width, height)) for one in outlines]
        forward = _forward(self.inverse, sample)
        return np.array([bounding_box(map_outline(forward, one)) for one in outlines]).reshape(-1, 4)


def _forward(inverse: Floats | None, sample: int) -> list[list[float]]:
    forward: list[list[float]] = (np.eye(3) if inverse is None else inverse_map(inverse[sample])).tolist()
    return forward
