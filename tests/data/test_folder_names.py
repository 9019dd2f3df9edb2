"""Names of class folders and files: Unicode forms, case, suffixes, classes that one part lacks."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from augsynth.core.names import printable
from augsynth.data import EncodedImageFolder, load_dataset
from augsynth.data.loading.paths import FilePaths
from augsynth.data.loading.walk import images_below
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError

distinct_names = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="such names are one name there")
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


def picture(path: Path, level: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), level, np.uint8)).save(path)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "JPG", "jfif", "jpe", "avif", "webp", "png", "tga", "jp2", "dds", "pbm"])
def test_files_that_pillow_reads_are_read(tmp_path: Path, suffix: str) -> None:
    known = Image.registered_extensions()
    kind = known.get(f".{suffix.lower()}")
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow writes no {suffix}")
    image = Image.new("1" if suffix == "pbm" else "RGB", (16, 16), "white")
    (tmp_path / "a").mkdir()
    image.save(tmp_path / f"a/picture.{suffix}", kind)
    (tmp_path / "a/notes.eps").write_text("%!PS")
    folder = EncodedImageFolder(tmp_path)
    assert folder[0][0].decode().min() >= 250
    assert load_dataset(tmp_path).images.min() >= 250
    assert folder.notes == (f"1 files in {tmp_path.name!r} are no images and were left out",)


def test_a_plugin_of_pillow_adds_its_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.heic9").touch()
    assert images_below(tmp_path).images == []
    known = Image.registered_extensions()
    monkeypatch.setitem(known, ".heic9", "PNG")
    monkeypatch.setattr(Image, "EXTENSION", known)
    assert images_below(tmp_path).images == [str(tmp_path / "x.heic9")]


@distinct_names
def test_a_class_has_one_name_in_either_unicode_form(tmp_path: Path) -> None:
    for number, name in enumerate((COMPOSED, DECOMPOSED, "tea")):
        picture(tmp_path / "train" / name / f"{number}.png", number)
    picture(tmp_path / "test" / DECOMPOSED / "3.png", 3)
    data = load_dataset(tmp_path)
    assert data.class_names == (COMPOSED, "tea")
    assert dict(zip(data.images[:, 0, 0, 0].tolist(), data.labels.tolist(), strict=True)) == {0: 0, 1: 0, 2: 1}
    assert data.test is not None
    assert (data.test.labels.tolist(), data.test.class_names) == ([0], (COMPOSED, "tea"))
    assert f"2 folders in 'train' are called {COMPOSED!r}, and are one class" in data.notes
    assert "no images in 'test' of the classes tea" in data.notes
    folder = EncodedImageFolder(tmp_path / "test", classes=[DECOMPOSED, "tea"])
    assert (folder.class_names, folder.labels.tolist()) == ((COMPOSED, "tea"), [0])


@distinct_names
def test_a_folder_that_differs_in_case_belongs_to_its_class_and_says_so(tmp_path: Path) -> None:
    for name in ("Cat", "dog"):
        picture(tmp_path / "Train" / name / "0.png")
    picture(tmp_path / "TEST/cat/0.png", 5)
    data = load_dataset(tmp_path)
    assert data.test is not None
    assert (data.class_names, data.test.labels.tolist()) == (("Cat", "dog"), [0])
    assert "folder 'cat' in 'TEST' holds the class 'Cat'" in data.notes
    picture(tmp_path / "Train/cat/0.png")
    data = load_dataset(tmp_path)
    assert (data.class_names, data.test.labels.tolist()) == (("Cat", "cat", "dog"), [1])
    assert "classes in 'Train' whose names differ only in case: Cat, cat" in data.notes
    picture(tmp_path / "TEST/CAT/0.png")
    with pytest.raises(DataError, match="not known: CAT"):
        load_dataset(tmp_path)


def three_classes(root: Path) -> Path:
    for number, name in enumerate("abc"):
        for part in ("train", "test"):
            picture(root / part / name / "0.png", number)
    return root


@pytest.mark.parametrize("how", ["missing", "empty", "only hidden files"])
def test_a_class_that_the_test_part_lacks_moves_no_label(tmp_path: Path, how: str) -> None:
    root = three_classes(tmp_path / "data")
    (root / "test/b/0.png").unlink()
    if how == "missing":
        (root / "test/b").rmdir()
    elif how == "only hidden files":
        picture(root / "test/b/.trash/0.png")
    data = load_dataset(root)
    assert data.test is not None
    assert data.test.labels.tolist() == data.test.images[:, 0, 0, 0].tolist() == [0, 2]
    assert "no images in 'test' of the classes b" in data.notes
    folder = EncodedImageFolder(root / "test", classes=EncodedImageFolder(root / "train").class_names)
    assert (folder.labels.tolist(), folder.class_names) == ([0, 2], ("a", "b", "c"))
    assert "no images in 'test' of the classes b" in folder.notes
    alone = load_dataset(root / "test", classes=data.class_names)
    assert (alone.labels.tolist(), alone.class_names) == ([0, 2], ("a", "b", "c"))


@pytest.mark.parametrize("read", [load_dataset, EncodedImageFolder])
def test_an_empty_class_folder_of_the_training_part_is_an_error(tmp_path: Path, read: Any) -> None:
    root = three_classes(tmp_path / "data") / "train"
    (root / "d").mkdir()
    with pytest.raises(DataError, match=r"no images of class 'd' in 'train'; .* Remove a folder that is no class"):
        read(root)
    assert "no images in 'train' of the classes d" in read(root, classes=list("abcd")).notes


@pytest.mark.parametrize("read", [load_dataset, EncodedImageFolder])
@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        (["a", "b"], DataError, "'train' has classes that are not known: c; known are a, b"),
        ("abc", ArgumentTypeError, "classes must be a list of names"),
        ([], ArgumentTypeError, "classes must be a list of names"),
        (["a", "b", 3], ArgumentTypeError, "classes must be names"),
        (["a", "b", "c", "c"], ArgumentError, "classes must differ"),
        ([COMPOSED, DECOMPOSED], ArgumentError, "classes must differ"),
    ],
)
def test_wrong_classes_are_refused(tmp_path: Path, read: Any, classes: Any, error: Any, message: str) -> None:
    root = three_classes(tmp_path)
    with pytest.raises(error, match=message):
        read(root / "train", classes=classes)


def test_classes_of_arrays_get_the_numbers_that_are_given(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=np.zeros((3, 4, 4), np.uint8), labels=["cat", "dog", "cat"])
    data = load_dataset(tmp_path / "x.npz", classes=["bird", "dog", "cat"])
    assert (data.class_names, data.labels.tolist()) == (("bird", "dog", "cat"), [2, 1, 2])
    with pytest.raises(DataError, match="not known: cat; known are dog"):
        load_dataset(tmp_path / "x.npz", classes=["dog"])


@distinct_names
def test_a_name_that_is_not_utf_8_can_be_printed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / os.fsdecode(b"\xfe.png")
    path.write_bytes(b"junk")
    folder = EncodedImageFolder(tmp_path)
    for read in (lambda: folder[0], lambda: load_dataset(tmp_path)):
        with pytest.raises(DataError, match=r"\\xfe\.png") as caught:
            read()
        assert str(caught.value).encode()


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1).filter(lambda name: b"\0" not in name), max_size=20))
def test_paths_come_back_as_they_were(names: list[bytes]) -> None:
    paths = list(map(os.fsdecode, names))
    packed = FilePaths(paths)
    assert (list(packed), len(packed)) == (paths, len(paths))
    assert all(printable(path).encode() for path in packed)


def test_nested_folders_come_in_the_order_of_their_parts(tmp_path: Path) -> None:
    names = ["a/1.png", "a/2/1.png", "a/2/b/1.png", "a-b/1.png", "a.png", "b.png"]
    for name in names:
        picture(tmp_path / name)
    expected = sorted(tmp_path.rglob("*.png"))
    assert images_below(tmp_path).images == list(map(str, expected))
