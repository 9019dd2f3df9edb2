"""Distortions: one map for pixels and targets, in one pass with what stands around it, whatever bends it."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from displaced_fields import Floats, Key, centres, field
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import interpolate, ndimage

from augsynth import _native
from augsynth import transforms as T
from augsynth._native.layout import DType
from augsynth.engine import reference, run
from augsynth.errors import ArgumentError, PlanError
from augsynth.plan import Plan
from augsynth.plan.displacement import Displacement

KEYS: list[Key] = [(7, 0, index) for index in range(20)]


def distortion(name: str, **sampling: Any) -> T.Transform:
    """The distortion of that name, strong and always applied, which does not fold pictures of 30 to 200 pixels."""
    made: dict[str, T.Transform] = {
        "elastic": T.ElasticTransform(60.0, 6.0, **sampling),
        "grid": T.GridDistortion(4, 0.6, p=1.0, **sampling),
        "lens": T.LensDistortion((0.2, 0.4), (-0.1, 0.1), p=1.0, **sampling),
        "plate": T.ThinPlateSpline(0.2, p=1.0, **sampling),
    }
    return made[name]


NAMES = ("elastic", "grid", "lens", "plate")
every = pytest.mark.parametrize("name", NAMES)


@every
@pytest.mark.parametrize("order", [0, 1])
def test_pixels_are_scipys(isa: str, name: str, order: int) -> None:
    image = np.random.default_rng(0).random((60, 70)).astype(np.float32)
    t = distortion(name, interpolation=("nearest", "bilinear")[order], border="replicate")
    for key in KEYS[:3]:
        sources = centres(60, 70) + field(t, (60, 70), key) - 0.5
        expected = ndimage.map_coordinates(image, np.moveaxis(sources, -1, 0)[::-1], order=order, mode="nearest")
        found = t(image, key=key)[0].numpy()
        differ = np.abs(found - expected) > 1e-3
        assert differ.mean() < (0.002 if order == 0 else 1e-9), isa  # nearest may round a tie the other way


@every
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_every_executor_gives_the_references_picture(isa: str, name: str, dtype: Any, interpolation: str) -> None:
    full = 1.0 if dtype == np.float32 else float(np.iinfo(dtype).max)
    image = (np.random.default_rng(2).random((37, 53, 3)) * full).astype(dtype)
    t = T.Compose(
        [
            T.RandomRotation(20, interpolation=interpolation, border="reflect"),
            distortion(name, interpolation=interpolation, border="reflect"),
            T.RandomCrop(30),
            T.RandomHorizontalFlip(),
        ]
    )
    plan = t.plan([image.shape], [KEYS[0]], dtype=image.dtype.name)
    found = t.apply([image], plan)[0].numpy().astype(np.float64)
    expected = [np.zeros(found.shape, dtype)]
    run(plan, [image], reference.ReferenceExecutor(), expected)
    differs = np.abs(found - expected[0].astype(np.float64)) > (1 if dtype != np.float32 else 1e-5) * max(full / 255, 1)
    assert differs.mean() <= (0.003 if interpolation == "nearest" else 0.0)


@every
def test_it_is_one_pass_with_what_stands_around_it(name: str) -> None:
    t = T.Compose(
        [
            T.RandomHorizontalFlip(),
            T.RandomRotation(10),
            distortion(name),
            T.RandomResizedCrop(64),
            T.ColorJitter(0.3),
            T.GaussianNoise(sigma=0.02),
            T.Normalize([0.5], [0.25]),
        ]
    )
    assert len(t.plan([(96, 80, 3)], [KEYS[0]]).passes) == 1
    assert t.explain().startswith("1 pass\n")
    assert len(T.Compose([distortion(name), T.ElasticTransform()]).plan([(32, 32, 3)], [KEYS[0]]).passes) == 2


@every
def test_a_picture_does_not_depend_on_its_batch(name: str) -> None:
    t = T.Compose([distortion(name), T.RandomRotation(30), T.Resize((32, 40))])
    random = np.random.default_rng(3)
    images = [
        random.integers(0, 256, (*size, 3)).astype(np.uint8) for size in [(64, 48), (20, 90), (33, 31), (200, 150)]
    ]
    together = t.batch(images, keys=KEYS[:4])
    for image, key, found in zip(images, KEYS, together, strict=False):
        assert torch.equal(t(image, key=key), found)
    threads = _native.num_threads()
    plan = t.plan([images[0].shape], KEYS[:1])
    assert np.array_equal(plan.passes[0].tables.offsets, t.plan([images[0].shape], KEYS[:1]).passes[0].tables.offsets)
    assert threads == _native.num_threads()


@every
def test_stored_plans_give_the_same_picture(name: str) -> None:
    t = distortion(name)
    image = np.random.default_rng(4).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    plan = t.plan([image.shape] * 2, KEYS[:2])
    stored = io.BytesIO()
    plan[1:].save(stored)
    stored.seek(0)
    again = t.apply([image], Plan.load(stored))
    assert torch.equal(again[0], t(image, key=KEYS[1]))


def blob(height: int, width: int, place: Floats, radius: float = 3.0) -> npt.NDArray[np.float32]:
    away = centres(height, width) - place
    return np.exp(-(away**2).sum(axis=-1) / (2 * radius**2)).astype(np.float32)


@st.composite
def wide(draw: st.DrawFn) -> T.Transform:
    """Distortions of large pictures: a map that bends across a blob moves its middle away from its centre."""
    sigma, strength = draw(st.floats(30, 50)), draw(st.floats(0.05, 1))
    made: list[T.Transform] = [
        T.ElasticTransform(strength * sigma**2, sigma),
        T.GridDistortion(3, 0.3 * strength, p=1.0),
        T.LensDistortion(0.3 * strength, (-0.1, 0.1), p=1.0),
        T.LensDistortion(-0.2 * strength, p=1.0),
        T.ThinPlateSpline(0.12 * strength, 3, p=1.0),
    ]
    return draw(st.sampled_from(made))


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), bent=wide())
def test_a_blob_is_where_its_keypoint_says(seed: int, bent: T.Transform) -> None:
    """Within 0.1 pixels, through random pipelines, and back to where it was within 0.01."""
    t = T.Compose(
        [
            T.RandomAffine(40, scale=(0.8, 1.2), interpolation="bilinear", antialias=False),
            bent,
            T.RandomHorizontalFlip(),
        ]
    )
    place = np.random.default_rng(seed).uniform([80, 60], [120, 100])
    image, key = blob(160, 200, place), (seed, 0, 0)
    output, target = t(image, {"keypoints": place[None]}, key=key)
    found = target["keypoints"][0]
    picture = output[0].numpy().astype(np.float64)
    middle = (picture[..., None] * centres(160, 200)).sum(axis=(0, 1)) / picture.sum()
    if np.all((found > 15) & (found < np.array([185, 145]))):
        np.testing.assert_allclose(middle, found, rtol=0, atol=0.1)
        back = t.plan([image.shape], [key], dtype="float32").invert(points=found[None])
        np.testing.assert_allclose(back[0], place, rtol=0, atol=0.01)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(NAMES), fuse=st.booleans())
def test_boxes_masks_and_polygons_agree(seed: int, name: str, fuse: bool) -> None:
    """The box of an object is that of its mask, to within a pixel, and a polygon has the area of the mask."""
    t = T.Compose([T.RandomRotation(20), distortion(name), T.RandomHorizontalFlip()], fuse=fuse)
    random = np.random.default_rng(seed)
    x1, y1 = random.integers(30, 50, 2).tolist()
    x2, y2 = (np.array([x1, y1]) + random.integers(20, 40, 2)).tolist()
    mask = np.zeros((120, 120), np.uint8)
    mask[y1:y2, x1:x2] = 1
    image = np.zeros((120, 120, 3), np.uint8)
    key = (seed, 0, 0)
    _, moved = t(
        image, {"boxes": [[x1, y1, x2, y2]], "masks": mask, "area": [float(mask.sum())], "labels": [1]}, key=key
    )
    rows, columns = np.nonzero(moved["masks"])
    hull = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(moved["boxes"][0], hull, rtol=0, atol=1.2)
    np.testing.assert_allclose(moved["area"], [moved["masks"].sum()], rtol=0.05)
    polygon = [x1, y1, x2, y1, x2, y2, x1, y2]
    one = {"bbox": [x1, y1, x2 - x1, y2 - y1], "segmentation": [polygon], "area": float(mask.sum()), "category_id": 1}
    (found,) = t(image, [one], key=key)[1]
    np.testing.assert_allclose(found["area"], moved["masks"].sum(), rtol=0.05)
    points = np.reshape(found["segmentation"][0], (-1, 2))
    np.testing.assert_allclose(points.min(axis=0), moved["boxes"][0][:2], rtol=0, atol=1e-6)
    _, turned = t(image, {"rotated_boxes": [[(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, 0.0]]}, key=key)
    cx, cy, w, h, _ = turned["rotated_boxes"][0]
    assert w * h >= moved["masks"].sum() - 40
    np.testing.assert_allclose([cx, cy], [columns.mean() + 0.5, rows.mean() + 0.5], rtol=0, atol=4)


def test_what_a_pass_cuts_off_stays_cut_off_before_a_displacement() -> None:
    t = T.Compose([T.CenterCrop(40), T.GaussianBlur(3), T.ElasticTransform(30.0, 6.0)], min_visibility=0.0)
    image = np.zeros((80, 80, 3), np.uint8)
    _, moved = t(image, {"boxes": [[0.0, 30.0, 40.0, 50.0], [0.0, 0.0, 19.0, 19.0]], "labels": [0, 1]}, key=KEYS[0])
    assert moved["labels"] == [0]
    assert moved["boxes"][0][2] < 25


SHOWN: list[Any] = []


@dataclass(frozen=True)
class Looking(T.Transform):
    """Leaves images as they are, and notes the boxes that it is shown."""

    def step(self, draw: T.Draw, images: T.ImageInfo) -> T.Geometry:
        SHOWN.append(images.boxes)
        return T.Geometry(np.tile(np.eye(3), (len(images), 1, 1)), images.sizes, keeps_frame=True)


@every
@pytest.mark.parametrize("fuse", [True, False])
def test_later_transforms_are_shown_displaced_boxes(fuse: bool, name: str) -> None:
    parts = [T.RandomRotation((90, 90)), distortion(name), T.RandomTranslate((0.1, 0.1))]
    image, target = np.zeros((64, 64, 3), np.uint8), {"boxes": np.array([[20.0, 20.0, 40.0, 40.0]]), "labels": [0]}
    for key in KEYS[:5]:
        SHOWN.clear()
        moved = T.Compose([*parts, Looking()], fuse=fuse)(image, target, key=key)[1]["boxes"]
        np.testing.assert_allclose(SHOWN[0][0], moved, rtol=0, atol=0 if fuse else 0.11)
    halves = T.RandomApply([distortion(name)], 0.5)
    SHOWN.clear()
    _, moved = T.Compose([halves, Looking()], fuse=fuse).batch([image] * 9, [target] * 9, keys=KEYS[:9])
    stay = [np.array_equal(boxes, target["boxes"]) for boxes in SHOWN[0]]
    assert 0 < sum(stay) < 9
    assert stay == [np.array_equal(one["boxes"], target["boxes"]) for one in moved]


def steps(t: T.Transform, shape: tuple[int, int], u: Floats) -> Displacement:
    """The displacement of one sample whose random numbers are `u`."""
    images = T.ImageInfo(np.array([shape]), np.array([3]), DType.UINT8)
    step = t.step(T.Draw(u[None], np.zeros((1, 3), np.int64), 0), images)
    assert isinstance(step, T.Displace)
    return Displacement(np.eye(3), np.eye(3), step.origin[0], step.spacing[0], np.asarray(step.offsets[0]))


def test_grids_keep_the_edges_and_the_width_of_cells() -> None:
    """Each cell of the output shows as much of the input as the draw says, and rows do not depend on columns."""
    t, u = T.GridDistortion(5, (-0.4, 0.8), p=1.0), np.random.default_rng(0).random(11)
    curved = steps(t, (200, 300), u)
    edges = np.array([[0.0, 0.0], [300.0, 0.0], [0.0, 200.0], [300.0, 200.0]])
    np.testing.assert_allclose(curved.sources_of(edges), edges, atol=1e-9)
    widths = 0.6 + 1.2 * u[1:6]
    knots = np.concatenate([[0.0], np.cumsum(widths / widths.sum()) * 300])
    controls = knots[1:-1] - np.arange(60, 300, 60)
    for row in (0.0, 77.0, 200.0):
        found = curved.offsets(np.stack([np.arange(60.0, 300, 60), np.full(4, row)], axis=-1))[:, 0]
        padded = np.concatenate([[0.0], controls, [0.0]])
        np.testing.assert_allclose(found, (padded[:-2] + 4 * controls + padded[2:]) / 6, atol=1e-9)


@settings(max_examples=30)
@given(count=st.integers(2, 40), limit=st.floats(0, 0.9), seed=st.integers(0, 999))
def test_grids_never_fold(count: int, limit: float, seed: int) -> None:
    ends = np.random.default_rng(seed).integers(0, 2, 1 + 2 * count) * 0.999999
    steps(T.GridDistortion(count, limit, p=1.0), (90, 300), ends).require_no_fold()


@pytest.mark.parametrize("shape", [(300, 500), (64, 64), (1, 9)])
@pytest.mark.parametrize(("k1", "k2"), [(0.3, 0.0), (-0.25, 0.0), (0.2, 1.0), (0.5, -0.25)])
def test_lenses_are_opencvs(shape: tuple[int, int], k1: float, k2: float) -> None:
    """Brown's radial model as OpenCV's documentation of `undistortPoints` has it, with a focal length of 100 pixels."""
    (height, width), centre = shape, np.array(shape[::-1]) / 2
    curved = steps(T.LensDistortion(k1, k2, p=1.0), shape, np.zeros(3))
    ratio = (100 / np.hypot(*centre)) ** 2
    ideal = (centres(height, width) - centre) / 100
    square = (ideal**2).sum(axis=-1, keepdims=True)
    expected = ideal * (1 + k1 * ratio * square + k2 * ratio**2 * square**2) * 100 + centre
    np.testing.assert_allclose(curved.sources_of(centres(height, width)), expected, rtol=0, atol=0.01)
    curved.require_no_fold()


@settings(max_examples=30)
@example(k1=-1.1, k2=0.6)  # folds between the middle and the corners
@given(k1=st.floats(-0.9, 2), k2=st.floats(-0.5, 2))
def test_lenses_that_fold_are_refused(k1: float, k2: float) -> None:
    radii = np.linspace(0, 1, 1001)
    slope = (1 + 3 * k1 * radii**2 + 5 * k2 * radii**4).min()
    if slope >= 0.1:
        steps(T.LensDistortion(k1, k2, p=1.0), (120, 200), np.zeros(3)).require_no_fold()
    elif slope < 0.099:
        with pytest.raises(ArgumentError, match="may fold the image"):
            T.LensDistortion(k1, k2)


@pytest.mark.parametrize("count", [2, 4, 7])
def test_plates_bend_as_scipys(count: int) -> None:
    t, u = T.ThinPlateSpline(0.24, count, p=1.0), np.random.default_rng(count).random(2 + 2 * count**2)
    radii, angles = np.sqrt(u[2::2]) * 0.24 * 200 / (count - 1), 2 * math.pi * u[3::2]
    offsets = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=-1)
    along = np.linspace(0, 1, count)
    points = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    plate = interpolate.RBFInterpolator(points, offsets, kernel="thin_plate_spline", degree=1)
    places = centres(200, 300)
    expected = plate((places / [300, 200]).reshape(-1, 2)).reshape(places.shape)
    largest = np.hypot(*offsets.T).max()
    np.testing.assert_allclose(steps(t, (200, 300), u).offsets(places), expected, rtol=0, atol=0.005 * largest)


@pytest.mark.parametrize("count", [2, 3, 4, 10])
def test_plates_do_not_fold_up_to_their_limit(count: int) -> None:
    """Offsets at the end of the discs, each along the direction in which it squeezes one place the most."""
    t, random = T.ThinPlateSpline(0.24, count, p=1.0), np.random.default_rng(count)
    single = np.zeros((count**2, 2 + 2 * count**2))
    single[np.arange(count**2), 2 + 2 * np.arange(count**2)] = 1.0
    moved = np.stack([steps(t, (90, 90), u).grid[..., 0] for u in single])
    for _ in range(20):
        j, i = random.integers(1, moved.shape[1] - 1, 2)
        slopes = np.stack([moved[:, j, i + 1] - moved[:, j, i - 1], moved[:, j + 1, i] - moved[:, j - 1, i]], axis=-1)
        angle = random.uniform(0, math.pi)
        u = single.max(axis=0)
        u[3::2] = (angle / (2 * math.pi) + np.where(slopes @ [math.cos(angle), math.sin(angle)] > 0, 0.5, 0.0)) % 1
        steps(t, (90, 300), u).require_no_fold()


def test_a_plate_may_fold_above_its_limit() -> None:
    t, image = T.ThinPlateSpline(0.5, 7, p=1.0), np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(PlanError, match="may fold the picture"):
        t.batch([image] * 20, [{"keypoints": [[4.0, 4.0]]}] * 20, keys=KEYS)
    assert t(image, np.ones((64, 64), np.uint8), key=KEYS[0])[1].shape == (64, 64)


@pytest.mark.parametrize(
    "t", [T.GridDistortion(5, 0.0, p=1.0), T.LensDistortion(0.0, p=1.0), T.ThinPlateSpline(0.0, p=1.0)], ids=repr
)
def test_no_strength_copies(t: T.Transform) -> None:
    image = np.array([[[np.nan], [-0.0], [np.inf]]], np.float32)
    assert t(image, key=KEYS[0]).numpy().tobytes() == image.tobytes()


@pytest.mark.parametrize("kind", [T.GridDistortion, T.LensDistortion, T.ThinPlateSpline])
def test_chance_leaves_samples_as_they_are(kind: type[T.Transform]) -> None:
    image = np.random.default_rng(5).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    copies = [np.array_equal(out, image.transpose(2, 0, 1)) for out in kind().batch([image] * 20, keys=KEYS)]
    assert 4 <= sum(copies) <= 16


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        (T.GridDistortion, {"num_steps": 1}, "num_steps must be"),
        (T.GridDistortion, {"distort_limit": 0.95}, "distort_limit must be"),
        (T.GridDistortion, {"distort_limit": (0.2, -0.2)}, "lowest, highest"),
        (T.ThinPlateSpline, {"scale": 0.6}, "scale must be"),
        (T.ThinPlateSpline, {"num_control_points": 11}, "num_control_points must be"),
        (T.LensDistortion, {"k1": -0.31}, "may fold the image"),
    ],
)
def test_what_cannot_be_is_refused(kind: type[T.Transform], parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        kind(**parameters)
