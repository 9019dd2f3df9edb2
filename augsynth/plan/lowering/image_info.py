"""Image information: the description of a batch's images at one point of a pipeline, which is all that a step sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from augsynth import _native
from augsynth._native.layout import DType
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
from augsynth.plan.lowering.levels import levels
from augsynth.plan.lowering.steps import PerChannel


class TrackedBoxes(NamedTuple):
    """Boxes of objects, and the maps that images have gone through since the boxes were given.

    Args:
        source: (k, 4) for each sample, XYXY in the frame of the image that came in.
        inverse: (n, 3, 3) from the frame of the next step to that in which the open pass begins; None for the same
            frame.
        passes: the inverse and the sizes (n, 2) of each closed pass, in order.
    """

    source: Sequence[Floats]
    inverse: Floats | None = None
    passes: tuple[tuple[Floats | None, Ints], ...] = ()

    def moved(self, inverse: Floats) -> TrackedBoxes:
        """The boxes after a step that resamples; `inverse` (n, 3, 3) maps its output to its input."""
        return self._replace(inverse=inverse if self.inverse is None else compose(self.inverse, inverse))

    def cut(self, sizes: Ints) -> TrackedBoxes:
        """The boxes after the open pass ends with frames of `sizes` (n, 2): the parts outside are lost."""
        return TrackedBoxes(self.source, None, (*self.passes, (self.inverse, sizes)))

    def current(self) -> Sequence[Floats]:
        """The boxes (k, 4) of each sample in the frame of the next step; not clipped to it, NaN around nothing."""
        if self.passes:
            return [self._visible(sample, boxes) for sample, boxes in enumerate(self.source)]
        if self.inverse is None:
            return self.source
        return [map_boxes(*pair) for pair in zip(inverse_map(self.inverse), self.source, strict=True)]

    def _visible(self, sample: int, boxes: Floats) -> Floats:
        outlines = box_corners(boxes).tolist()
        for inverse, sizes in self.passes:
            forward, (height, width) = _forward(inverse, sample), sizes[sample].tolist()
            outlines = [clip_outline(map_outline(forward, outline), (0.0, 0.0, width, height)) for outline in outlines]
        forward = _forward(self.inverse, sample)
        return np.array([bounding_box(map_outline(forward, outline)) for outline in outlines]).reshape(-1, 4)


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

    def cast(self, dtype: DType) -> ImageInfo:
        """The images after a change of their dtype."""
        return ImageInfo(self.sizes, self.channels, dtype, self.tracked_boxes)

    def cut(self) -> ImageInfo:
        """The images after the open pass ends: the parts of boxes outside the frame are lost."""
        boxes = self.tracked_boxes
        return self if boxes is None else ImageInfo(self.sizes, self.channels, self.dtype, boxes.cut(self.sizes))


def _forward(inverse: Floats | None, sample: int) -> list[list[float]]:
    forward: list[list[float]] = (np.eye(3) if inverse is None else inverse_map(inverse[sample])).tolist()
    return forward
