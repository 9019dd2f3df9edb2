"""What a plan does to coordinates: where each sample's passes take the points of its source, and what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from augsynth.geometry import Floats, clip_polygon, inverse_map, map_boxes, map_points, map_polygon
from augsynth.plan.passes import Ints, Pass

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CoordinateMap:
    """The passes of one sample as maps of coordinates.

    `forwards` (p, 3, 3) takes the coordinates before each pass to those after it, `backwards` the other way;
    `sizes` (p + 1, 2) are the source's (height, width) and each pass's; `erasures` holds for each pass the rectangles
    (k, 4) that it overwrites, as (left, top, right, bottom).
    """

    forwards: Floats
    backwards: Floats
    sizes: Ints
    erasures: tuple[Floats, ...]

    @property
    def forward(self) -> Floats:
        """The matrix (3, 3) from the source to the output."""
        return reduce(lambda before, after: after @ before, self.forwards)

    @property
    def backward(self) -> Floats:
        """The matrix (3, 3) from the output to the source."""
        return reduce(np.matmul, self.backwards)

    @property
    def source_size(self) -> tuple[int, int]:
        return int(self.sizes[0, 0]), int(self.sizes[0, 1])

    @property
    def output_size(self) -> tuple[int, int]:
        return int(self.sizes[-1, 0]), int(self.sizes[-1, 1])

    def points(self, points: npt.ArrayLike) -> tuple[Floats, Mask, Mask]:
        """Source points (..., 2) in the output; which of them no pass cut off, its edges included; which it erased."""
        mapped = np.asarray(points, np.float64)
        inside = np.ones(mapped.shape[:-1], bool)
        erased = np.zeros(mapped.shape[:-1], bool)
        for forward, size, rectangles in zip(self.forwards, self.sizes[1:], self.erasures, strict=True):
            mapped = map_points(forward, mapped)
            inside &= np.all((mapped >= 0) & (mapped <= size[::-1]), axis=-1)
            for rectangle in rectangles:
                erased |= np.all((mapped >= rectangle[:2]) & (mapped < rectangle[2:]), axis=-1)
        return mapped, inside, erased

    def polygon(self, points: npt.ArrayLike) -> Floats:
        """The part (m, 2) of a source polygon (n, 2) that no pass cuts off, in the output."""
        shown = np.asarray(points, np.float64)
        for forward, (height, width) in zip(self.forwards, self.sizes[1:], strict=True):
            shown = clip_polygon(map_polygon(forward, shown), height, width)
        return shown

    @property
    def window(self) -> Floats:
        """The part (4,) of the output's frame, as XYXY, that shows what no earlier pass had cut off.

        An earlier frame that a later pass turned counts as the upright box around it.
        """
        boxes = []
        for number, (height, width) in enumerate(self.sizes[1:]):
            frame = np.array([[0.0, 0.0, width, height]])
            for forward in self.forwards[number + 1 :]:
                frame = map_boxes(forward, frame)
            boxes.append(frame[0])
        low, high = np.fmax.reduce([box[:2] for box in boxes]), np.fmin.reduce([box[2:] for box in boxes])
        return np.concatenate([low, np.maximum(low, high)])


def coordinate_maps(passes: Sequence[Pass]) -> list[CoordinateMap]:
    """The map of each sample."""
    backwards = np.stack([one.rows["inverse"] for one in passes], axis=1)
    forwards = inverse_map(backwards)
    sizes = np.stack([passes[0].rows["source_size"], *(one.rows["output_size"] for one in passes)], axis=1)
    erased = [_erasures(one) for one in passes]
    return [
        CoordinateMap(forwards[number], backwards[number], sizes[number].astype(np.int64), tuple(rectangles))
        for number, rectangles in enumerate(zip(*erased, strict=True))
    ]


def _erasures(one: Pass) -> list[Floats]:
    boxes = one.tables.erasures["box"][:, [1, 0, 3, 2]].astype(np.float64)
    return [boxes[first:behind] for first, behind in one.rows["erasures"]]
