"""Pairs: compositions of each image of a batch and the one before it, as `MixUp` and `CutMix` make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from augsynth._native.layout import DType
from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.plan import GIVEN, Composition, Layer
from augsynth.plan.lowering import Geometry
from augsynth.targets import TargetRules, cut_outs, place_composition, read_targets
from augsynth.transforms.matrices import translation
from augsynth.transforms.several.contract import NOTHING


class Pairs(NamedTuple):
    """The part that the image before it has in each of n images.

    Args:
        boxes: int64 (n, 4), the rectangles (top, left, bottom, right) that it covers; one without pixels
            shows nothing.
        keeps: float64 (n,), the share that the image keeps in the rectangle.
    """

    boxes: Ints
    keeps: Floats

    @property
    def shows(self) -> Any:
        """bool (n,), True where the rectangle has pixels."""
        return (self.boxes[:, 2:] > self.boxes[:, :2]).all(axis=1)

    def composition(self, shape: tuple[int, int, int], dtype: DType) -> Composition:
        """The composition of a batch of images of one shape.

        Args:
            shape: (H, W, C) of the images.
            dtype: their dtype.
        """
        count = len(self.boxes)
        own, shown = np.arange(count), np.flatnonzero(self.shows)
        shapes = np.tile(np.array(shape, np.int64), (count, 1))
        whole = NOTHING.begin(shapes, dtype)
        part = NOTHING.begin(shapes[shown], dtype)
        boxes = self.boxes[shown]
        corner = boxes[:, :2].astype(np.float64)
        part.add("rectangle", Geometry(translation(corner[:, 1], corner[:, 0]), boxes[:, 2:] - boxes[:, :2]))
        layers = (
            Layer.placed(whole.finish(), own, own),
            Layer.placed(part.finish(), shown, (shown - 1) % count, corners=boxes[:, :2], keeps=self.keeps[shown]),
        )
        return Composition(shape[:2], count, np.full(count, GIVEN), layers)

    @classmethod
    def of(cls, composition: Composition, size: tuple[int, int]) -> Pairs:
        """The pairs from which a composition was made; `ArgumentError` for any other composition.

        Args:
            composition: the composition.
            size: (H, W) of the images.
        """
        if not isinstance(composition, Composition):
            raise ArgumentTypeError(f"composition must be a Composition, got {type(composition).__name__}")
        count = len(composition)
        pairs = cls(np.zeros((count, 4), np.int64), np.zeros(count))
        if len(composition.layers) == 2:
            upper = composition.layers[1]
            pairs.boxes[upper.outputs], pairs.keeps[upper.outputs] = upper.boxes, upper.keeps
            partners = (upper.outputs - 1) % count
            if (upper.sources == partners).all() and composition.size == size and len(composition.items) == count:
                return pairs
        raise ArgumentError(
            f"the composition is not one of MixUp or CutMix for a whole batch of images of {size[0]}x{size[1]} pixels"
        )


def placed_pairs(targets: Sequence[Any], composition: Composition, weighted: bool) -> list[Any]:
    """The targets of a composition of pairs: those of both images, as far as they are shown.

    Args:
        targets: the target of each image.
        composition: the composition.
        weighted: True gives objects `weights`, the shares of their images.
    """
    count = len(composition)
    sizes = np.tile(np.array(composition.size, np.int64), (count, 1))
    readings = read_targets(targets, sizes, TargetRules())
    names = [f"images[{number}]" for number in range(count)]
    return place_composition(readings, composition, cut_outs(readings, composition), names, weighted)
