"""Image information: the description of a batch's images at one point of a pipeline, which is all that a step sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from augsynth import _native
from augsynth._native.layout import DType
from augsynth.core.arrays import to_numpy
from augsynth.core.geometry import (
    Outline,
    bounding_box,
    box_corners,
    clip_outline,
    compose,
    inverse_map,
    map_boxes,
    map_outlines,
)
from augsynth.core.typing import Floats, Ints
from augsynth.plan.displacement import Displacement
from augsynth.plan.lowering.levels import levels
from augsynth.plan.lowering.steps import Displace, PerChannel

# A curved map takes polygons of one sample from the frame before a displacement to that after it.
CurvedMap = Callable[[Sequence[Outline]], Sequence[Outline]]


class TrackedPass(NamedTuple):
    """The maps of the steps of one pass.

    Args:
        inverse: (n, 3, 3) from the frame of the next step to that in which the pass begins, or to the frame that it
            displaces; None for the same frame.
        displaced: for each sample, the curved map from the beginning of the pass to the frame that it displaces; None
            if it displaces nothing.
    """

    inverse: Floats | None = None
    displaced: Sequence[CurvedMap] | None = None

    def moved(self, inverse: Floats) -> TrackedPass:
        """The maps after a step that resamples; `inverse` (n, 3, 3) maps its output to its input."""
        return self._replace(inverse=inverse if self.inverse is None else compose(self.inverse, inverse))

    def displacing(self, step: Displace) -> TrackedPass:
        """The maps after a step that displaces."""
        count = len(step.origin)
        after = np.tile(np.eye(3), (count, 1, 1)) if self.inverse is None else self.inverse
        active = np.ones(count, bool) if step.active is None else step.active
        samples = zip(active.tolist(), after, step.origin, step.spacing, step.offsets, strict=True)
        return TrackedPass(None, [_curved(*sample) for sample in samples])

    def outlines(self, outlines: Sequence[Outline], sample: int) -> Sequence[Outline]:
        """Polygons of one sample in the frame of the next step."""
        if self.displaced is not None:
            outlines = self.displaced[sample](outlines)
        forward = (np.eye(3) if self.inverse is None else inverse_map(self.inverse[sample])).tolist()
        return map_outlines(forward, outlines)


def _curved(active: bool, after: Floats, origin: Floats, spacing: Floats, grid: Floats) -> CurvedMap:
    if not active:
        return partial(map_outlines, inverse_map(after).tolist())
    return Displacement(np.eye(3), after, origin, spacing, grid).outlines


class TrackedBoxes(NamedTuple):
    """Boxes of objects, and the maps that images have gone through since the boxes were given.

    Args:
        source: (k, 4) for each sample, XYXY in the frame of the image that came in.
        opened: the maps of the open pass.
        passes: the maps and the sizes (n, 2) of each closed pass, in order.
        masks: the masks (..., H, W) of each sample, as they were given.
    """

    source: Sequence[Floats]
    opened: TrackedPass = TrackedPass()
    passes: tuple[tuple[TrackedPass, Ints], ...] = ()
    masks: Sequence[Sequence[Any]] = ()

    def moved(self, inverse: Floats) -> TrackedBoxes:
        """The boxes after a step that resamples; `inverse` (n, 3, 3) maps its output to its input."""
        return self._replace(opened=self.opened.moved(inverse))

    def displaced(self, step: Displace) -> TrackedBoxes:
        """The boxes after a step that displaces."""
        return self._replace(opened=self.opened.displacing(step))

    def cut(self, sizes: Ints) -> TrackedBoxes:
        """The boxes after the open pass ends with frames of `sizes` (n, 2): the parts outside are lost."""
        return self._replace(opened=TrackedPass(), passes=(*self.passes, (self.opened, sizes)))

    def current(self) -> Sequence[Floats]:
        """The boxes (k, 4) of each sample in the frame of the next step; not clipped to it, NaN around nothing."""
        if self.passes or self.opened.displaced is not None:
            return [self._visible(sample, boxes) for sample, boxes in enumerate(self.source)]
        if self.opened.inverse is None:
            return self.source
        return [map_boxes(*pair) for pair in zip(inverse_map(self.opened.inverse), self.source, strict=True)]

    def _visible(self, sample: int, boxes: Floats) -> Floats:
        outlines: Sequence[Outline] = box_corners(boxes).tolist()
        for maps, sizes in self.passes:
            height, width = sizes[sample].tolist()
            moved = maps.outlines(outlines, sample)
            outlines = [clip_outline(outline, (0.0, 0.0, width, height)) for outline in moved]
        outlines = self.opened.outlines(outlines, sample)
        return np.array([bounding_box(outline) for outline in outlines]).reshape(-1, 4)


_MOST_PIXELS = 256


def _pixels(masks: Sequence[Any], values: Sequence[int] | None) -> Floats:
    """Boxes (k, 4) of single pixels of masks (..., H, W)."""
    found = [np.zeros((0, 2), np.int64)]
    for mask in masks:
        planes = to_numpy(mask, "masks").reshape(-1, *mask.shape[-2:])
        chosen = planes != 0 if values is None else np.isin(planes, values)
        found.append(np.argwhere(chosen.any(axis=0)))
    places = np.concatenate(found)
    if len(places) > _MOST_PIXELS:
        places = places[np.linspace(0, len(places) - 1, _MOST_PIXELS).astype(np.int64)]
    corners = places[:, ::-1].astype(np.float64)
    return np.concatenate([corners, corners + 1.0], axis=1)


@dataclass(frozen=True, eq=False)
class ImageInfo:
    """The images of a batch at one point of a pipeline, without their pixels. `len()` is the number of images.

    Args:
        sizes: (n, 2), height and width of each image in pixels.
        channels: (n,), the number of channels of each image, 1 to 16.
        dtype: the dtype of all images.
        tracked_boxes: the boxes of the objects in the images; None where the call has no targets.

    >>> images = ImageInfo(np.array([[4, 6], [5, 5]]), np.array([3, 3]), DType.UINT8)
    >>> len(images), images.sizes[:, 1].tolist(), images.boxes
    (2, [6, 5], None)
    """

    sizes: Ints
    channels: Ints
    dtype: DType
    tracked_boxes: TrackedBoxes | None = None

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def boxes(self) -> Sequence[Floats] | None:
        """The boxes (k, 4) of each image, XYXY in pixels: around the part of each object that earlier passes have left.

        They are not clipped to the frame, and are NaN where nothing is left. None where the call has no targets.
        """
        return None if self.tracked_boxes is None else self.tracked_boxes.current()

    def mask_pixels(self, values: Sequence[int] | None = None) -> Sequence[Floats] | None:
        """Boxes (k, 4) around pixels of each image's masks that have one of the `values`, None for all except 0.

        They are spread evenly over those pixels, at most 256 of a sample, in the frame of the next step. None where the
        call has no targets.
        """
        tracked = self.tracked_boxes
        if tracked is None:
            return None
        return tracked._replace(source=[_pixels(masks, values) for masks in tracked.masks]).current()

    def levels(self, values: PerChannel, name: str) -> tuple[float, ...]:
        """Levels for each of the 16 possible channels; `ArgumentError` for levels that the images cannot have.

        Args:
            values: a number, or one for each channel, in the images' units.
            name: the parameter's name, for the message.
        """
        return levels(values, name, _native.distinct(self.channels), self.dtype)

    def resampled(self, sizes: Ints, inverse: Floats) -> ImageInfo:
        """The images after a step that resamples.

        Args:
            sizes: (n, 2), height and width of each output.
            inverse: (n, 3, 3), maps from the outputs' coordinates to the inputs'.
        """
        if self.tracked_boxes is not None:
            return ImageInfo(sizes, self.channels, self.dtype, self.tracked_boxes.moved(inverse))
        return self if sizes is self.sizes else ImageInfo(sizes, self.channels, self.dtype)

    def displaced(self, step: Displace) -> ImageInfo:
        """The images after a step that displaces."""
        boxes = self.tracked_boxes
        return self if boxes is None else replace(self, tracked_boxes=boxes.displaced(step))

    def with_channels(self, count: int) -> ImageInfo:
        """The images after a change of the number of their channels."""
        return replace(self, channels=np.full(len(self), count))

    def cast(self, dtype: DType) -> ImageInfo:
        """The images after a change of their dtype."""
        return ImageInfo(self.sizes, self.channels, dtype, self.tracked_boxes)

    def cut(self) -> ImageInfo:
        """The images after the open pass ends: the parts of boxes outside the frame are lost."""
        boxes = self.tracked_boxes
        return self if boxes is None else ImageInfo(self.sizes, self.channels, self.dtype, boxes.cut(self.sizes))
