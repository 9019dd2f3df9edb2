"""Hypothesis strategies for images, keys, targets, transforms, pipelines and plans.

They cover the odd cases on purpose: one pixel, one row, huge aspect ratios, strided views, all dtypes and 1 to 16
channels. What does not fit (a crop larger than its image) is refused by augsynth with `ArgumentError`; `plans` and
`cases` draw only what fits.

>>> from hypothesis import given
>>> from augsynth.testing import strategies as aug
>>> @given(aug.images(), aug.keys())
... def test_my_transform(image, key):
...     ...
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import assume
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.core.typing import Image
from augsynth.errors import ArgumentError
from augsynth.plan import Plan
from augsynth.transforms.examples import examples as transform_examples

Shape = tuple[int, int, int]
DTYPES = ("uint8", "uint16", "float32")
INTERPOLATIONS = ("nearest", "bilinear", "bicubic")
BORDERS = ("constant", "replicate", "reflect", "reflect101", "wrap")
CHANCES = st.floats(0, 1)


def keys() -> st.SearchStrategy[tuple[int, int, int]]:
    """Keys (seed, epoch, index) over their full ranges."""
    return st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**63 - 1))


def shapes(max_side: int = 32, max_channels: int = 16) -> st.SearchStrategy[Shape]:
    """Shapes (H, W, C): ordinary ones, single pixels, rows, columns, and very long thin ones."""
    side = st.integers(1, max_side)
    channels = st.sampled_from([c for c in (1, 1, 2, 3, 3, 4, 5, 16) if c <= max_channels])
    thin = st.sampled_from([(1, 1), (1, max_side), (max_side, 1), (1, 64 * max_side), (64 * max_side, 1), (2, 33)])
    return st.tuples(st.one_of(st.tuples(side, side), thin), channels).map(lambda drawn: (*drawn[0], drawn[1]))


@st.composite
def images(draw: st.DrawFn, shape: Shape | None = None, dtypes: Sequence[str] = DTYPES, strided: bool = True) -> Image:
    """Images (H, W, C) of uniform noise over the full scale; `strided` ones are views with any strides."""
    height, width, channels = draw(shapes()) if shape is None else shape
    dtype = np.dtype(draw(st.sampled_from(list(dtypes))))
    layout = draw(st.sampled_from(LAYOUTS if strided else LAYOUTS[:1]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return _laid_out(random, (height, width, channels), dtype, layout)


LAYOUTS = ("contiguous", "planar", "flipped", "cropped", "strided")


def _laid_out(random: np.random.Generator, shape: Shape, dtype: np.dtype[Any], layout: str) -> Image:
    height, width, channels = shape
    if layout == "planar":
        return np.moveaxis(_values(random, (channels, height, width), dtype), 0, -1)
    if layout == "flipped":
        return _values(random, shape, dtype)[::-1, ::-1, ::-1]
    if layout == "cropped":
        return _values(random, (height + 3, width + 5, channels), dtype)[2:-1, 1:-4]
    if layout == "strided":
        return _values(random, (height * 2, width * 3, channels), dtype)[::2, ::3]
    return _values(random, shape, dtype)


def _values(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Image:
    if dtype.kind == "f":
        return random.random(shape, dtype=np.float32)
    image: Image = random.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    return image


@st.composite
def boxes(draw: st.DrawFn, height: int, width: int, max_count: int = 8) -> npt.NDArray[np.float64]:
    """Boxes (N, 4) as XYXY corners inside an image, none of them empty."""
    count = draw(st.integers(0, max_count))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low = random.random((count, 2)) * 0.9
    high = low + (1 - low) * random.uniform(0.05, 1.0, (count, 2))
    return np.concatenate([low, high], axis=1) * np.array([width, height, width, height], dtype=np.float64)


@st.composite
def targets(draw: st.DrawFn, height: int, width: int, max_count: int = 6) -> dict[str, npt.NDArray[Any]]:
    """Targets of an image: N objects with `boxes`, `labels` 0 ... N - 1, `masks` (N, H, W) and `keypoints` (N, 3, 3).

    A mask covers the pixels whose centres lie in its object's box, and so do the keypoints, some of them not labelled.
    """
    corners = draw(boxes(height, width, max_count))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    x1, y1, x2, y2 = corners.T[:, :, None, None]
    points = corners[:, None, :2] + random.random((len(corners), 3, 2)) * (corners[:, None, 2:] - corners[:, None, :2])
    visible = random.integers(0, 2, (len(corners), 3, 1), endpoint=True)
    return {
        "boxes": corners,
        "labels": np.arange(len(corners)),
        "masks": (x >= x1) & (x < x2) & (y >= y1) & (y < y2),
        "keypoints": np.concatenate([points, visible], axis=2),
    }


def _ranges(low: float, high: float) -> st.SearchStrategy[tuple[float, float]]:
    pair = st.tuples(st.floats(low, high), st.floats(low, high))
    return pair.map(lambda drawn: (min(drawn), max(drawn)))


# Strategies are made once: hypothesis checks what they consist of, which takes longer than to draw from them.
@cache
def geometry() -> st.SearchStrategy[T.Transform]:
    """One geometric transform with drawn parameters, whose map is a matrix: any but `distortions`."""
    smooth = {"interpolation": st.sampled_from(INTERPOLATIONS)}
    outside = {"border": st.sampled_from(BORDERS), "fill": CHANCES}
    filtered = {**smooth, "antialias": st.booleans()}
    size = st.tuples(st.integers(1, 12), st.integers(1, 12))
    needed = {"pad_if_needed": st.booleans()}
    rounding, place = st.sampled_from(["nearest", "down"]), st.sampled_from(["center", "top_left", "bottom", "five"])
    position = place | st.just("random")
    shear = st.one_of(st.floats(0, 60), _ranges(-60, 60), st.tuples(_ranges(-40, 40), _ranges(-40, 40)).map(sum_pairs))
    return st.one_of(
        st.builds(T.RandomHorizontalFlip, CHANCES),
        st.builds(T.RandomVerticalFlip, CHANCES),
        st.builds(T.RandomRotation, _ranges(-400, 400), expand=st.booleans(), **smooth, **outside),
        st.builds(
            T.RandomAffine,
            _ranges(-180, 180),
            translate=st.none() | st.tuples(CHANCES, CHANCES),
            scale=st.none() | _ranges(0.25, 4),
            shear=st.none() | shear,
            **filtered,
            **outside,
        ),
        st.builds(T.RandomScale, _ranges(0.25, 4), ratio=st.none() | _ranges(0.5, 2), **filtered, **outside),
        st.builds(T.RandomTranslate, st.tuples(CHANCES, CHANCES), **smooth, **outside),
        st.builds(T.RandomShear, shear, **filtered, **outside),
        st.builds(T.RandomPerspective, CHANCES, CHANCES, **smooth, **outside),
        st.builds(T.RandomCrop, size, padding=st.none() | st.integers(0, 5), **needed, **outside),
        st.builds(T.CenterCrop, size, **needed, **outside),
        st.builds(T.RandomResizedCrop, size, _ranges(0.05, 1), _ranges(0.5, 2), **filtered),
        st.builds(T.Resize, size, **filtered),
        st.builds(T.Resize, st.integers(1, 12), max_size=st.just(40), **filtered),
        st.builds(T.RandomTranspose, CHANCES),
        st.builds(T.RandomDihedral, CHANCES),
        st.builds(T.LongestSide, st.integers(1, 12), rounding=rounding, **filtered),
        st.builds(T.ShortestSide, st.integers(1, 12), max_size=st.just(40), rounding=rounding, **filtered),
        st.builds(T.Letterbox, size, st.booleans(), position, rounding=rounding, **filtered, **outside),
        st.builds(T.PadIfNeeded, size, position=position, **outside),
        st.builds(T.CropAt, place, size, **needed, **outside),
        st.builds(T.Pad, st.integers(0, 5) | st.tuples(*[st.integers(-2, 5)] * 4), **outside),
    )


@cache
def elastic() -> st.SearchStrategy[T.ElasticTransform]:
    """Elastic deformations that do not fold the picture, so that every target can follow them."""
    sigma, share = st.floats(1, 20), st.floats(0, 1)
    return st.builds(
        lambda sigma, share, **sampling: T.ElasticTransform(2 * share * sigma**2, sigma, **sampling),
        sigma,
        share,
        **_sampled(),
    )


@cache
def distortions() -> st.SearchStrategy[T.Transform]:
    """A curved map that does not fold the picture, so that every target can follow it."""
    return st.one_of(
        elastic(),
        st.builds(T.GridDistortion, st.integers(2, 9), _ranges(-0.9, 0.9), p=CHANCES, **_sampled()),
        st.builds(T.LensDistortion, _ranges(-0.2, 1), _ranges(-0.05, 0.3), p=CHANCES, **_sampled()),
        st.builds(T.ThinPlateSpline, _ranges(0, 0.24), st.integers(2, 5), p=CHANCES, **_sampled()),
    )


def _sampled() -> dict[str, st.SearchStrategy[Any]]:
    """The parameters of a transform that resamples and never antialiases."""
    return {
        "interpolation": st.sampled_from(INTERPOLATIONS),
        "border": st.sampled_from(BORDERS),
        "fill": CHANCES,
    }


def sum_pairs(pairs: tuple[tuple[float, float], tuple[float, float]]) -> tuple[float, ...]:
    """Two ranges as one sequence of four numbers."""
    return (*pairs[0], *pairs[1])


@cache
def values() -> st.SearchStrategy[T.Transform]:
    """One transform of the values: noise, normalisation or a change of dtype."""
    return st.one_of(
        noises(),
        st.builds(T.Normalize, st.tuples(st.floats(-1, 1)), st.tuples(st.floats(0.1, 2)), st.booleans()),
        st.builds(T.ToDtype, st.sampled_from(DTYPES), st.booleans()),
    )


@cache
def noises() -> st.SearchStrategy[T.Transform]:
    """Noise of any kind."""
    mean, clip = st.floats(-0.2, 0.2), st.booleans()
    sigma = st.one_of(st.floats(0, 0.5), _ranges(0, 0.5))
    share = st.one_of(st.floats(0, 1), _ranges(0, 1))
    photons = st.one_of(st.floats(0.01, 1000), _ranges(1, 1e5))
    return st.one_of(
        st.builds(T.GaussianNoise, mean, sigma, clip, exact=st.booleans()),
        st.builds(T.UniformNoise, _ranges(-0.5, 0), _ranges(0, 0.5), clip),
        st.builds(T.SaltAndPepperNoise, share, share),
        st.builds(T.PoissonNoise, photons, clip),
        st.builds(T.SpeckleNoise, mean, sigma, clip),
    )


@cache
def colours() -> st.SearchStrategy[T.Transform]:
    """A map of colours; those that need red, green and blue fit images of 1, 3 and 4 channels."""
    factors = st.one_of(st.floats(0, 2), _ranges(0, 3))
    return st.one_of(
        st.builds(T.ColorJitter, brightness=factors, contrast=factors, clip=st.booleans()),
        st.builds(T.ColorJitter, saturation=factors, hue=_ranges(-0.5, 0.5)),
        st.builds(T.RandomGrayscale, CHANCES),
        st.just(T.RandomChannelPermutation()),
    )


@cache
def points() -> st.SearchStrategy[T.Transform]:
    """An operation on single values; thresholds fit every dtype."""
    return st.one_of(
        st.builds(T.RandomInvert, CHANCES),
        st.builds(T.RandomPosterize, st.integers(0, 16), CHANCES),
        st.builds(T.RandomSolarize, st.floats(0, 1), CHANCES),
        st.builds(T.RandomGamma, _ranges(0.3, 3), CHANCES),
    )


@cache
def whole_images() -> st.SearchStrategy[T.Transform]:
    """A transform that looks at a pixel's neighbours, or at the whole picture, and so runs between passes."""
    odd = st.integers(0, 4).map(lambda k: 2 * k + 1)
    return st.one_of(
        st.builds(T.GaussianBlur, st.tuples(odd, odd), _ranges(0.1, 3)),
        st.builds(T.RandomAdjustSharpness, st.floats(0, 3), CHANCES),
        st.builds(T.RandomEqualize, CHANCES),
        st.builds(T.RandomAutocontrast, CHANCES),
        st.builds(T.CLAHE, _ranges(0.1, 40), st.tuples(st.integers(1, 9), st.integers(1, 9)), CHANCES),
    )


