"""ElasticTransform: its field, its pixels against SciPy and torch, and everything that stands with it in one pass."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from augsynth import _native
from augsynth import transforms as T
from augsynth.engine import reference, run
from augsynth.errors import ArgumentError, PlanError
from augsynth.plan import Plan
from augsynth.plan.displacement import Displacement, displacements

Floats = npt.NDArray[np.float64]
Key = tuple[int, int, int]
KEYS = [(7, 0, index) for index in range(600)]


def field(transform: T.ElasticTransform, shape: tuple[int, int], key: Key) -> Floats:
    """The displacement (H, W, 2) of each pixel's centre."""
    (curved,) = curves(transform.plan([shape], [key]))
    return curved.offsets(centres(*shape))


def curves(plan: Plan) -> list[Displacement]:
    found = [one for step in plan.passes for one in displacements(step.rows, step.tables)]
    return [one for one in found if one is not None]


def centres(height: int, width: int) -> Floats:
    return np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)


def torchvision_field(shape: tuple[int, int], alpha: float, sigma: float, generator: torch.Generator) -> Floats:
    """torchvision's displacement of a square picture, in pixels: `ElasticTransform.make_params` of its v2."""
    size = int(8 * sigma + 1)
    size += 1 - size % 2
    offsets = torch.linspace(-(size - 1) / 2, (size - 1) / 2, size, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum())[None] * (kernel / kernel.sum())[:, None]
    noise = torch.rand(2, 1, *shape, generator=generator, dtype=torch.float64) * 2 - 1
    padded = torch.nn.functional.pad(noise, [size // 2] * 4, mode="reflect")
    blurred = torch.nn.functional.conv2d(padded, kernel[None, None])[:, 0]
    normalised = blurred * alpha / shape[0]
    return (normalised * shape[0] / 2).permute(1, 2, 0).numpy()


def test_the_field_is_as_strong_and_as_smooth_as_torchvisions() -> None:
    """200 independent fields of 41 x 41 pixels: the deviation of one pixel's variance over them is a tenth, and of
    their mean over the 20 or so places that are apart a fiftieth; tolerances are three times as large."""
    alpha, sigma, count, side = 40.0, 3.0, 200, 41
    generator = torch.Generator().manual_seed(0)
    reach = slice(12, -12)  # torchvision mirrors its noise at the edges, and so displaces them farther
    theirs = np.stack([torchvision_field((side, side), alpha, sigma, generator)[reach, reach] for _ in range(count)])
    for spacing in (None, 2.0):
        t = T.ElasticTransform(alpha, sigma, spacing=spacing)
        ours = np.stack([field(t, (side, side), key)[reach, reach] for key in KEYS[:count]])
        expected = alpha / (4 * sigma * math.sqrt(3 * math.pi))
        for one in (ours, theirs):
            np.testing.assert_allclose(one.std(), expected, rtol=0.06)
            assert abs(one.mean()) < 0.1 * expected
        for lag in (2, 4, 6, 9):
            exact = math.exp(-(lag**2) / (4 * sigma**2))
            for one in (ours, theirs):
                together = np.mean(one[:, :, lag:] * one[:, :, :-lag]) / one.var()
                assert abs(together - exact) < 0.1, (spacing, lag)


def test_all_points_are_alike() -> None:
    """The variance of each pixel over 600 keys has a deviation of 6 %; none of 576 is off by five times as much."""
    fields = np.stack([field(T.ElasticTransform(40.0, 4.0), (24, 24), key) for key in KEYS])
    expected = (40.0 / (16 * math.sqrt(3 * math.pi))) ** 2
    assert np.abs(fields.var(axis=0) / expected - 1).max() < 0.3


def test_grids_begin_anywhere_in_a_cell() -> None:
    """The variance between control points is a twelfth smaller than at them, too little for the test above."""
    plan = T.ElasticTransform(spacing=8.0).plan([(24, 24)] * len(KEYS), KEYS)
    cells = -plan.passes[0].tables.displacements["origin"] / 8.0
    assert cells.min() >= 1.0
    assert cells.max() < 2.0
    for share in (0.25, 0.5, 0.75):
        assert np.abs((cells < 1.0 + share).mean(axis=0) - share).max() < 0.1


def test_pairs_are_for_x_and_y() -> None:
    fields = np.stack([field(T.ElasticTransform((60.0, 20.0), (3.0, 6.0)), (40, 40), key) for key in KEYS[:100]])
    deviations = np.array([60.0, 20.0]) / (4 * math.sqrt(18) * math.sqrt(3 * math.pi))
    np.testing.assert_allclose(fields.std(axis=(0, 1, 2)), deviations, rtol=0.06)
    across = np.mean(fields[:, :, 4:] * fields[:, :, :-4]) / fields.var()
    down = np.mean(fields[:, 4:] * fields[:, :-4]) / fields.var()
    assert abs(across - math.exp(-16 / 36)) < 0.1
    assert abs(down - math.exp(-16 / 144)) < 0.1


@pytest.mark.parametrize("order", [0, 1])
def test_pixels_are_scipys(isa: str, order: int) -> None:
    image = np.random.default_rng(0).random((60, 70)).astype(np.float32)
    t = T.ElasticTransform(80.0, 6.0, interpolation=("nearest", "bilinear")[order], border="replicate")
    for key in KEYS[:3]:
        sources = centres(60, 70) + field(t, (60, 70), key) - 0.5
        expected = ndimage.map_coordinates(image, np.moveaxis(sources, -1, 0)[::-1], order=order, mode="nearest")
        found = t(image, key=key)[0].numpy()
        differ = np.abs(found - expected) > 1e-3
        assert differ.mean() < (0.002 if order == 0 else 1e-9), isa  # nearest may round a tie the other way


def test_pixels_are_torchs_grid_sample(isa: str) -> None:
    """`ElasticTransform.transform` of torchvision: an identity grid of pixel centres, plus the displacement."""
    image = np.random.default_rng(1).random((64, 64, 3)).astype(np.float32)
    t = T.ElasticTransform(120.0, 7.0, fill=0.25)
    for key in KEYS[:3]:
        grid = torch.from_numpy((centres(64, 64) + field(t, (64, 64), key)) * 2 / 64 - 1).float()[None]
        planes = torch.from_numpy(image).permute(2, 0, 1)[None]
        options: dict[str, Any] = {"mode": "bilinear", "padding_mode": "zeros", "align_corners": False}
        inside = torch.nn.functional.grid_sample(torch.ones_like(planes), grid, **options)
        expected = torch.nn.functional.grid_sample(planes, grid, **options) + (1 - inside) * 0.25
        torch.testing.assert_close(t(image, key=key), expected[0], rtol=0, atol=2e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_every_executor_gives_the_references_picture(isa: str, dtype: Any, interpolation: str) -> None:
    full = 1.0 if dtype == np.float32 else float(np.iinfo(dtype).max)
    image = (np.random.default_rng(2).random((37, 53, 3)) * full).astype(dtype)
    t = T.Compose(
        [
            T.RandomRotation(20, interpolation=interpolation, border="reflect"),
            T.ElasticTransform(60.0, 5.0, interpolation=interpolation, border="reflect"),
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


def test_it_is_one_pass_with_what_stands_around_it() -> None:
    t = T.Compose(
        [
            T.RandomHorizontalFlip(),
            T.RandomRotation(10),
            T.ElasticTransform(),
            T.RandomResizedCrop(64),
            T.ColorJitter(0.3),
            T.GaussianNoise(sigma=0.02),
            T.Normalize([0.5], [0.25]),
        ]
    )
    assert len(t.plan([(96, 80, 3)], [KEYS[0]]).passes) == 1
    assert t.explain().startswith("1 pass\n")
    assert len(T.Compose([T.ElasticTransform(), T.ElasticTransform()]).plan([(32, 32, 3)], [KEYS[0]]).passes) == 2


def test_a_picture_does_not_depend_on_its_batch() -> None:
    t = T.Compose([T.ElasticTransform(), T.RandomRotation(30), T.Resize((32, 40))])
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


def test_two_transforms_of_one_kind_draw_different_fields() -> None:
    first, second = curves(T.Compose([T.ElasticTransform(), T.ElasticTransform()]).plan([(32, 32)], [KEYS[0]]))
    assert not np.array_equal(first.grid, second.grid)


@pytest.mark.parametrize("alpha", [0.0, (0.0, 0.0), (0.0,)])
def test_no_strength_copies(alpha: Any) -> None:
    image = np.array([[[np.nan], [-0.0], [np.inf]]], np.float32)
    assert T.ElasticTransform(alpha)(image, key=KEYS[0]).numpy().tobytes() == image.tobytes()


def test_stored_plans_give_the_same_picture() -> None:
    image = np.random.default_rng(4).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    plan = T.ElasticTransform().plan([image.shape] * 2, KEYS[:2])
    stored = io.BytesIO()
    plan[1:].save(stored)
    stored.seek(0)
    again = T.ElasticTransform().apply([image], Plan.load(stored))
    assert torch.equal(again[0], T.ElasticTransform()(image, key=KEYS[1]))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"alpha": -1.0}, "alpha must be"),
        ({"alpha": (1.0, 2.0, 3.0)}, "alpha must be a number or"),
        ({"sigma": 0.0}, "sigma must be greater than 0"),
        ({"spacing": 9.0}, r"spacing must be in \[2.5, 8.66025\] for a sigma of 5"),
        ({"spacing": 2.0}, "spacing must be in"),
    ],
)
def test_what_cannot_be_is_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        T.ElasticTransform(**parameters)


def test_a_grid_that_is_too_large_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"control points for an image of 900x900 pixels.*larger sigma"):
        T.ElasticTransform(sigma=1.0).plan([(8, 8), (900, 900)], KEYS[:2])


