"""Folders of images as they really are: hidden files, links, one class or none, things that are no files."""

from __future__ import annotations

import io
import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augsynth.data import EncodedImageFolder
from augsynth.data.loading import image_folder
from augsynth.data.loading.datasets import load_dataset
from augsynth.data.loading.encoded import EncodedImage
from augsynth.errors import AugsynthError, CheckpointError, DataError
from augsynth.evaluate.pipelines import read_pipeline
from augsynth.plan import Plan
from augsynth.progress import progress_bar

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links and FIFOs")


def picture(path: Path, level: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), level, np.uint8)).save(path)
    return path


def two_classes(root: Path, count: int = 4) -> Path:
    for label, name in enumerate("ab"):
        for i in range(count):
            picture(root / name / f"{i}.png", 100 * label + i)
    return root


def levels(root: Path, **options: Any) -> tuple[list[int], list[int], tuple[str, ...]]:
    """One pixel of each image and its label, as both readers of folders give them, and their notes."""
    data = load_dataset(root, **options)
    if data.test is None and data.num_classes > 1 and not options:
        folder = EncodedImageFolder(root, "L")
        assert [int(image.decode()[0, 0, 0]) for image, _ in folder] == data.images[:, 0, 0, 0].tolist()
        assert folder.labels.tolist() == data.labels.tolist()
        assert folder.notes == data.notes
    return data.images[:, 0, 0, 0].tolist(), data.labels.tolist(), data.notes


SOUND = [0, 1, 2, 3, 100, 101, 102, 103], [0] * 4 + [1] * 4


@pytest.mark.parametrize(
    ("hidden", "noted"),
    [
        ("a/.ipynb_checkpoints/0-checkpoint.png", ".ipynb_checkpoints"),
        ("a/deep/.ipynb_checkpoints/0-checkpoint.png", ".ipynb_checkpoints"),
        ("a/._0.png", "._0.png"),
        ("a/deep/._0.png", "._0.png"),
        ("a/__MACOSX/0.png", "__MACOSX"),
        ("a/@eaDir/0.png", "@eaDir"),
        (".ipynb_checkpoints/0-checkpoint.png", ".ipynb_checkpoints"),
        ("__MACOSX/0.png", "__MACOSX"),
        ("@eaDir/0.png", "@eaDir"),
        ("a/Thumbs.db", ""),
        ("a/desktop.ini", ""),
        ("a/.DS_Store", ""),
        ("Thumbs.db", ""),
    ],
)
def test_hidden_files_and_folders_are_no_data(tmp_path: Path, hidden: str, noted: str) -> None:
    two_classes(tmp_path)
    (tmp_path / hidden).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(tmp_path / "a/0.png", tmp_path / hidden)
    images, labels, notes = levels(tmp_path)
    assert (images, labels) == SOUND
    assert notes == ((f"left out in {tmp_path.name!r}, as hidden: {noted}",) if noted else ())


def test_no_copy_in_a_hidden_folder_reaches_the_test_split(tmp_path: Path) -> None:
    two_classes(tmp_path)
    for name in "ab":
        shutil.copytree(tmp_path / name, tmp_path / name / ".ipynb_checkpoints")
    for seed in range(20):
        data = load_dataset(tmp_path, test_fraction=0.25, seed=seed)
        assert data.test is not None
        assert sorted([*data.images[:, 0, 0, 0], *data.test.images[:, 0, 0, 0]]) == SOUND[0]


def test_hidden_files_of_train_and_test_folders_are_no_data(tmp_path: Path) -> None:
    for part in ("train", "test"):
        two_classes(tmp_path / part)
        picture(tmp_path / part / "a/.trash/9.png")
        picture(tmp_path / part / ".trash/9.png")
        picture(tmp_path / part / "a/._0.png")
    data = load_dataset(tmp_path)
    assert data.test is not None
    assert (data.images[:, 0, 0, 0].tolist(), data.labels.tolist()) == SOUND
    assert (data.test.images[:, 0, 0, 0].tolist(), data.test.labels.tolist()) == SOUND
    assert len(data.notes) == 2


@needs_links
def test_linked_folders_and_files_are_followed(tmp_path: Path) -> None:
    store = two_classes(tmp_path / "store")
    picture(store / "more/9.png", 9)
    root = tmp_path / "data"
    (root / "a").mkdir(parents=True)
    for i in range(4):
        (root / f"a/{i}.png").symlink_to(store / f"a/{i}.png")
    (root / "a/more").symlink_to(store / "more")
    (root / "b").symlink_to(store / "b")
    assert levels(root) == ([0, 1, 2, 3, 9, 100, 101, 102, 103], [0] * 5 + [1] * 4, ())