@cache
def erasures() -> st.SearchStrategy[T.Transform]:
    """Rectangles or a grid of them, of a level that fits every dtype or of noise."""
    value = st.floats(0, 1) | st.just("random")
    return st.one_of(
        st.builds(T.RandomErasing, CHANCES, _ranges(0, 1), _ranges(0.2, 5), value, st.integers(1, 3)),
        st.builds(T.GridMask, _ranges(0.1, 1), _ranges(0, 1), value, CHANCES),
    )


@cache
def missing_values() -> st.SearchStrategy[T.Transform]:
    """Fillings of NaN or of a level, by the strategies that need no other package."""
    missing = st.sampled_from([math.nan, 0.0, 1.0])
    return st.one_of(
        st.builds(T.FillMissing, st.sampled_from(["constant", "mean"]), missing, st.floats(0, 1)),
        st.builds(T.FillMissing, st.just("random"), missing, between=st.none() | _ranges(0, 1)),
    )


@cache
def policies() -> st.SearchStrategy[T.Transform]:
    """An automatic policy."""
    outside = {"border": st.sampled_from(BORDERS), "fill": st.floats(0, 1)}
    return st.one_of(
        st.builds(T.RandAugment, st.integers(0, 2), st.integers(0, 30), **outside),
        st.builds(T.TrivialAugmentWide, **outside),
        st.builds(T.AutoAugment, st.sampled_from(["imagenet", "cifar10", "svhn"]), **outside),
    )