def blob(height: int, width: int, place: Floats, radius: float = 3.0) -> npt.NDArray[np.float32]:
    away = centres(height, width) - place
    return np.exp(-(away**2).sum(axis=-1) / (2 * radius**2)).astype(np.float32)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.05, 0.5), sigma=st.floats(30, 50))
def test_a_blob_is_where_its_keypoint_says(seed: int, share: float, sigma: float) -> None:
    """Within 0.1 pixels, through random pipelines. Fields are wide, as a map that bends across a blob moves its middle
    away from its centre."""
    t = T.Compose(
        [
            T.RandomAffine(40, scale=(0.8, 1.2), interpolation="bilinear", antialias=False),
            T.ElasticTransform(share * 2 * sigma**2, sigma),
            T.RandomHorizontalFlip(),
        ]
    )
    place = np.random.default_rng(seed).uniform([80, 60], [120, 100])
    output, target = t(blob(160, 200, place), {"keypoints": place[None]}, key=(seed, 0, 0))
    found = target["keypoints"][0]
    picture = output[0].numpy().astype(np.float64)
    middle = (picture[..., None] * centres(160, 200)).sum(axis=(0, 1)) / picture.sum()
    if np.all((found > 15) & (found < np.array([185, 145]))):
        np.testing.assert_allclose(middle, found, rtol=0, atol=0.1)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), fuse=st.booleans())
