"""Tests that pictures show a spot, a rectangle or a disc where their targets say, within 0.05 pixels.

The pictures are the oracle: nothing here reads a matrix.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.testing import strategies as aug

Floats = npt.NDArray[np.float64]
Key = tuple[int, int, int]
HEIGHT, WIDTH = 160, 224
# Bilinear sampling blurs more between pixels than on them: that moves a small spot's centroid by up to 0.06 / SIGMA.
SIGMA = 2.25
REACH = 4 * SIGMA  # beyond, a spot is darker than 0.0004
# Around a spot in all directions: where these are seen, the whole of it is.
AROUND = REACH * np.array([(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)])
TOLERANCE = 0.05
half = settings(max_examples=settings().max_examples // 2)
# OpenCV's and torch's bicubic kernel (a = -0.75) bends straight lines: of a ramp of 1 a pixel by up to this.
BEND = 0.5 * np.sqrt(3) / 18


def degrees(most: float) -> st.SearchStrategy[Any]:
    return st.floats(-most, most).map(lambda a: (a, a))


def factors(low: float, high: float) -> st.SearchStrategy[Any]:
    return st.floats(low, high).map(lambda a: (a, a))


SIZES = st.tuples(st.integers(100, HEIGHT), st.integers(100, WIDTH))


def transforms(interpolation: str) -> dict[str, st.SearchStrategy[T.Transform]]:
    """Every geometric transform, with any parameters that leave most of a picture to be seen.

    A spot's centroid moves with its peak where the map is straight across the spot, so perspectives and distortions are
    mild ones.
    """
    smooth = {"interpolation": st.just(interpolation)}
    filtered = {**smooth, "antialias": st.booleans()}
    return {
        "horizontal flip": st.just(T.RandomHorizontalFlip(1.0)),
        "vertical flip": st.just(T.RandomVerticalFlip(1.0)),
        "rotation": st.builds(T.RandomRotation, degrees(180), **smooth),
        "expanded rotation": st.builds(T.RandomRotation, degrees(180), expand=st.just(True), **smooth),
        "affine": st.builds(
            T.RandomAffine,
            degrees(180),
            translate=st.just((0.2, 0.2)),
            scale=factors(0.6, 1.8),
            shear=st.tuples(*[st.floats(-25, 25)] * 2).map(lambda s: (s[0], s[0], s[1], s[1])),
            **filtered,
        ),
        "scale": st.builds(T.RandomScale, factors(0.6, 2), ratio=st.none() | factors(0.8, 1.25), **filtered),
        "translation": st.builds(T.RandomTranslate, st.just((0.3, 0.3)), **smooth),
        "shear": st.builds(T.RandomShear, st.just((-30, 30, -30, 30)), **filtered),
        "perspective": st.builds(T.RandomPerspective, st.floats(0, 0.15), st.just(1.0), **smooth),
        "elastic": st.builds(T.ElasticTransform, st.floats(0, 300), st.floats(30, 60), **smooth),
        "grid": st.builds(T.GridDistortion, st.just(2), st.floats(0, 0.04), p=st.just(1.0), **smooth),
        "lens": st.builds(T.LensDistortion, factors(-0.02, 0.04), p=st.just(1.0), **smooth),
        "thin plate": st.builds(T.ThinPlateSpline, st.floats(0, 0.03), st.just(2), p=st.just(1.0), **smooth),
        "crop": st.builds(T.RandomCrop, SIZES, padding=st.none() | st.integers(0, 9)),
        "centre crop": st.builds(T.CenterCrop, SIZES),
        "resized crop": st.builds(T.RandomResizedCrop, SIZES, st.just((0.4, 1.0)), **filtered),
        "resize": st.builds(T.Resize, SIZES, **filtered),
        "padding": st.builds(T.Pad, st.tuples(*[st.integers(0, 9)] * 4)),
    }


BILINEAR, BICUBIC = transforms("bilinear"), transforms("bicubic")
NAMES = tuple(BILINEAR)
RESAMPLING = (T.RandomAffine, T.RandomScale, T.RandomPerspective, T.RandomResizedCrop, T.Resize)


@dataclass(frozen=True)
class Spots:
    """A picture (H, W, n) with one spot a channel, at `places` (n, 2)."""

    image: npt.NDArray[np.float32]
    places: Floats


def spots(seed: int, count: int = 6) -> Spots:
    random = np.random.default_rng(seed)
    places = random.uniform(2 * REACH, [WIDTH - 2 * REACH, HEIGHT - 2 * REACH], (count, 2))
    across = np.exp(-((np.arange(WIDTH)[:, None] + 0.5 - places[:, 0]) ** 2) / (2 * SIGMA**2))
    down = np.exp(-((np.arange(HEIGHT)[:, None] + 0.5 - places[:, 1]) ** 2) / (2 * SIGMA**2))
    return Spots((down[:, None] * across[None]).astype(np.float32), places)


def centroids(images: npt.NDArray[Any]) -> Floats:
    """The centres of mass (n, 2) of pictures (n, H, W), in continuous coordinates."""
    masses = images.astype(np.float64)
    across, down = masses.sum(axis=1), masses.sum(axis=2)
    x = across @ (np.arange(images.shape[2]) + 0.5)
    y = down @ (np.arange(images.shape[1]) + 0.5)
    return np.stack([x, y], axis=1) / np.maximum(masses.sum(axis=(1, 2)), 1e-9)[:, None]


def assert_spots_are_where_keypoints_say(
    pipeline: T.Compose, seed: int, key: Key, tolerance: float = TOLERANCE
) -> None:
    drawn = spots(seed)
    offset = 0.5 if pipeline.rules.pixel_center else 0.0
    around = drawn.places[:, None] + np.concatenate([np.zeros((1, 2)), AROUND])
    keypoints = np.concatenate([around - offset, np.full((*around.shape[:2], 1), 2.0)], axis=-1)
    output, target = pipeline(drawn.image, {"keypoints": keypoints}, key=key)
    placed, seen = target["keypoints"][..., :2], target["keypoints"][..., 2] > 0
    # An output pixel away from the edge, so that no filter reaches beyond it.
    size = np.array(output.shape[:0:-1])
    within = np.all((placed + offset >= 2) & (placed + offset <= size - 2), axis=-1)
    whole = np.all(seen & within, axis=1)
    assume(whole.any())
    found = centroids(output.numpy())[whole] - offset
    np.testing.assert_allclose(found, placed[whole, 0], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
@half
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), key=aug.keys(), pixel_center=st.booleans())
def test_a_spot_is_where_its_keypoint_says(
    name: str, data: st.DataObject, seed: int, key: Key, pixel_center: bool
) -> None:
    pipeline = T.Compose([data.draw(BILINEAR[name])], pixel_center=pixel_center)
    assert_spots_are_where_keypoints_say(pipeline, seed, key)


@given(data=st.data(), name=st.sampled_from(NAMES), seed=st.integers(0, 2**32 - 1), key=aug.keys())
def test_a_bicubic_spot_is_where_its_keypoint_says(data: st.DataObject, name: str, seed: int, key: Key) -> None:
    transform = data.draw(BICUBIC[name])
    enlarged = 2.0 if isinstance(transform, RESAMPLING) else 1.0
    assert_spots_are_where_keypoints_say(T.Compose([transform]), seed, key, TOLERANCE + enlarged * BEND)


@given(
    parts=st.lists(st.one_of(*BILINEAR.values()), min_size=2, max_size=4),
    seed=st.integers(0, 2**32 - 1),
    key=aug.keys(),
    pixel_center=st.booleans(),
    fuse=st.booleans(),
)
def test_a_spot_is_where_its_keypoint_says_after_several_transforms(
    parts: list[T.Transform], seed: int, key: Key, pixel_center: bool, fuse: bool
) -> None:
    # Several reductions would leave less of a spot than can be measured.
    assume(sum(isinstance(part, RESAMPLING) for part in parts) <= 1)
    try:
        assert_spots_are_where_keypoints_say(T.Compose(parts, fuse, pixel_center=pixel_center), seed, key)
    except ArgumentError:
        assume(False)  # a crop larger than what is left


Box = tuple[int, int, int, int]
BOXES = st.tuples(st.integers(50, 100), st.integers(40, 70), st.integers(130, 180), st.integers(85, 120))


def between(count: int, low: float, high: float) -> Floats:
    """1 from `low` to `high` and 0 outside, over `count` pixels, with soft edges that hold as much as sharp ones."""
    x = np.arange(count) + 0.5
    return np.array([0.5 * (math.erf((v - low) / SIGMA) - math.erf((v - high) / SIGMA)) for v in x])


def soft_rectangle(box: Box) -> npt.NDArray[np.float32]:
    return (between(HEIGHT, box[1], box[3])[:, None] * between(WIDTH, box[0], box[2])).astype(np.float32)


def extent(image: npt.NDArray[Any]) -> Floats:
    """The box (4,) of an upright bright rectangle: as wide as the mass of its middle line, around its centroid."""
    x, y = centroids(image[None])[0]
    width, height = image[int(y)].sum(dtype=np.float64), image[:, int(x)].sum(dtype=np.float64)
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])


UPRIGHT = ("horizontal flip", "vertical flip", "scale", "translation", "crop", "centre crop", "resize", "padding")


@pytest.mark.parametrize("name", UPRIGHT)
@half
@given(data=st.data(), box=BOXES, key=aug.keys())
def test_a_bright_rectangle_fills_its_box(name: str, data: st.DataObject, box: Box, key: Key) -> None:
    output, target = data.draw(BILINEAR[name])(soft_rectangle(box), {"boxes": [box]}, key=key)
    placed = np.array(target["boxes"]).reshape(-1, 4)
    assume(len(placed) == 1)
    height, width = output.shape[1:]
    soft = 2 * REACH
    assume(placed[0, :2].min() >= soft and placed[0, 2] <= width - soft and placed[0, 3] <= height - soft)
    np.testing.assert_allclose(extent(output[0].numpy()), placed[0], rtol=0, atol=TOLERANCE)


@given(data=st.data(), box=BOXES, key=aug.keys(), name=st.sampled_from(NAMES))
def test_a_box_is_the_smallest_around_its_object(data: st.DataObject, box: Box, key: Key, name: str) -> None:
    image = np.zeros((HEIGHT, WIDTH), np.float32)
    image[box[1] : box[3], box[0] : box[2]] = 1.0
    output, target = data.draw(BILINEAR[name])(image, {"boxes": [box]}, key=key)
    bright = output[0].numpy() > 0.02
    placed = np.array(target["boxes"]).reshape(-1, 4)
    assume(len(placed) == 1)
    # If the frame cuts an object, its box is cut as a box, and not drawn around the rest of the object.
    assume(placed[0, :2].min() > 0 and (placed[0, 2:] < bright.shape[::-1]).all())
    x, y = np.flatnonzero(bright.any(axis=0)), np.flatnonzero(bright.any(axis=1))
    # Sampling spreads what is bright by a pixel of the source, which may be enlarged.
    np.testing.assert_allclose([x[0], y[0], x[-1] + 1, y[-1] + 1], placed[0], rtol=0, atol=3.0)


@given(data=st.data(), seed=st.integers(0, 2**32 - 1), key=aug.keys(), name=st.sampled_from(NAMES))
def test_a_mask_lies_over_its_object(data: st.DataObject, seed: int, key: Key, name: str) -> None:
    x, y = np.random.default_rng(seed).uniform(50, [WIDTH - 50, HEIGHT - 50])
    across, down = np.arange(WIDTH) + 0.5 - x, np.arange(HEIGHT)[:, None] + 0.5 - y
    mask = across**2 + down**2 < 25.0**2
    transform = data.draw(BILINEAR[name])
    assume(not getattr(transform, "antialias", False))
    output, target = transform(mask.astype(np.float32), {"masks": mask}, key=key)
    # The nearest of four pixels has a quarter of the weight at least, so no picture differs from its mask by more than
    # the rest, and one that lies half a pixel beside it does.
    assert np.abs(output[0].numpy() - target["masks"]).max() <= 0.75 + 1e-5


@given(data=st.data(), key=aug.keys(), name=st.sampled_from(NAMES))
def test_masks_and_nearest_pictures_are_the_same(data: st.DataObject, key: Key, name: str) -> None:
    labels = np.random.default_rng(0).integers(0, 9, (HEIGHT, WIDTH)).astype(np.uint8)
    transform: Any = data.draw(BILINEAR[name])
    if "interpolation" in transform.parameter_names():
        transform = T.from_dict({**transform.to_dict(), "interpolation": "nearest"})
    output, target = transform(labels, {"masks": labels}, key=key)
    np.testing.assert_array_equal(output[0].numpy(), target["masks"])
