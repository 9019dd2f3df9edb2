"""Hostile inputs that once crashed augsynth, hung it, leaked memory or failed silently."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from augsynth import _native
from augsynth import transforms as T
from augsynth.data.loading.encoded import EncodedImage
from augsynth.engine import reference
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, CheckpointError, DataError, PlanError
from augsynth.plan import Plan, new_rows

IMAGE = np.zeros((6, 8, 3), np.uint8)
KEYS = [(0, 0, 0)]


def test_a_horizon_between_the_corners_of_the_output_and_of_its_pixels_is_refused_by_both() -> None:
    rows = new_rows(1)
    rows["source_size"] = rows["output_size"] = (4, 4)
    rows["channels"] = 1
    rows["inverse"][0, 2] = (0.0, -0.26, 1.0)
    for executor in (_native.run, reference.run):
        with pytest.raises(PlanError, match="inverse"):
            executor(rows, [np.zeros((4, 4, 1), np.uint8)], [np.zeros((1, 4, 4), np.uint8)])


def _jpeg(**settings: Any) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    Image.fromarray(noise).save(file, "jpeg", **settings)
    return file.getvalue()


def test_a_jpeg_file_of_which_nothing_is_decoded_is_refused() -> None:
    """libjpeg skips a marker of 0 with all that follows; what had been allocated for the picture was returned."""
    data = bytearray(_jpeg())
    data[21] = 0
    with pytest.raises(DataError):
        EncodedImage(bytes(data)).decode()


def test_a_jpeg_file_that_says_it_is_enormous_is_refused() -> None:
    data = bytearray(_jpeg())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\xff\xdc\xff\xdc"
    with pytest.raises(DataError, match="65500x65500"):
        EncodedImage(bytes(data))


def test_packed_plans_are_refused_before_they_are_unpacked() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", bytes(2**24))
    with pytest.raises(CheckpointError, match="not compressed"):
        Plan.load(io.BytesIO(file.getvalue()))


def test_a_damaged_archive_does_not_spill_its_contents_into_the_message() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("header.npy", bytes(100))
    data = bytearray(file.getvalue())
    data[26:28] = (30000).to_bytes(2, "little")  # the length of the name before the member
    with pytest.raises(CheckpointError) as refusal:
        Plan.load(io.BytesIO(bytes(data) + b"PK"))
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(
    "image",
    [Image.new("L", (0, 3)), torch.zeros(3, 4, 5, device="meta"), torch.zeros(3, 4, 5).to_sparse()],
    ids=["empty PIL", "meta", "sparse"],
)
def test_images_without_pixels(image: Any) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError), match=r"no pixels|meta device|sparse"):
        T.RandomInvert()(image)


@pytest.mark.parametrize(
    "keys",
    [
        [({}, 0, 0)],
        [(0.5, 0, None)],
        [("1", 0, 2**70)],
        torch.ones(1, 3).to_sparse(),
        torch.zeros(1, 3, requires_grad=True),
    ],
)
def test_keys_that_are_no_integers(keys: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="keys must be integers"):
        T.RandomInvert().batch([IMAGE], keys=keys)


def test_out_that_is_sparse() -> None:
    out = torch.zeros(1, 3, 6, 8, dtype=torch.uint8).to_sparse()
    with pytest.raises(ArgumentError, match="sparse"):
        T.RandomInvert().batch([IMAGE], out=out)


BOX = {"id": 1, "bbox": [0, 0, 2, 2]}


@pytest.mark.parametrize(
    "target",
    [
        {"annotation": {"object": 3}},
        {"annotation": {"object": [{"bndbox": torch.zeros(2, 2)}]}},
        {"annotation": {"object": [{"bndbox": {"xmin": 10**400, "ymin": 0, "xmax": 1, "ymax": 1}}]}},
        {"annotations": 0.5},
        {"annotations": torch.tensor(1.0)},
        [{**BOX, "bbox": np.zeros((0, 4, 4))}],
        {"boxes": [[torch.zeros(1, dtype=torch.bfloat16)] * 4, [[]]]},
        {"boxes": [[0, 0, 1, 1]], "labels": torch.ones(1).to_sparse()},
        {"boxes": [[0, 0, 1, 1]], "labels": torch.ones(1, device="meta")},
        [{**BOX, "area": np.zeros(3)}],
        [{**BOX, "area": "large"}],
        [{**BOX, "segmentation": [[0, 0, [1], 0, 1, 1]]}],
        [{**BOX, "segmentation": [[0, 0, torch.zeros(1).to_sparse(), 0, 1, 1]]}],
        [{**BOX, "keypoints": [0, 0, [1]]}],
        [{**BOX, "segmentation": 0.5}],
        [{**BOX, "segmentation": np.zeros(0)}],
        [{**BOX, "segmentation": {"size": [6, 8], "counts": np.zeros((2, 0))}}],
        [{**BOX, "segmentation": {"size": [6, 8], "counts": [49, -1]}}],
        [{**BOX, "segmentation": {"size": 48, "counts": [48]}}],
        {"boxes": [[0, 0, 1, 1]], "area": np.zeros(1, [("a", "f4")])},
        {"boxes": [[0, 0, 1, 1]], "area": ["large"]},
        {"boxes": torch.zeros(1, 4, device="meta")},
        {"boxes": torch.zeros(1, 4).to_sparse()},
        {"boxes": torch.zeros(1, 4, dtype=torch.complex64).conj()},
    ],
)
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
def test_targets_that_are_none(target: Any) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError)):
        T.RandomHorizontalFlip(1.0).batch([IMAGE], [target], keys=KEYS)


@pytest.mark.parametrize("points", [{"a": [[0.0, 0.0]]}, "a", torch.zeros(1, 2, device="meta")])
def test_predictions_that_are_none(points: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="points"):
        T.RandomHorizontalFlip(1.0).plan([(6, 8)], KEYS).invert(points)


@pytest.mark.parametrize("fill", [10**400, float("nan"), 256, "a", None])
def test_fills_that_masks_cannot_hold(fill: Any) -> None:
    plan = T.RandomHorizontalFlip(1.0).plan([(6, 8)], KEYS)
    with pytest.raises((ArgumentError, ArgumentTypeError), match="mask_fill"):
        plan.invert(masks=np.zeros((6, 8), np.uint8), mask_fill=fill)


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "description",
    [
        {"type": _nested(900)},
        {"type": "a" * 100_000},
        {"type": "Pad", "padding": 1, "a" * 100_000: 1},
        {"type": "Compose", "transforms": [], "fuse": _nested(900)},
        {"type": "Compose", "transforms": [], "memory_format": _nested(900)},
        {"type": "Compose", "transforms": [{"a": _nested(900)}]},
        {"type": "Compose", "transforms": [], "min_area": 10**400},
        {"type": "Compose", "transforms": [], "min_visibility": 10**400},
        {"type": "RandomHorizontalFlip", "p": 10**400},
        {"type": "Pad", "padding": 10**400},
        {"type": "Pad", "padding": 2**24 + 1},
        {"type": "Resize", "size": 2**31},
        {"type": "RandAugment", "num_ops": 101},
        {"type": "TrivialAugmentWide", "num_magnitude_bins": 10**30},
    ],
)
def test_descriptions_with_numbers_that_are_too_large_or_values_that_are_too_deep(description: Any) -> None:
    with pytest.raises(AugsynthError) as refusal:
        T.from_dict(description)
    assert len(str(refusal.value)) < 1000


def test_sides_that_grow_beyond_what_a_plan_can_say() -> None:
    padded = T.Compose([T.Pad(2**24)] * 128)
    with pytest.raises(ArgumentError, match="no side may be longer than 16777216"):
        padded.plan([(6, 8)], KEYS)


@pytest.mark.parametrize("parts", [[], [T.GaussianBlur(3)]])
def test_batches_that_no_memory_holds(parts: list[T.Transform]) -> None:
    with pytest.raises((ArgumentError, PlanError), match="memory"):
        T.Compose([T.Resize((2**24, 2**24)), *parts])(IMAGE)


def test_batches_of_no_image_at_all() -> None:
    for pipeline in (T.Compose([T.Resize(4), T.GaussianBlur(3)]), T.Compose([T.RandomInvert(), T.RandomGamma()])):
        with pytest.raises(ArgumentError, match="at least one image"):
            pipeline.batch(np.zeros((0, 6, 8, 3), np.uint8), keys=[])
