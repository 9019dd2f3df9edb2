"""Decoding only what a plan reads: the same bits as decoding all, and plain words for files that cannot be decoded."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

import augsynth
from augsynth import transforms as T
from augsynth.data.loading import decoding
from augsynth.data.loading.decoding import DecodingTransform
from augsynth.data.loading.encoded import EncodedImage
from augsynth.data.loading.encoded_folder import EncodedImageFolder
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, PlanError
from augsynth.plan.reach import lines_read
from augsynth.testing import strategies as aug

pytest.importorskip("simplejpeg")

NORMALIZE = T.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4])


def picture(height: int, width: int, seed: int = 0) -> Image.Image:
    """Smooth colours with some noise."""
    y, x = np.mgrid[:height, :width]
    waves = [127 + 100 * np.sin(x / 9 + y / (7 + c) + c) for c in range(3)]
    noise = np.random.default_rng(seed).normal(0, 8, (height, width, 3))
    return Image.fromarray(np.clip(np.stack(waves, -1) + noise, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, options.pop("format", "jpeg"), **options)
    return file.getvalue()


JPEG = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "progressive": {"progressive": True, "subsampling": 2},
    "restarts": {"restart_marker_rows": 1, "subsampling": 2},
}


@pytest.mark.parametrize("options", JPEG.values(), ids=JPEG.keys())
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_lines_asked_for_are_those_of_the_whole_picture(options: dict[str, Any], mode: Any) -> None:
    image = EncodedImage(encoded(picture(117, 90), **options), mode=mode)
    whole = image.decode()
    memory = np.empty(whole.size, np.uint8)
    for lines in range(1, 118):
        memory[:] = 77
        part = image.decode(lines=lines, into=memory)
        assert part.shape == whole.shape
        np.testing.assert_array_equal(part[:lines], whole[:lines])
    if mode == "RGB":
        np.testing.assert_array_equal(whole, np.asarray(Image.open(io.BytesIO(image.data))))


def test_what_lies_below_is_not_decoded() -> None:
    image = EncodedImage(encoded(picture(320, 200)))
    memory = np.full(320 * 200 * 3, 77, np.uint8)
    image.decode(lines=100, into=memory)
    assert np.all(memory[160 * 200 * 3 :] == 77)


@given(pipeline=aug.pipelines(), size=st.tuples(st.integers(20, 150), st.integers(20, 150)), key=aug.keys())
def test_a_pipeline_gives_the_bits_that_it_gives_of_the_decoded_image(pipeline: Any, size: Any, key: Any) -> None:
    image = EncodedImage(encoded(picture(*size)))
    try:
        expected = pipeline.batch([image.decode()], keys=[key])
    except augsynth.errors.AugsynthError as error:
        with pytest.raises(type(error)):
            DecodingTransform(pipeline).batch([image], keys=[key])
        return
    assert torch.equal(DecodingTransform(pipeline).batch([image], keys=[key]), expected)


@pytest.mark.parametrize("together", [1, 20_000, 1 << 21])
def test_a_batch_is_the_same_however_many_are_decoded_together(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    monkeypatch.setattr(decoding, "_TOGETHER", together)
    images = [EncodedImage(encoded(picture(30 + 9 * number, 70 - 5 * number, number))) for number in range(8)]
    given: list[Any] = [image if number != 4 else image.decode() for number, image in enumerate(images)]
    pipeline = T.Compose([T.RandomResizedCrop(20), T.RandomHorizontalFlip(), T.RandomErasing(p=0.5), NORMALIZE])
    keys = [(0, 0, number) for number in range(8)]
    expected = pipeline.batch([image.decode() for image in images], keys=keys)
    assert torch.equal(DecodingTransform(pipeline).batch(given, keys=keys), expected)


NARROW = {
    "smaller, antialiased": T.RandomResizedCrop(3),
    "smaller, bicubic": T.RandomResizedCrop(3, interpolation="bicubic"),
    "turned, smaller": T.Compose([T.RandomAffine(25, scale=(0.12, 0.15)), T.RandomCrop(5)]),
    "turned, mirrored, smaller": T.Compose([T.RandomAffine(25, scale=(0.4, 0.5), border="reflect"), T.RandomCrop(5)]),
    "turned": T.Compose([T.RandomRotation(30, border="reflect"), T.RandomCrop(9)]),
    **{border: T.Compose([T.Pad(29, border=border), T.RandomCrop(7)]) for border in ("reflect", "reflect101", "wrap")},
}


@pytest.mark.parametrize("pipeline", NARROW.values(), ids=NARROW.keys())
def test_narrow_views_show_nothing_behind_the_lines_that_are_read(pipeline: Any) -> None:
    fine = T.Compose([pipeline, T.ToDtype("float32")])
    plan = fine.plan([(40, 40, 3)] * 200, [(0, 0, k) for k in range(200)])
    lines = lines_read(plan)
    assert lines.min() < 30
    black = np.random.default_rng(3).integers(0, 256, (200, 40, 40, 3), np.uint8)
    white = black.copy()
    for number, last in enumerate(lines):
        black[number, last:], white[number, last:] = 0, 255
    assert torch.equal(fine.apply(black, plan), fine.apply(white, plan))


@given(pipeline=aug.pipelines(), size=st.tuples(st.integers(2, 90), st.integers(2, 60)), key=aug.keys())
def test_lines_behind_those_that_are_read_change_nothing(pipeline: Any, size: Any, key: Any) -> None:
    image = np.random.default_rng(3).integers(0, 256, (*size, 3), np.uint8)
    try:
        plan = pipeline.plan([image.shape], [key])
    except augsynth.errors.AugsynthError:
        return
    lines = int(lines_read(plan)[0])
    other = image.copy()
    other[lines:] = 255 - other[lines:]
    assert torch.equal(pipeline.apply([image], plan), pipeline.apply([other], plan))


def test_a_crop_at_the_top_leaves_most_of_a_file_alone() -> None:
    plan = T.RandomResizedCrop(32, scale=(0.05, 0.1)).plan([(400, 400, 3)] * 50, [(0, 0, k) for k in range(50)])
    rows = plan.passes[0].rows
    bottom = rows["inverse"][:, 1, 1] * 32 + rows["inverse"][:, 1, 2]
    assert np.all(lines_read(plan) >= np.minimum(np.ceil(bottom), 400))
    assert np.all(lines_read(plan) <= bottom + 2 * rows["support"][:, 1] + 4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture(40, 64), exif=exif, subsampling=0)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    image = EncodedImage(data)
    assert image.shape == expected.shape
    np.testing.assert_array_equal(image.decode(), expected)
    pipeline = T.Compose([T.CenterCrop(30), NORMALIZE])
    assert torch.equal(
        DecodingTransform(pipeline, reduce=True)(image, key=(0, 0, 0)), pipeline(expected, key=(0, 0, 0))
    )


@pytest.mark.parametrize(
    ("kind", "options"),
    [("L", {}), ("CMYK", {}), ("RGB", {"format": "png"}), ("RGBA", {"format": "png"}), ("P", {"format": "gif"})],
)
def test_other_files_become_what_was_asked_for(kind: str, options: dict[str, Any]) -> None:
    data = encoded(picture(20, 30).convert(kind), **options)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    image = EncodedImage(data, "odd")
    assert image.shape == (20, 30, 3)
    np.testing.assert_array_equal(image.decode(), expected)
    np.testing.assert_array_equal(image.decode(lines=3)[:3], expected[:3])
    assert EncodedImage(data, mode="L").decode().shape == (20, 30, 1)


def test_an_encoded_image_is_an_image_to_any_pipeline() -> None:
    image = EncodedImage(encoded(picture(20, 30)))
    flip = T.RandomHorizontalFlip(p=1.0)
    assert torch.equal(flip(image), flip(image.decode()))


def test_encoded_and_decoded_images_share_a_batch() -> None:
    image = EncodedImage(encoded(picture(50, 60)))
    array = np.asarray(picture(30, 40))
    pipeline = T.Compose([T.RandomResizedCrop(24), NORMALIZE])
    keys = [(0, 0, 0), (0, 0, 1), (0, 0, 2)]
    expected = pipeline.batch([image.decode(), array, image.decode()], keys=keys)
    out = torch.empty_like(expected)
    assert DecodingTransform(pipeline).batch([image, array, image], keys=keys, out=out) is out
    assert torch.equal(out, expected)
    with pytest.raises(ArgumentTypeError, match=r"images\[1\] is float32"):
        DecodingTransform(pipeline).batch([image, array.astype(np.float32)], keys=keys[:2])


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_reduced_pictures_lie_where_the_others_do(factor: int) -> None:
    """A blob stays in its place: what a picture made of fewer pixels shows is not moved."""
    y, x = np.mgrid[:203, :301]
    blob = 255 * np.exp(-((x + 0.5 - 97) ** 2 + (y + 0.5 - 60) ** 2) / 800)
    image = EncodedImage(encoded(Image.fromarray(blob.astype(np.uint8)), quality=98), mode="L")
    pipeline = T.Compose([T.CenterCrop(200), T.Resize((200 // factor, 200 // factor)), T.ToDtype("float32")])
    whole, part = (DecodingTransform(pipeline, reduce=reduce)(image)[0].numpy() for reduce in (False, True))
    assert not np.array_equal(whole, part)
    places = np.indices(whole.shape) + 0.5
    centres = [(places * one).sum((1, 2)) / one.sum() for one in (whole, part)]
    np.testing.assert_allclose(centres[1], centres[0], atol=0.05)
    assert np.abs(whole - part).mean() < 2


def test_the_edge_of_a_reduced_picture_is_as_sharp() -> None:
    image = EncodedImage(encoded(Image.new("L", (160, 160), 255)), mode="L")
    turn = T.RandomRotation((30, 30), fill=0.0)
    pipeline = T.Compose([T.Resize((20, 20), antialias=False), turn, T.ToDtype("float32")])
    whole, part = (DecodingTransform(pipeline, reduce=reduce)(image) for reduce in (False, True))
    assert whole.min() == 0
    torch.testing.assert_close(part, whole, rtol=0, atol=1.0)


def test_reduction_needs_twice_the_resolution_on_both_axes() -> None:
    image = EncodedImage(encoded(picture(100, 200)))
    for size, same in (((51, 50), True), ((50, 101), True), ((50, 100), False)):
        pipeline = T.Compose([T.Resize(size), NORMALIZE])
        whole, part = (DecodingTransform(pipeline, reduce=reduce)(image) for reduce in (False, True))
        assert torch.equal(whole, part) is same, size


@pytest.mark.parametrize("lines", [None, 10])
@pytest.mark.parametrize("progressive", [False, True])
def test_damaged_files_are_named(progressive: bool, lines: int | None) -> None:
    data = encoded(picture(200, 200), quality=95, progressive=progressive)
    middle = len(data) // 30
    damaged = data[:-2000], data[: middle + 900] + b"\xff\xd3" * 9 + data[middle + 900 :]
    for bad in damaged:
        with pytest.raises(DataError, match=r"cat\.jpg"):
            EncodedImage(bad, "cat.jpg").decode(lines=lines)


STUMPS = (b"", b"\xff\xd9", b"\xff\xda\0\2", b"\xff\xc0\0\2\xff\xda\0\2", b"\xff\xff\xff\xff", b"\xff\xe1\xff\xff")


@pytest.mark.parametrize("data", [b"", b"no picture at all", *(b"\xff\xd8" + stump for stump in STUMPS)])
def test_what_is_no_picture_is_named(data: bytes) -> None:
    with pytest.raises(DataError, match=r"cat\.jpg"):
        EncodedImage(data, "cat.jpg")


@given(at=st.integers(2, 700), values=st.binary(min_size=1, max_size=8), end=st.integers(0, 2500))
def test_no_damage_is_worse_than_an_error(at: int, values: bytes, end: int) -> None:
    data = encoded(picture(40, 40))
    data = (data[:at] + values + data[at + len(values) :])[:end]
    with suppress(DataError):
        image = EncodedImage(data, "cat.jpg")
        if np.prod(image.shape) < 10**6:
            assert image.decode(lines=5).shape == image.shape


def test_arguments_are_checked() -> None:
    image = EncodedImage(encoded(picture(20, 30)))
    with pytest.raises(ArgumentError, match="factor"):
        image.decode(factor=3)
    with pytest.raises(ArgumentError, match="mode"):
        EncodedImage(image.data, mode="CMYK")  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="transform"):
        DecodingTransform(lambda image: image)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no JPEG"):
        EncodedImage(encoded(picture(20, 30), format="png")).decode(factor=2)


def test_a_folder_feeds_a_mix(tmp_path: Path) -> None:
    for label, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for k in range(3):
            picture(40 + 10 * k, 50, seed=10 * label + k).save(tmp_path / name / f"{k}.jpg")
    folder = EncodedImageFolder(tmp_path)
    assert (folder.class_names, folder.labels.tolist()) == (("cat", "dog"), [0, 0, 0, 1, 1, 1])
    pipeline = T.Compose([T.RandomResizedCrop(16), NORMALIZE])
    decoded = [
        (np.asarray(Image.open(file)), int(label)) for file, label in zip(folder.files, folder.labels, strict=True)
    ]
    synthetic = [(np.full((16, 16, 3), 99, np.uint8), label) for label in (0, 1)]
    mixes = [
        augsynth.SyntheticMixDataset(real, synthetic, ratio=0.5, transform=transform, seed=4)
        for real, transform in ((folder, DecodingTransform(pipeline)), (decoded, pipeline))
    ]
    for ours, plain in zip(*mixes, strict=True):
        assert torch.equal(ours[0], plain[0])
        assert ours[1] == plain[1]


def test_photos_decode_as_pillow_decodes_them(data_dir: Path) -> None:
    import tarfile

    with tarfile.open(data_dir / "photos100.tar") as archive:
        members = [member for member in archive if member.isfile()]
        for member in sorted(members, key=lambda one: one.size)[::8]:
            file = archive.extractfile(member)
            assert file is not None
            image = EncodedImage(file.read(), member.name)
            expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(image.data))).convert("RGB"))
            np.testing.assert_array_equal(image.decode(), expected)
            lines = image.shape[0] // 2
            np.testing.assert_array_equal(image.decode(lines=lines)[:lines], expected[:lines])


@pytest.mark.parametrize("together", [2 << 20, 1])
def test_out_may_not_lie_over_a_source(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    monkeypatch.setattr(decoding, "_TOGETHER", together)  # 1: every picture is a group of its own
    transform = DecodingTransform(T.RandomHorizontalFlip(1.0))
    file = EncodedImage(encoded(picture(24, 32)))
    batch = torch.zeros(3, 3, 24, 32, dtype=torch.uint8)
    batch[2] = 7
    before = batch.clone()
    inside = batch[2].permute(1, 2, 0).numpy()
    for images in ([file, batch[2], file], [batch[2], file, file], [file, file, inside], [file, file, inside[::-1]]):
        for t in (transform, transform.transform):
            with pytest.raises(PlanError, match="memory"):
                t.batch(images, out=batch)
        assert torch.equal(batch, before)
    apart = [file, before[2].clone(), file]
    assert torch.equal(transform.batch(apart, out=batch), transform.batch(apart))
