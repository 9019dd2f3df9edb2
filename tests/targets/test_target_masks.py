"""Masks stay in register with their image, whatever their dtype and shape, and are never interpolated."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth._native.layout import Interpolation, Tables
from augsynth.engine import CpuExecutor, run
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.plan import Pass, Plan
from augsynth.targets.masks import DTYPES
from augsynth.testing import strategies as aug

IMAGE = np.zeros((8, 12, 3), np.uint8)


def _shown(plan: Plan, values: npt.NDArray[Any], fill: float) -> npt.NDArray[Any]:
    """A colour-coded image (H, W), transformed by the plan's geometry with nearest sampling."""
    passes = []
    for one in plan.passes:
        rows = one.rows.copy()
        rows["interpolation"], rows["antialias"], rows["channels"] = Interpolation.NEAREST, 0, 1
        rows["source_dtype"] = rows["output_dtype"] = 1
        rows["fill"], rows["clamp"] = fill, (0, 65535)
        passes.append(Pass(rows, Tables(displacements=one.tables.displacements, offsets=one.tables.offsets)))
    output = np.empty((1, *passes[-1].rows["output_size"][0]), np.uint16)
    run(Plan(tuple(passes)), [values[:, :, None]], CpuExecutor(), [output])
    return output[0]


@given(
    aug.cases(st.lists(aug.geometry() | aug.distortions(), max_size=3).map(T.Compose)),
    st.sampled_from(DTYPES),
    st.sampled_from([0, 1]),
    st.integers(0, 2**32 - 1),
)
def test_masks_show_what_a_colour_coded_image_shows(case: aug.Case, dtype: str, fill: int, seed: int) -> None:
    height, width = case.image.shape[:2]
    fill = fill // 2 if dtype == "int8" else fill
    codes = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint16)
    shown = _shown(case.plan, codes, fill)
    t = T.Compose([case.pipeline], mask_fill=fill)
    moved = t(case.image, {"masks": _coded(codes, dtype)}, key=case.key)[1]["masks"]
    expected = _coded(shown, dtype)
    outside = _shown(case.plan, np.full_like(codes, 7), 9) == 9
    expected[outside] = np.bool_(False) if dtype == "bool" else np.dtype(dtype).type(fill)
    np.testing.assert_array_equal(moved, expected)


