"""The frames that the next step of a pipeline sees: the images' sizes, and the boxes in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from augsynth.core.geometry import (
    Outline,
    bounding_box,
    box_corners,
    clip_outline,
    compose,
    inverse_map,
    map_boxes,
    map_outline,
)
from augsynth.core.typing import Floats, Ints
from augsynth.plan.displacement import Displacement
from augsynth.plan.lowering.steps import Displace

# How a displacement, or the map in its place, takes a polygon of each sample from the source to the frame displaced.
Displaced = Sequence[Callable[[Outline], Outline]]


@dataclass
class Seen:
    """`sizes` (n, 2) are (height, width).

    `source_boxes` are (k, 4) for each sample, if there are any, in the image that came in; `inverse` (n, 3, 3) takes
    coordinates back to where the open pass begins, or to the frame that it displaces, if there are boxes and they have
    moved since. `displaced` are the displacements of the open pass, if it has any, and `passes` are the maps and sizes
    of those before it.
    """

    sizes: Ints
    source_boxes: Sequence[Floats] | None = None
    inverse: Floats | None = None
    displaced: Displaced | None = None
    passes: list[tuple[Floats | None, Displaced | None, Ints]] = field(default_factory=list)

    @property
    def boxes(self) -> Sequence[Floats] | None:
        """The boxes (k, 4) around what earlier passes left of each sample's objects, unclipped; NaN around nothing."""
        if self.source_boxes is None or (self.inverse is None and self.displaced is None and not self.passes):
            return self.source_boxes
        if self.passes or self.displaced is not None:
            return [self._left(number, boxes) for number, boxes in enumerate(self.source_boxes)]
        assert self.inverse is not None
        return [map_boxes(*pair) for pair in zip(inverse_map(self.inverse), self.source_boxes, strict=True)]

    def move(self, sizes: Ints, inverse: Floats) -> None:
        """Go to frames of other sizes, whose coordinates `inverse` (n, 3, 3) takes back to those here."""
        self.sizes = sizes
        if self.source_boxes is not None:
            self.inverse = inverse if self.inverse is None else compose(self.inverse, inverse)

    def displace(self, step: Displace) -> None:
        """Displace the samples for which the step is active."""
        if self.source_boxes is None:
            return
        count, one = len(self.sizes), np.eye(3)
        after = np.broadcast_to(one, (count, 3, 3)) if self.inverse is None else self.inverse
        maps = zip(after, step.origin, step.spacing, step.offsets, strict=True)
        active = np.ones(count, bool) if step.active is None else step.active
        self.displaced = [
            Displacement(one, *parts).outline if moves else partial(map_outline, inverse_map(parts[0]).tolist())
            for moves, parts in zip(active.tolist(), maps, strict=True)
        ]
        self.inverse = None

    def close(self) -> None:
        """End the pass: what lies outside of its frames is gone."""
        if self.source_boxes is not None:
            self.passes.append((self.inverse, self.displaced, self.sizes))
            self.inverse = self.displaced = None

    def _left(self, sample: int, boxes: Floats) -> Floats:
        outlines = box_corners(boxes).tolist()
        for inverse, displaced, sizes in self.passes:
            height, width = sizes[sample].tolist()
            moved = _moved(outlines, inverse, displaced, sample)
            outlines = [clip_outline(one, (0.0, 0.0, width, height)) for one in moved]
        left = _moved(outlines, self.inverse, self.displaced, sample)
        return np.array([bounding_box(one) for one in left]).reshape(-1, 4)


def _moved(
    outlines: Sequence[Outline], inverse: Floats | None, displaced: Displaced | None, sample: int
) -> Sequence[Outline]:
    """Polygons of one sample after the displacement of a pass, and the maps that follow it."""
    if displaced is not None:
        outlines = [displaced[sample](outline) for outline in outlines]
    forward = (np.eye(3) if inverse is None else inverse_map(inverse[sample])).tolist()
    return [map_outline(forward, outline) for outline in outlines]