@cache
def choices() -> st.SearchStrategy[T.Transform]:
    """Chance over up to three transforms that may be left out: all but those that change what values mean."""
    parts = st.lists(st.one_of(geometry(), noises(), *_beside_geometry()), min_size=1, max_size=3)
    return st.one_of(
        st.builds(T.RandomApply, parts, CHANCES),
        st.builds(T.RandomChoice, parts),
        st.builds(lambda parts, n: T.SomeOf(parts, (0, min(n, len(parts)))), parts, st.integers(0, 3)),
        st.builds(T.RandomOrder, parts),
    )


def _beside_geometry() -> list[st.SearchStrategy[T.Transform]]:
    return [distortions(), colours(), points(), whole_images(), erasures(), missing_values()]


@cache
def examples() -> st.SearchStrategy[T.Transform]:
    """One of `augsynth.transforms.examples` that descriptions hold wholly, and that need no other package."""
    left_out = (T.Lambda, T.HistogramMatching, T.FourierDomainAdaptation, T.FillMissing, T.JPEGCompression)
    return st.sampled_from([example for example in transform_examples() if not isinstance(example, left_out)])


@cache
def transforms() -> st.SearchStrategy[T.Transform]:
    """Any transform except `Lambda`: with drawn parameters, or with those of its example."""
    return st.one_of(geometry(), values(), *_beside_geometry(), policies(), choices(), examples())


