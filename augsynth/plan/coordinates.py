"""Maps of coordinates: the points of a source in the frames of a plan's passes, and the parts that stay visible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial, reduce

import numpy as np
import numpy.typing as npt

from augsynth.core.geometry import (
    Outline,
    clip_boxes,
    clip_outline,
    inverse_map,
    keeps_upright,
    map_boxes,
    map_outline,
    map_outlines,
    map_points,
)
from augsynth.core.typing import Floats, Ints, Mask
from augsynth.plan.displacement import Displacement, displacements
from augsynth.plan.passes import Pass

OutlinesMap = Callable[[Sequence[Outline]], Sequence[Outline]]


@dataclass(frozen=True)
class CoordinateMap:
    """The passes of one sample as maps of coordinates.

    `forwards` (p, 3, 3) takes the coordinates before each pass to those after it, `backwards` the other way;
    `upright` (p,) tells which of them keep upright boxes upright. `sizes` (p + 1, 2) are the source's (height, width)
    and each pass's; `erasures` holds for each pass the rectangles (k, 4) that it overwrites, as (left, top, right,
    bottom). A pass that displaces has its map in `displacements` (p,), which are None for the others, and its matrices
    leave the displacement out.
    """

    forwards: Floats
    backwards: Floats
    upright: Mask
    sizes: Ints
    erasures: tuple[Floats, ...]
    displacements: tuple[Displacement | None, ...]

    def __getitem__(self, passes: slice) -> CoordinateMap:
        """Some of the passes, one after the other."""
        first, behind, _ = passes.indices(len(self.forwards))
        steps = (self.forwards[passes], self.backwards[passes], self.upright[passes])
        return CoordinateMap(*steps, self.sizes[first : behind + 1], self.erasures[passes], self.displacements[passes])

    @cached_property
    def curved(self) -> bool:
        """True if a pass displaces, so that no matrix is the map."""
        return any(self.displacements)

    @cached_property
    def forward(self) -> Floats:
        """The matrix (3, 3) from the source to the output, if the map is not `curved`."""
        return reduce(lambda before, after: after @ before, self.forwards)

    @cached_property
    def mirrors(self) -> bool:
        """True if the output shows the source mirrored. A displacement that keeps places apart mirrors nothing."""
        return bool(np.sign(np.linalg.det(self.forwards)).prod() < 0)

    @property
    def backward(self) -> Floats:
        """The matrix (3, 3) from the output to the source, if the map is not `curved`."""
        return reduce(np.matmul, self.backwards)

    @property
    def source_size(self) -> tuple[int, int]:
        return int(self.sizes[0, 0]), int(self.sizes[0, 1])

    @property
    def output_size(self) -> tuple[int, int]:
        return int(self.sizes[-1, 0]), int(self.sizes[-1, 1])

    def points(self, points: npt.ArrayLike) -> tuple[Floats, Mask, Mask]:
        """Source points (..., 2) in the output, a mask of those that no pass cut off, and a mask of the erased ones."""
        mapped = np.asarray(points, np.float64)
        inside, erased = np.ones(mapped.shape[:-1], bool), np.zeros(mapped.shape[:-1], bool)
        steps = list(self._through(mapped))
        for (mapped, within), rectangles in zip(steps, self.erasures, strict=True):
            inside &= within
            for rectangle in rectangles:
                erased |= np.all((mapped >= rectangle[:2]) & (mapped < rectangle[2:]), axis=-1)
        return mapped, inside, erased

    def cuts(self, polygons: Floats) -> Mask:
        """A mask (n,) of the convex source polygons (n, m, 2) that some pass cuts."""
        cut = np.zeros(len(polygons), bool)
        for _, within in self._through(polygons):
            cut |= ~within.all(axis=1)
        return cut

    def _through(self, points: Floats) -> Iterator[tuple[Floats, Mask]]:
        """Source points (..., 2) after each pass, with a mask of the points in its frame."""
        for forward, displacement, size in zip(self.forwards, self.displacements, self.sizes[1:], strict=True):
            points = map_points(forward, points) if displacement is None else displacement.outputs_of(points)
            yield points, np.all((points >= 0) & (points <= size[::-1]), axis=-1)

    def outlines(self, outlines: Sequence[Outline]) -> Sequence[Outline]:
        """The parts of source polygons that no pass cuts off, in the output."""
        for move, (height, width) in self._steps:
            outlines = [clip_outline(outline, (0.0, 0.0, width, height)) for outline in move(outlines)]
        return outlines

    def whole_outlines(self, outlines: Sequence[Outline]) -> Sequence[Outline]:
        """Source polygons in the output, of which nothing is cut off."""
        if not self.curved:
            return map_outlines(self.forward.tolist(), outlines)
        for move, _ in self._steps:
            outlines = move(outlines)
        return outlines

    def sources_of(self, points: Floats) -> Floats:
        """Points (..., 2) of the output in the source."""
        if not self.curved:
            return map_points(self.backward, points)
        for backward, displacement in reversed(list(zip(self.backwards, self.displacements, strict=True))):
            points = map_points(backward, points) if displacement is None else displacement.sources_of(points)
        return points

    def source_outline(self, points: Outline) -> Outline:
        """A polygon of the output in the source."""
        for backward, displacement in reversed(list(zip(self.backwards.tolist(), self.displacements, strict=True))):
            points = map_outline(backward, points) if displacement is None else displacement.source_outline(points)
        return points

    @cached_property
    def _steps(self) -> list[tuple[OutlinesMap, Sequence[float]]]:
        moves = [
            partial(map_outlines, forward) if displacement is None else displacement.outlines
            for forward, displacement in zip(self.forwards.tolist(), self.displacements, strict=True)
        ]
        return list(zip(moves, self.sizes[1:].astype(np.float64).tolist(), strict=True))

    @cached_property
    def last_turn(self) -> int:
        """The number of the last pass that turns what an earlier one showed; 0 if none does."""
        turns = np.flatnonzero(~self.upright[1:])
        return int(turns[-1]) + 1 if turns.size else 0

    @cached_property
    def window(self) -> Floats:
        """The part (4,) of the output's frame, as XYXY, that shows what no pass since the last turn had cut off."""
        window = np.array([[0.0, 0.0, *self.sizes[self.last_turn + 1, ::-1]]])
        for number in range(self.last_turn + 1, len(self.forwards)):
            window = clip_boxes(map_boxes(self.forwards[number], window), *self.sizes[number + 1])
        shown: Floats = window[0]
        return shown


def coordinate_maps(passes: Sequence[Pass]) -> list[CoordinateMap]:
    """The map of each sample."""
    backwards = np.stack([step.rows["inverse"] for step in passes], axis=1)
    forwards = inverse_map(backwards)
    sizes = np.stack([passes[0].rows["source_size"], *(step.rows["output_size"] for step in passes)], axis=1)
    displaced = np.stack([step.rows["displacement"] >= 0 for step in passes], axis=1)
    upright = keeps_upright(forwards) & ~displaced
    erased = zip(*(_erasures(step) for step in passes), strict=True)
    curves = zip(*(displacements(step.rows, step.tables) for step in passes), strict=True)
    together = zip(forwards, backwards, upright, sizes.astype(np.int64), erased, curves, strict=True)
    return [CoordinateMap(*parts) for parts in together]


def _erasures(step: Pass) -> list[Floats]:
    boxes = step.tables.erasures["box"][:, [1, 0, 3, 2]].astype(np.float64)
    return [boxes[first:behind] for first, behind in step.rows["erasures"]]
