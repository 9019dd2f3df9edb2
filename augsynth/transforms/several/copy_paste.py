"""`CopyPaste`: objects that are cut out of other images and pasted at random places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from augsynth.core import rng
from augsynth.core.geometry import compose
from augsynth.core.rng import Keys
from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError, shown
from augsynth.plan import Composition, Layer, Plan
from augsynth.plan.lowering import Geometry, Lowering, Sampling
from augsynth.transforms.matrices import scaling, translation
from augsynth.transforms.params import filtered, flag, positive, whole_range
from augsynth.transforms.pipeline import Pipeline, check_inner_rules
from augsynth.transforms.several.contract import NOTHING, SeveralImages, layer_keys, layer_plan
from augsynth.transforms.several.objects import count_of, window_of
from augsynth.transforms.several.sources import Gathering, Sources

BLENDS = ("none", "gaussian")
_MOST_OBJECTS = 64
_REACH = 3  # of the blurred edges, in standard deviations


class _Pick(NamedTuple):
    """One object to be pasted: its output, source and number, and the box (4,) around it in the source."""

    output: int
    source: int
    number: int
    window: Floats


class _Draws(NamedTuple):
    """The random numbers of n outputs: for the whole, and for each of the objects."""

    chance: Floats
    counts: Floats
    items: Floats
    objects: Floats
    scales: Floats
    places: Floats


@dataclass(frozen=True)
class CopyPaste(SeveralImages):
    """Paste objects of other images: cut out by their masks, scaled, transformed, and put at a random place.

    Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation", CVPR 2021. There,
    all objects of a pair of images are jittered together; here each is by itself. Objects without masks are cut out by
    their boxes. Objects below lose the pixels that are hidden, from their masks, boxes and `area`; those of which too
    little is left (`min_visibility` of `transform`) are dropped. Keypoints that are hidden get the visibility 1.

    Args:
        source: the data set of the objects: items (image, target) or dicts with "image" and `boxes`, `labels`, perhaps
            `masks`; or images of a single object, whose last channel is alpha and which have one channel more than the
            others, as (image, label). None (the default) takes objects of the other images of the batch.
        n: the number of objects, or (lowest, highest); (1, 3) by default. They are taken from one item as long as it
            has some.
        transform: the pipeline of each object, with draws of its own; nothing by default. It gets the part of the image
            around the object. The rules of a `Compose` (`min_visibility=…`) hold for all targets.
        base: the pipeline of the images on which objects are pasted, which gives them one size; nothing by default.
        then: the transform of the finished outputs; None by default.
        scale: the factor of an object's size, above 0, or (lowest, highest); (0.5, 1.5) by default. An object that
            would be larger than the output gets its size.
        blend: "none" (the default) for sharp edges, or "gaussian" for blurred ones.
        sigma: the standard deviation of the blur in pixels, above 0; 1 by default.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        antialias: True (the default) widens the filter where an image becomes smaller.
        p: the probability that an image gets objects; 1 by default.

    >>> import numpy as np
    >>> from augsynth import transforms as T
    >>> red = np.full((8, 8, 3), (255, 0, 0), np.uint8), {"boxes": [[2.0, 2, 6, 5]], "labels": [7]}
    >>> paste = T.CopyPaste([red], n=1, scale=1.0)
    >>> black = np.zeros((20, 20, 3), np.uint8)
    >>> image, target = paste(black, {"boxes": [[0.0, 0, 20, 20]], "labels": [1]}, key=(0, 0, 0))
    >>> int((image[0] == 255).sum()), target["labels"], np.array(target["boxes"][1]).reshape(2, 2)
    (12, [1, 7], array([[11.,  7.],
           [15., 10.]]))
    """

    source: Any = field(default=None, repr=False, compare=False)
    n: int | Sequence[int] = (1, 3)
    transform: Pipeline = NOTHING
    base: Pipeline = NOTHING
    then: Any = None
    scale: float | Sequence[float] = (0.5, 1.5)
    blend: str = "none"
    sigma: float = 1.0
    interpolation: str = "bilinear"
    antialias: bool = True
    p: float = 1.0

    _op: ClassVar[int] = 2**16 - 4
    _cuts_out: ClassVar[bool] = True

    def check(self) -> None:
        self._numbers()
        positive(self.scale, "scale")
        positive(self.sigma, "sigma")
        if self.blend not in BLENDS:
            raise ArgumentError(f"blend must be {' or '.join(BLENDS)}, got {shown(self.blend)}")
        flag(self.antialias, "antialias")
        filtered(self.interpolation, self.antialias)
        check_inner_rules([self.base], self.target_rules)

    def _numbers(self) -> tuple[int, int]:
        return whole_range(self.n, "n", 0, _MOST_OBJECTS)

    @property
    def _feather(self) -> float:
        return self.sigma if self.blend == "gaussian" else 0.0

    def _words(self) -> list[str]:
        low, high = self._numbers()
        return [
            f"{low} to {high} objects of {self._others} are pasted, with a probability of {self.p:g}",
            f"edges are {'blurred' if self._feather else 'sharp'}",
        ]

    def _drawn(self, gathering: Gathering, keys: Keys) -> tuple[Composition, Sources]:
        draws = self._draws(keys)
        picks = [self._picks(draws, output, gathering) for output in range(len(keys))]
        sources = gathering.finish()
        own = np.arange(len(keys))
        first, *others = layer_keys(keys, self._op - 1, 1 + self._numbers()[1])
        base = layer_plan(lambda lowering: self.base.add_to(lowering, first), sources, own, self.base)
        size = _common_size(base)
        layers = [Layer.placed(base, own, own)]
        for number in range(max(map(len, picks), default=0)):
            of_layer = [found[number] for found in picks if len(found) > number]
            layers.append(self._layer(of_layer, number, size, draws, others[number], sources))
        return Composition(size, len(keys), sources.items, tuple(layers)), sources

    def _draws(self, keys: Keys) -> _Draws:
        high = self._numbers()[1]
        u = rng.uniform(keys, self._op, 2 + 5 * high)
        chance, counts, items, objects, scales, places = np.split(u, np.cumsum([1, 1, high, high, high]), axis=1)
        return _Draws(chance[:, 0], counts[:, 0], items, objects, scales, places.reshape(-1, high, 2))

    def _picks(self, draws: _Draws, output: int, gathering: Gathering) -> list[_Pick]:
        """The objects that are pasted into an output: all of one item, then of the next that was drawn."""
        low, high = self._numbers()
        wanted = low + int(draws.counts[output] * (high - low + 1)) if draws.chance[output] < self.p else 0
        found: list[_Pick] = []
        for u in draws.items[output].tolist():
            if len(found) == wanted:
                break
            source = self._partner(u, output, gathering)
            reading = gathering.reading(source)
            left = list(range(count_of(reading, gathering.name(source))))
            while left and len(found) < wanted:
                number = left.pop(int(draws.objects[output, len(found)] * len(left)))
                window = window_of(reading, number)
                if window is not None:
                    found.append(_Pick(output, source, number, window))
        return found

    def _layer(
        self, picks: list[_Pick], number: int, size: tuple[int, int], draws: _Draws, keys: Keys, sources: Sources
    ) -> Layer:
        outputs, numbers, objects = (np.array([pick[column] for pick in picks], np.int64) for column in range(3))
        windows = np.array([pick.window for pick in picks]).reshape(-1, 4)[:, [1, 0, 3, 2]]
        low, high = positive(self.scale, "scale")
        scale = low + draws.scales[outputs, number] * (high - low)
        scale = np.minimum(scale, (np.array(size) / (windows[:, 2:] - windows[:, :2])).min(axis=1))
        windows = self._with_margin(windows, scale, sources.images.shapes[numbers, :2])

        steps = partial(self._add, keys=keys[outputs], windows=windows, scale=scale, size=size)
        plan = layer_plan(steps, sources, numbers, self.transform)
        room = np.array(size) - plan.passes[-1].rows["output_size"].astype(np.int64) + 1
        corners = (draws.places[outputs, number] * room).astype(np.int64)
        return Layer.placed(plan, outputs, numbers, corners=corners, objects=objects, feather=self._feather)

    def _add(self, lowering: Lowering, keys: Keys, windows: Floats, scale: Floats, size: tuple[int, int]) -> None:
        """Add the steps of objects in `windows` (n, 4), as (top, left, bottom, right), for outputs of one size."""
        lowering.add("CopyPaste", _cut(windows, scale, filtered(self.interpolation, self.antialias)))
        self.transform.add_to(lowering, keys)
        lowering.add("CopyPaste", _middle(lowering.images.sizes, size))

    def _add_example(self, lowering: Lowering) -> None:
        height, width = lowering.images.sizes[0].tolist()
        self._add(
            lowering, np.zeros((1, 3), np.int64), np.array([[0.0, 0.0, height, width]]), np.ones(1), (height, width)
        )

    def _with_margin(self, windows: Floats, scale: Floats, sizes: Ints) -> Floats:
        """The windows (n, 4) with room for blurred edges, within their images of `sizes` (n, 2)."""
        margin = np.ceil(math.ceil(_REACH * self._feather) / scale)[:, None]
        return np.concatenate(
            [np.maximum(windows[:, :2] - margin, 0), np.minimum(windows[:, 2:] + margin, sizes)], axis=1
        )


def _cut(windows: Floats, scale: Floats, declared: Sampling) -> Geometry:
    """Cut windows (n, 4), as (top, left, bottom, right), out of images, and scale them."""
    given = windows[:, 2:] - windows[:, :2]
    sizes = np.maximum(np.rint(given * scale[:, None]).astype(np.int64), 1)
    ratio = given / sizes
    inverse = compose(translation(windows[:, 1], windows[:, 0]), scaling(ratio[:, 1], ratio[:, 0]))
    return Geometry(inverse, sizes, declared)


def _middle(sizes: Ints, largest: tuple[int, int]) -> Geometry:
    """Cut off evenly what is larger than the output."""
    cut = np.minimum(sizes, largest)
    offset = ((sizes - cut) // 2).astype(np.float64)
    return Geometry(translation(offset[:, 1], offset[:, 0]), cut)


def _common_size(plan: Plan) -> tuple[int, int]:
    sizes = np.unique(plan.passes[-1].rows["output_size"], axis=0)
    if len(sizes) > 1:
        raise ArgumentError(
            f"the outputs of a batch must have one size, got {sizes[0].tolist()} and {sizes[1].tolist()}: give base= a "
            "transform of fixed output size, or go image by image"
        )
    height, width = sizes[0].tolist() if len(sizes) else (1, 1)
    return height, width