def test_boxes_masks_and_polygons_agree(seed: int, fuse: bool) -> None:
    """The box of an object is that of its mask, to within a pixel, and a polygon has the area of the mask."""
    t = T.Compose([T.RandomRotation(20), T.ElasticTransform(60.0, 6.0), T.RandomHorizontalFlip()], fuse=fuse)
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


@pytest.mark.parametrize("fuse", [True, False])
def test_later_transforms_are_shown_displaced_boxes(fuse: bool) -> None:
    parts = [T.RandomRotation((90, 90)), T.ElasticTransform(2000.0, 40.0), T.RandomTranslate((0.1, 0.1))]
    image, target = np.zeros((64, 64, 3), np.uint8), {"boxes": np.array([[20.0, 20.0, 40.0, 40.0]]), "labels": [0]}
    for key in KEYS[:5]:
        SHOWN.clear()
        moved = T.Compose([*parts, Looking()], fuse=fuse)(image, target, key=key)[1]["boxes"]
        np.testing.assert_allclose(SHOWN[0][0], moved, rtol=0, atol=0 if fuse else 0.11)
    halves = T.RandomApply([T.ElasticTransform(2000.0, 40.0)], 0.5)
    SHOWN.clear()
    _, moved = T.Compose([halves, Looking()], fuse=fuse).batch([image] * 9, [target] * 9, keys=KEYS[:9])
    stay = [np.array_equal(boxes, target["boxes"]) for boxes in SHOWN[0]]
    assert 0 < sum(stay) < 9
    assert stay == [np.array_equal(one["boxes"], target["boxes"]) for one in moved]


def test_a_fold_is_refused_for_points_and_not_for_masks() -> None:
    t, image = T.ElasticTransform(400.0, 5.0), np.zeros((64, 64, 3), np.uint8)
    assert t(image, np.ones((64, 64), np.uint8), key=KEYS[0])[1].shape == (64, 64)
    for target in ({"boxes": [[1.0, 1, 9, 9]]}, {"keypoints": [[4.0, 4.0]]}):
        with pytest.raises(PlanError, match="may fold the picture"):
            t(image, target, key=KEYS[0])
