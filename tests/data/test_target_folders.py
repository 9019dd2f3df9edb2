"""Folders of masks and of VOC annotations: pairs by name, splits, damage, and what would not fit together."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

import augsynth
from augsynth import transforms as T
from augsynth.data import DecodingTransform, MaskFolder, SyntheticMixDataset, VOCFolder
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError


def picture(path: Path, level: int = 0, size: tuple[int, int] = (20, 16), **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level,) * 3).save(path, **options)
    return path


def mask(path: Path, numbers: Any, mode: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(numbers))
    if mode == "P":
        image.putpalette(list(range(256)) * 3)
    (image.convert(mode) if mode == "1" else image).save(path)
    return path


def numbers(value: int, dtype: Any = np.uint8) -> Any:
    array = np.zeros((16, 20), dtype)
    array[:8] = value
    return array


def with_masks(root: Path, count: int = 4) -> Path:
    for number in range(count):
        picture(root / f"image/{number}.jpg", 10 * number)
        mask(root / f"label/{number}.png", numbers(255))
    return root


def folder(root: Path, **options: Any) -> MaskFolder:
    return MaskFolder(root / "image", root / "label", **options)


def test_an_image_has_the_mask_of_its_name(tmp_path: Path) -> None:
    root = with_masks(tmp_path)
    picture(root / "image/deep/4.png", 40)
    mask(root / "label/deep/4.tif", numbers(7))
    data = folder(root, values=(0, 255, 7))
    assert len(data) == 5
    found = {int(image.decode()[0, 0, 0]): np.unique(one).tolist() for image, one in data}
    assert found == {0: [0, 1], 10: [0, 1], 20: [0, 1], 30: [0, 1], 40: [0, 2]}
    assert data[0][1].dtype == np.uint8
    assert np.unique(folder(root)[0][1]).tolist() == [0, 255]
    assert data.notes == ()


@pytest.mark.parametrize(
    ("value", "dtype", "mode"),
    [(9, np.uint8, None), (9, np.uint8, "P"), (40000, np.uint16, None), (70000, np.int32, None), (1, np.uint8, "1")],
)
def test_masks_of_every_kind_keep_their_numbers(tmp_path: Path, value: int, dtype: Any, mode: str | None) -> None:
    picture(tmp_path / "image/0.png")
    stored = numbers(255 if mode == "1" else value, dtype)
    mask(tmp_path / f"label/0.{'tif' if dtype == np.int32 else 'png'}", stored, mode)
    image, found = folder(tmp_path)[0]
    np.testing.assert_array_equal(found, numbers(value, dtype))
    _, target = T.Compose([T.RandomHorizontalFlip(1.0)])(image, found, key=(0, 0, 0))
    np.testing.assert_array_equal(np.asarray(target), found[:, ::-1])


def test_files_without_a_partner_and_hidden_ones_are_named(tmp_path: Path) -> None:
    root = with_masks(tmp_path)
    (root / "label/1.png").unlink()
    (root / "image/2.jpg").unlink()
    picture(root / "image/._0.jpg")
    data = folder(root)
    assert len(data) == 2
    assert data.notes == (
        "left out in 'image', as hidden: ._0.jpg",
        "1 images without a mask were left out: 1",
        "1 masks without an image were left out: 2",
    )


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="such names are one name there")
def test_names_match_in_either_unicode_form(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    picture(tmp_path / f"image/{composed}.jpg")
    mask(tmp_path / f"label/{apart}.png", numbers(3))
    picture(tmp_path / "image" / os.fsdecode(b"\xff.png"))
    mask(tmp_path / "label" / os.fsdecode(b"\xff.png"), numbers(3))
    assert [one.max() for _, one in folder(tmp_path)] == [3, 3]


def test_masks_may_lie_beside_the_images(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / f"{name}.jpg")
        mask(tmp_path / f"{name}_mask.png", numbers(5))
    data = MaskFolder(tmp_path, tmp_path, mask_suffix="_mask")
    assert (len(data), data.notes) == (2, ())
    with pytest.raises(ArgumentError, match="one folder"):
        MaskFolder(tmp_path, tmp_path)


def broken(root: Path) -> list[str]:
    """Damage items 0 to 3 of six, each in another way; return the words of their errors."""
    with_masks(root, 6)
    (root / "image/0.jpg").write_bytes(b"junk")
    (root / "label/1.png").write_bytes((root / "label/1.png").read_bytes()[:50])
    mask(root / "label/2.png", np.zeros((16, 21), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 2
    picture(root / "image/3.jpg", exif=exif)
    return ["cannot decode .*0.jpg", "cannot decode .*1.png", r"\(16, 21\), and .* of \(16, 20\)", "Exif orientation"]


def test_what_does_not_fit_together_is_an_error_or_left_out(tmp_path: Path) -> None:
    words = broken(tmp_path)
    data = folder(tmp_path)
    for position, message in enumerate(words):
        with pytest.raises(DataError, match=message):
            data[position][0].decode()
    kept = folder(tmp_path, on_error="skip")
    assert [int(image.decode()[0, 0, 0]) // 10 for image, _ in kept] == [4, 5]
    assert kept.notes[0].startswith("4 images in 'image' cannot be read and were left out: 0.jpg, 1.jpg, 2.jpg")


def test_colours_and_unknown_numbers_are_no_mask(tmp_path: Path) -> None:
    root = with_masks(tmp_path)
    picture(root / "label/0.png")
    data = folder(root, values=(0, 1))
    with pytest.raises(DataError, match="'RGB' pixels; save the mask as numbers"):
        data[0]
    with pytest.raises(DataError, match=r"has the numbers \[255\], which are not among values=\[0, 1\]"):
        data[1]
    for values, error in (
        ((), ArgumentTypeError),
        ("ab", ArgumentTypeError),
        ((0, 0), ArgumentError),
        ((-1,), ArgumentError),
    ):
        with pytest.raises(error, match="values"):
            folder(root, values=values)
    with pytest.raises(DataError, match="no image in 'image' has a mask"):
        MaskFolder(root / "image", root)
    with pytest.raises(DataError, match=r"no folder .* of masks"):
        MaskFolder(root / "image", root / "nowhere")
    mask(root / "label/0.tif", numbers(1))
    with pytest.raises(DataError, match=r"two files of 'label' have one name, 0\.png and 0\.tif"):
        folder(root)


# Pascal VOC ----------------------------------------------------------------------------------------------------------

OBJECT = "<object><name>{}</name><difficult>{}</difficult><bndbox>{}</bndbox></object>"


def voc_object(name: str, box: Any, difficult: int = 0) -> str:
    corners = "".join(
        f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    return OBJECT.format(name, difficult, corners)


def annotate(path: Path, *objects: str, size: tuple[int, int] = (20, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    path.write_text(f"<annotation>{sides}{''.join(objects)}</annotation>", encoding="utf-8")
    return path


def voc(root: Path) -> Path:
    for number in range(4):
        picture(root / f"JPEGImages/{number}.jpg", 10 * number)
        boxes = [voc_object("dog", (1, 1, 10 + number, 16))] * number + [voc_object("cat", (3, 4, 3, 4), 1)]
        annotate(root / f"Annotations/{number}.xml", *boxes)
    lists = root / "ImageSets/Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2\n0\n\n2\n")
    (lists / "test.txt").write_text("3  1\n")
    return root


def test_boxes_labels_and_splits(tmp_path: Path) -> None:
    root = voc(tmp_path)
    data = VOCFolder(root)
    assert (len(data), data.class_names, data.notes) == (4, ("cat", "dog"), ())
    item = data[1]
    assert item["boxes"].tolist() == [[0, 0, 11, 16], [2, 3, 3, 4]]
    assert (item["labels"].tolist(), item["difficult"].tolist()) == ([1, 0], [False, True])
    assert item["image"].shape == (16, 20, 3)
    train, test = VOCFolder(root, "train"), VOCFolder(root, "test")
    assert [Path(path).stem for path in train.files] == ["2", "0"]
    assert [Path(path).stem for path in test.files] == ["3"]
    assert train.class_names == test.class_names == data.class_names
    with pytest.raises(DataError, match=r"no list 'val' in .*; there are test, train"):
        VOCFolder(root, "val")
    assert VOCFolder(root, classes=["dog", "bird", "cat"])[1]["labels"].tolist() == [0, 2]
    with pytest.raises(DataError, match="not known: dog"):
        VOCFolder(root, classes=["cat"])


def test_a_mix_moves_the_boxes(tmp_path: Path) -> None:
    transform = DecodingTransform(T.Compose([T.RandomHorizontalFlip(1.0)]))
    mix = SyntheticMixDataset(VOCFolder(voc(tmp_path)), None, ratio=0, transform=transform)
    assert mix[1]["boxes"].tolist() == [[9, 0, 20, 16], [17, 3, 18, 4]]
    batch = next(iter(DataLoader(mix, 4, collate_fn=augsynth.collate)))
    assert batch["image"].shape == (4, 3, 16, 20)
    assert [len(boxes) for boxes in batch["boxes"]] == [len(labels) for labels in batch["labels"]] == [1, 2, 3, 4]


def test_xml_beside_the_images(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    annotate(tmp_path / "a.xml")
    picture(tmp_path / "b.png")
    data = VOCFolder(tmp_path, classes=["cat"])
    assert data[0]["boxes"].shape == (0, 4)
    assert data.notes == ("1 images without an annotation were left out: b",)


@pytest.mark.parametrize(
    "text",
    [
        "<annotation",
        "",
        f"<annotation>{voc_object('cat', (5, 5, 4, 9))}</annotation>",
        f"<annotation>{voc_object('cat', (5, 5, 'x', 9))}</annotation>",
        f"<annotation>{voc_object('', (1, 1, 2, 2))}</annotation>",
        "<annotation><object><name>cat</name></object></annotation>",
        "<annotation><size><width>a</width><height>3</height></size></annotation>",
    ],
)
def test_a_malformed_annotation_is_an_error_or_left_out(tmp_path: Path, text: str) -> None:
    root = voc(tmp_path)
    (root / "Annotations/1.xml").write_text(text)
    with pytest.raises(DataError, match=r"cannot read the annotation .*1\.xml"):
        VOCFolder(root)
    data = VOCFolder(root, on_error="skip")
    assert [Path(path).stem for path in data.files] == ["0", "2", "3"]
    assert any("cannot be read and were left out: Annotations/1.xml" in note for note in data.notes)


def test_images_that_do_not_fit_are_errors_or_left_out(tmp_path: Path) -> None:
    root = voc(tmp_path)
    picture(root / "JPEGImages/0.jpg", size=(16, 20))
    (root / "JPEGImages/1.jpg").write_bytes(b"junk")
    exif = Image.Exif()
    exif[0x0112] = 3
    picture(root / "JPEGImages/2.jpg", exif=exif)
    data = VOCFolder(root)
    for position, message in enumerate([r"its annotation says \(16, 20\)", "cannot decode", "Exif orientation"]):
        with pytest.raises(DataError, match=message):
            data[position]
    assert [Path(path).stem for path in VOCFolder(root, on_error="skip").files] == ["3"]
    (root / "JPEGImages/3.jpg").unlink()
    with pytest.raises(DataError, match="lacks the image or the annotation of 3"):
        VOCFolder(root)


# Real data -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if "AUGSYNTH_DATA" not in os.environ:
        pytest.skip("AUGSYNTH_DATA is unset")
    import tarfile

    root = tmp_path_factory.mktemp("real")
    for name in ("blood-cells.tar.gz", "membranes.tar", "photos100.tar"):
        with tarfile.open(Path(os.environ["AUGSYNTH_DATA"]) / name) as archive:
            archive.extractall(root / name.partition(".")[0], filter="data")
    return root


def test_real_boxes(unpacked: Path) -> None:
    data = VOCFolder(unpacked / "blood-cells/blood-cells", on_error="skip")
    assert (len(data), data.class_names, data.notes) == (364, ("Platelets", "RBC", "WBC"), ())
    assert sum(len(item["boxes"]) for item in data) == 4888
    splits = [len(VOCFolder(unpacked / "blood-cells/blood-cells", split)) for split in ("train", "val", "test")]
    assert sum(splits) == 364


def test_real_masks(unpacked: Path) -> None:
    root = unpacked / "membranes/membranes"
    data = MaskFolder(root / "image", root / "label", values=(0, 255), mode="L")
    assert len(data) == 30
    assert all(np.unique(one).tolist() == [0, 1] for _, one in data)


def test_real_photos(unpacked: Path) -> None:
    data = augsynth.data.EncodedImageFolder(
        unpacked / "photos100", class_of=lambda path: path.stem.partition("_")[2], on_error="skip"
    )
    assert (len(data), len(data.class_names), data.notes) == (100, 100, ())
    assert data.class_names[data.labels[0]] == "tench"