def _coded(codes: npt.NDArray[np.uint16], dtype: str) -> npt.NDArray[Any]:
    """Values that use all the bytes of their dtype, one for each code."""
    if dtype == "bool":
        return codes % 2 == 1
    if dtype.startswith("float"):
        return np.where(codes == 3, np.inf, (codes.astype(dtype) - 100) * np.pi).astype(dtype)
    info = np.iinfo(dtype)
    step = max(int(info.max) // 256, 1)
    return (codes.astype(object) * step + int(info.min) // (1 if info.bits == 8 else 2)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(8, 12), (1, 8, 12), (0, 8, 12), (2, 3, 8, 12), (20, 8, 12)])
def test_any_leading_shape(dtype: str, shape: tuple[int, ...]) -> None:
    masks = (np.random.default_rng(1).random(shape) * 2).astype(dtype)
    moved = T.RandomHorizontalFlip(1.0)(IMAGE, {"masks": masks})[1]["masks"]
    np.testing.assert_array_equal(moved, masks[..., ::-1])
    assert moved.dtype == masks.dtype


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[:, ::-1, ::-1],
        lambda a: a[::2],
        lambda a: a.transpose(0, 2, 1),
        lambda a: np.asfortranarray(a),
        lambda a: a.astype(a.dtype.newbyteorder(">")),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
def test_any_strides_and_byte_order(view: Any, dtype: str) -> None:
    masks = view(np.random.default_rng(1).integers(0, 100, (4, 12, 12)).astype(dtype))
    moved = T.RandomVerticalFlip(1.0)(np.zeros((12, 12), np.uint8), {"masks": masks})[1]["masks"]
    np.testing.assert_array_equal(moved, masks[:, ::-1])


def test_torch_and_lists_come_back_as_they_came() -> None:
    masks = np.arange(96).reshape(8, 12)
    for given_as in (torch.from_numpy(masks), masks.tolist()):
        moved = T.RandomHorizontalFlip(1.0)(IMAGE, {"masks": given_as})[1]["masks"]
        assert type(moved) is type(given_as)
        np.testing.assert_array_equal(np.asarray(moved), masks[:, ::-1])


def test_noise_colour_and_casts_leave_masks_alone() -> None:
    mask = np.arange(96, dtype=np.uint8).reshape(8, 12)
    t = T.Compose(
        [
            T.GaussianNoise(sigma=0.5),
            T.ColorJitter(0.5, 0.5, 0.5, 0.5),
            T.RandomErasing(p=1.0),
            T.RandomPosterize(2, p=1.0),
            T.RandomHorizontalFlip(1.0),
            T.Normalize([0.5], [0.1]),
            T.ToDtype("float16"),
        ]
    )
    np.testing.assert_array_equal(t(IMAGE, {"masks": mask}, key=(1, 2, 3))[1]["masks"], mask[:, ::-1])


def test_what_lies_outside_is_mask_fill_but_0_for_single_objects() -> None:
    target = {
        "boxes": np.array([[0.0, 0, 12, 8], [2, 2, 6, 6]]),
        "masks": np.ones((2, 8, 12), np.uint8),
    }
    t = T.Compose([T.Pad(1)], mask_fill=255)
    assert t(IMAGE, target)[1]["masks"][:, 0, 0].tolist() == [0, 0]
    assert t(IMAGE, {"masks": np.ones((2, 8, 12), np.uint8)})[1]["masks"][:, 0, 0].tolist() == [255, 255]
    assert t(IMAGE, {"masks": np.ones((8, 12), np.int64)})[1]["masks"][0, 0] == 255
    assert not t(IMAGE, {"masks": np.ones((8, 12), bool)})[1]["masks"][0, 0]
    ignored = T.Compose([T.Pad(1)], mask_fill=-1)(IMAGE, {"masks": np.ones((8, 12), np.int64)})[1]["masks"]
    assert ignored[0, 0] == -1
    assert ignored[1, 1] == 1


def test_masks_and_boxes_of_an_object_agree_under_moves_of_whole_pixels() -> None:
    rng = np.random.default_rng(5)
    t = T.Compose(
        [
            T.RandomCrop((30, 34), padding=6),
            T.RandomHorizontalFlip(),
            T.RandomVerticalFlip(),
            T.RandomChoice([T.RandomRotation((90, 90), expand=True), T.RandomRotation((180, 180), expand=True)]),
        ]
    )
    for index in range(60):
        low = rng.integers(0, (40, 30), (5, 2))
        boxes = np.concatenate([low, low + rng.integers(1, 9, (5, 2))], axis=1)
        masks = np.zeros((5, 40, 50), bool)
        for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
            mask[y1:y2, x1:x2] = True
        _, moved = t(np.zeros((40, 50), np.uint8), {"boxes": boxes, "masks": masks}, key=(0, 0, index))
        assert len(moved["boxes"]) == len(moved["masks"])
        for (x1, y1, x2, y2), mask in zip(moved["boxes"].astype(int), moved["masks"], strict=True):
            assert mask[y1:y2, x1:x2].all()
            assert mask.sum() == (y2 - y1) * (x2 - x1)


@pytest.mark.parametrize(
    ("masks", "error", "words"),
    [
        (np.zeros((8, 11), np.uint8), ArgumentError, r"\(8, 12\), its image's; got \(8, 11\)"),
        (np.zeros(8, np.uint8), ArgumentError, "shape"),
        (np.zeros((8, 12), np.complex64), ArgumentTypeError, "complex64"),
        (np.zeros((8, 12), np.uint8).tobytes(), ArgumentTypeError, "list"),
    ],
)
def test_refused_masks(masks: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        T.Pad(1)(IMAGE, {"masks": masks})


def test_a_fill_that_the_masks_cannot_hold_is_refused() -> None:
    with pytest.raises(ArgumentError, match="uint8 masks can hold, got -1"):
        T.Compose([T.Pad(1)], mask_fill=-1)(IMAGE, {"masks": np.zeros((8, 12), np.uint8)})


@pytest.mark.parametrize("container", [list, tuple])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64"])
@pytest.mark.parametrize("form", [np.asarray, torch.from_numpy])
def test_a_list_of_arrays_comes_back_as_one(form: Any, dtype: str, container: Any) -> None:
    masks = np.random.default_rng(0).integers(0, 2, (3, 8, 12)).astype(dtype)
    given_as = container(form(mask) for mask in masks)
    moved = T.RandomHorizontalFlip(1.0)(IMAGE, {"masks": given_as})[1]["masks"]
    assert type(moved) is container
    assert {type(one) for one in moved} == {type(given_as[0])}
    assert {one.dtype for one in moved} == {given_as[0].dtype}
    np.testing.assert_array_equal(np.stack([np.asarray(one) for one in moved]), masks[:, :, ::-1])
    with pytest.raises(ArgumentError, match="must have one dtype and one shape"):
        T.Pad(1)(IMAGE, {"masks": [*given_as, form(masks[0].astype("float32"))]})


@pytest.mark.parametrize("as_field", [True, False])
@pytest.mark.parametrize(("mode", "dtype"), [("1", "bool"), ("L", "uint8"), ("P", "uint8"), ("I", "int32")])
def test_masks_from_pil_become_tensors_as_images_do(mode: str, dtype: str, as_field: bool) -> None:
    values = np.arange(96, dtype=np.uint8).reshape(8, 12)
    picture = PIL.Image.fromarray(values).convert(mode) if mode != "P" else PIL.Image.fromarray(values, "P")
    expected = np.asarray(picture)[:, ::-1]
    target = {"masks": picture} if as_field else picture
    moved = T.RandomHorizontalFlip(1.0)(IMAGE, target)[1]
    moved = moved["masks"] if as_field else moved
    assert moved.dtype == getattr(torch, dtype)
    np.testing.assert_array_equal(moved.numpy(), expected)


def test_a_mask_by_itself_is_a_target() -> None:
    mask = np.arange(96).reshape(8, 12)
    batch, moved = T.RandomHorizontalFlip(1.0).batch([IMAGE] * 2, torch.from_numpy(np.stack([mask, mask])))
    assert batch.shape == (2, 3, 8, 12)
    np.testing.assert_array_equal(moved[1].numpy(), mask[:, ::-1])
    with pytest.raises(ArgumentError, match="its image's; got"):
        T.Pad(1)(IMAGE, np.zeros((3, 4)))
    with pytest.raises(ArgumentTypeError, match=r"the mode 'RGB': turn its colours into the numbers of classes"):
        T.Pad(1)(IMAGE, PIL.Image.new("RGB", (12, 8)))


@pytest.mark.parametrize("boxes", [[[0.0, 0, 1, 1]], [[0.0, 0, 1, 1], [0, 0, 2, 2]]])
@pytest.mark.parametrize("form", [np.asarray, torch.from_numpy])
def test_one_mask_of_numbers_is_the_pictures(boxes: Any, form: Any) -> None:
    t = T.Compose([T.CenterCrop(2)], mask_fill=255)
    mask = form(np.full((1, 8, 12), 3, np.int64))
    moved = t(IMAGE, {"boxes": boxes, "masks": mask})[1]
    assert moved["boxes"] == []
    assert moved["masks"].tolist() == [[[3, 3], [3, 3]]]


@pytest.mark.parametrize("masks", [np.ones((1, 8, 12), bool), [np.ones((8, 12), np.uint8)]])
def test_one_mask_is_the_objects_if_it_is_boolean_or_in_a_list(masks: Any) -> None:
    moved = T.CenterCrop(2)(IMAGE, {"boxes": [[0.0, 0, 1, 1]], "masks": masks})[1]
    assert len(moved["masks"]) == 0


def _empty(form: Any) -> dict[str, Any]:
    fields = "boxes rotated_boxes labels masks keypoints visibility area scores names label"
    return {name: form() for name in fields.split()}


@pytest.mark.parametrize("form", [list, tuple, lambda: np.zeros(0), lambda: torch.zeros(0)])
def test_no_objects_are_a_target_in_every_field_and_form(form: Any) -> None:
    for target in (_empty(form), *({"boxes": form(), name: value} for name, value in _empty(form).items())):
        moved = T.CenterCrop(4)(IMAGE, target)[1]
        assert moved.keys() == target.keys()
        assert all(len(value) == 0 for value in moved.values())
    for masks in (np.zeros((0, 3, 3), np.uint8), torch.zeros((0, 0, 0))):
        assert T.CenterCrop(4)(IMAGE, {"boxes": [], "masks": masks})[1]["masks"].shape == (0, 4, 4)


def test_masks_are_not_widened_without_a_word() -> None:
    with pytest.raises(ArgumentTypeError, match=r"got torch\.bfloat16: convert to float32"):
        T.RandomHorizontalFlip()(IMAGE, {"masks": torch.zeros(8, 12, dtype=torch.bfloat16)})


@pytest.mark.parametrize("dtype", [">i2", ">u2", ">i4", ">i8", ">f4", ">f8"])
def test_masks_of_the_other_byte_order_are_moved_as_they_are(dtype: str) -> None:
    masks = (np.arange(96).reshape(8, 12) + 300).astype(dtype)
    moved = T.Compose([T.RandomHorizontalFlip(1.0), T.Pad(1)], mask_fill=259)(IMAGE, {"masks": masks})[1]["masks"]
    assert moved.dtype in (masks.dtype, masks.dtype.newbyteorder("="))
    np.testing.assert_array_equal(moved[1:-1, 1:-1], masks[:, ::-1])
    assert moved[0, 0] == 259


def test_masks_whose_values_are_negated_or_read_only() -> None:
    values = torch.arange(96.0).reshape(8, 12)
    moved = T.RandomHorizontalFlip(1.0)(IMAGE, {"masks": torch._neg_view(values)})[1]["masks"]
    assert torch.equal(moved, -values.flip(-1))
    frozen = np.broadcast_to(values.numpy()[:1], (8, 12))
    np.testing.assert_array_equal(T.RandomHorizontalFlip(1.0)(IMAGE, {"masks": frozen})[1]["masks"], frozen[:, ::-1])


@pytest.mark.parametrize("name", ["boxes", "masks", "keypoints"])
def test_masked_arrays_are_refused(name: str) -> None:
    value = np.ma.masked_array(np.zeros({"boxes": (1, 4), "masks": (8, 12), "keypoints": (1, 2)}[name]), True)
    for one in (value, [value]):
        with pytest.raises(ArgumentTypeError, match=f"{name}.* masked array"):
            T.RandomHorizontalFlip()(IMAGE, {name: one})