@cache
def pipelines(max_size: int = 5, fuse: bool = True) -> st.SearchStrategy[T.Compose]:
    """A `Compose` of up to `max_size` transforms in any order."""
    return st.lists(transforms(), max_size=max_size).map(lambda parts: T.Compose(parts, fuse=fuse))


@dataclass(frozen=True)
class Case:
    """A pipeline, an image that fits it, a key, and the plan that was drawn."""

    pipeline: T.Compose
    image: Image
    key: tuple[int, int, int]
    plan: Plan


@st.composite
def cases(draw: st.DrawFn, pipeline: st.SearchStrategy[T.Compose] | None = None, max_pixels: int = 4096) -> Case:
    """Everything that running a pipeline needs; what does not fit, or grows beyond `max_pixels`, is not drawn."""
    chosen = draw(pipelines() if pipeline is None else pipeline)
    image, key = draw(images()), draw(keys())
    try:
        plan = chosen.plan([image.shape], [key], dtype=image.dtype.name)
    except ArgumentError:
        assume(False)
        raise
    assume(all(int(np.prod(step.rows["output_size"][0])) <= max_pixels for step in plan.passes))
    return Case(chosen, image, key, plan)


def plans() -> st.SearchStrategy[Plan]:
    """Plans for one image, drawn from any pipeline."""
    return cases().map(lambda case: case.plan)