@needs_links
def test_each_file_is_read_once_whatever_leads_to_it(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    (root / "a/again.png").symlink_to(root / "a/1.png")
    (root / "a/self").symlink_to(root / "a")
    (root / "a/up").symlink_to("../..")
    (root / "a/nothing.png").symlink_to("nowhere")
    (root / "a/loop.png").symlink_to("loop.png")
    images, labels, notes = levels(root)
    assert (images, labels) == SOUND
    assert notes == (
        "2 files in 'data' are no images and were left out",
        "left out in 'data', as linked, and there already: again.png, self, up",
    )


@needs_links
def test_files_that_links_put_into_several_classes_or_parts_are_named(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    (root / "b/4.png").symlink_to(root / "a/1.png")
    assert levels(root)[2] == ("1.png used more than once, by links",)
    for part in ("train", "test"):
        two_classes(tmp_path / "parts" / part)
    (tmp_path / "parts/test/a/4.png").symlink_to(tmp_path / "parts/train/a/2.png")
    assert levels(tmp_path / "parts")[2] == ("2.png used more than once, by links",)


def test_images_beside_class_folders_are_named(tmp_path: Path) -> None:
    two_classes(tmp_path)
    for i in range(5):
        picture(tmp_path / f"stray{i}.png")
    images, labels, notes = levels(tmp_path)
    assert (images, labels) == SOUND
    kind = "beside class folders"
    assert notes == (f"left out in {tmp_path.name!r}, as {kind}: stray0.png, stray1.png, stray2.png and 2 more",)


def test_one_class_folder_is_one_class(tmp_path: Path) -> None:
    picture(tmp_path / "a/0.png", 7)
    picture(tmp_path / "a/1.png", 8)
    data = load_dataset(tmp_path, test_fraction=0.5)
    assert data.class_names == ("a",)
    assert (len(data), len(data.test)) == (1, 1)


@pytest.mark.parametrize("parts", [[""], ["train"], ["train", "test"]])
def test_images_without_class_folders_are_one_class(tmp_path: Path, parts: list[str], monkeypatch) -> None:
    root = tmp_path / "photos"
    for part in parts:
        picture(root / part / "0.png", 7)
        picture(root / part / "._0.png", 7)
    monkeypatch.chdir(root)
    for given in (root, Path(".")):
        data = load_dataset(given)
        assert (data.name, data.class_names, data.labels.tolist()) == ("photos", ("photos",), [0])
        assert data.notes[0].endswith("its images are one class, 'photos'")
        assert (data.test is not None) == ("test" in parts)
    folder = EncodedImageFolder(root / parts[0])
    assert (len(folder), folder.class_names) == (1, ((root / parts[0]).name,))
    assert "there are no class folders" in folder.notes[0]


def test_images_without_labels_are_one_class(tmp_path: Path) -> None:
    np.savez(tmp_path / "scans.npz", images=np.zeros((3, 4, 4), np.uint8))
    data = load_dataset(tmp_path / "scans.npz")
    assert (data.class_names, data.labels.tolist()) == (("scans",), [0, 0, 0])
    assert data.notes == ("there are no labels in 'scans.npz': its images are one class, 'scans'",)


def test_a_relative_folder_means_what_it_meant(tmp_path: Path, monkeypatch) -> None:
    two_classes(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    folder = EncodedImageFolder("data")
    monkeypatch.chdir("/")
    assert folder[0][0].shape == (8, 8, 3)


# Paths that are no file, and files that claim more than they hold ----------------------------------------------------


@needs_links
@pytest.mark.parametrize("kind", ["FIFO", "device"])
def test_what_is_no_file_is_neither_waited_for_nor_read(tmp_path: Path, kind: str) -> None:
    def put(path: Path) -> Path:
        if kind == "FIFO":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero")
        return path

    root = two_classes(tmp_path / "data")
    folder = EncodedImageFolder(root)
    put(root / "a/pipe.png")
    assert levels(root) == (*SOUND, ("1 files in 'data' are no images and were left out",))
    (root / "a/0.png").unlink()
    put(root / "a/0.png")
    with pytest.raises(DataError, match=f"expected a file, found a {kind}"):
        folder[0]
    for name, read, error in (
        ("x.png", EncodedImage.read, DataError),
        ("x.npz", load_dataset, DataError),
        ("pipe", load_dataset, DataError),
        ("x.json", read_pipeline, DataError),
        ("x.plan", Plan.load, CheckpointError),
    ):
        with pytest.raises(error, match=name):
            read(put(tmp_path / name))


def npy(shape: tuple[int, ...] = (4, 8, 8), claimed: str = "") -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(shape, np.uint8))
    data = file.getvalue()
    sides = str(shape).encode()
    longer = data.replace(sides, claimed.encode()) if claimed else data
    return longer.replace(b" " * (len(longer) - len(data)) + b"\n", b"\n", 1)


def archive(path: Path, packing: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


@pytest.mark.parametrize(
    "members",
    [
        {"images": npy(claimed="(4000000000, 8, 8)")},
        {"images": npy(claimed="(-4, 8, 8)")},
        {"images": npy(claimed="(" * 60)},
        {"images": npy()[:-10]},
        {"images": npy() + b"more"},
        {"images": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(2000)},
        {"images": b"\x93NUMPY\x01\x00\xff\xff" + b"{" * 65535},
        {"images": b"cos\nsystem\n(S'echo'\ntR."},
        {"images": b""},
        {},
    ],
    ids=lambda members: str(members.get("images", b""))[:60],
)
def test_an_npz_that_is_not_what_it_says_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(DataError, match=r"x\.npz"):
        load_dataset(archive(tmp_path / "x.npz", **members))
    if members:
        with pytest.raises(DataError, match=r"x\.npz"):
            load_dataset(archive(tmp_path / "x.npz", images=npy(), labels=members["images"]))


def test_an_npz_that_was_made_to_fill_memory_is_refused(tmp_path: Path, monkeypatch) -> None:
    path = archive(tmp_path / "x.npz", zipfile.ZIP_DEFLATED, images=npy((4000, 40, 40)))
    assert len(load_dataset(path)) == 4000
    monkeypatch.setattr("augsynth.data.loading.npz._ALWAYS", 10**6)
    with pytest.raises(DataError, match=r"would take 0.0064 GB, from a file of .* save it again with numpy.savez"):
        load_dataset(path)
    assert len(load_dataset(archive(tmp_path / "y.npz", images=npy((4000, 40, 40))))) == 4000


def test_an_array_or_a_pickle_that_is_called_npz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    for data in (npy(), b"\x80\x04K\x01.", b"PK\x03\x04", b""):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"x\.npz is no readable"):
            load_dataset(path)


def test_labels_that_are_no_text_become_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=np.zeros((2, 4, 4), np.uint8), labels=np.array([b"caf\xe9", b"bar"]))
    assert load_dataset(tmp_path / "x.npz").class_names == ("bar", "caf\\xe9")


@pytest.mark.parametrize(
    "wrong",
    [
        {"image_size": 8.0},
        {"image_size": True},
        {"image_size": 10**9},
        {"max_per_class": "3"},
        {"seed": -1},
        {"seed": 1.5},
        {"test_fraction": "a"},
        {"test_fraction": float("nan")},
    ],
    ids=str,
)
def test_numbers_of_another_kind_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(AugsynthError, match=next(iter(wrong))):
        load_dataset(two_classes(tmp_path), **wrong)


def test_numbers_out_of_arrays_are_numbers(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    options = {"image_size": 4, "max_per_class": 2, "seed": 3}
    expected = levels(root, **options)
    for wrap in (np.int64, np.asarray):
        assert levels(root, **{name: wrap(value) for name, value in options.items()}) == expected


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names there are Unicode")
def test_file_names_that_are_not_utf_8_are_read(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    picture(root / os.fsdecode(b"\xff") / os.fsdecode(b"\xfe.png"), 7)
    picture(root / "b" / os.fsdecode(b"\xfe.png"), 8)
    assert levels(root) == ([7, 8], [0, 1], ())
    assert load_dataset(root).class_names == EncodedImageFolder(root).class_names == ("\\xff", "b")


@pytest.mark.parametrize("progress", [True, False])
def test_the_bar_of_reading_images_can_be_silenced(
    progress: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[bool] = []

    def bar(text: str, total: int, enabled: bool) -> Any:
        shown.append(enabled)
        return progress_bar(text, total, enabled=False)

    monkeypatch.setattr(image_folder, "progress_bar", bar)
    monkeypatch.setattr(image_folder, "_BAR_FROM", 8)
    assert len(load_dataset(two_classes(tmp_path), progress=progress)) == 8
    assert shown == [progress]
