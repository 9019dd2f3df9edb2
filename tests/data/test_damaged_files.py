"""Image files that cannot be read: an error that names them, or left out of everything, with a note."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

import augsynth
from augsynth import transforms as T
from augsynth.data import DecodingTransform, EncodedImageFolder, SyntheticMixDataset, load_dataset
from augsynth.data.loading import damage
from augsynth.errors import ArgumentError, DataError


def folder_with_damage(root: Path) -> Path:
    """Class a: 0, 2 and 4 are sound; class b: only 9 is; of the damaged ones each is damaged in another way."""
    rng = np.random.default_rng(0)
    for name in ("a/0.jpg", "a/1.jpg", "a/2.jpg", "a/4.jpg", "b/9.jpg"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.full((64, 64, 3), 20 * int(path.stem), np.uint8) + rng.integers(0, 9, (64, 64, 3), np.uint8)
        Image.fromarray(picture).save(path)
    (root / "a/1.jpg").write_bytes((root / "a/1.jpg").read_bytes()[:700])
    (root / "a/3.jpg").write_bytes(b"")
    (root / "b/5.png").write_bytes(b"junk")
    Image.fromarray(np.full((64, 64), 40000, np.uint16)).save(root / "b/6.png")
    return root


def levels(data: Any) -> list[tuple[int, int]]:
    return [(int(np.asarray(image)[:50].mean()) // 20, label) for image, label in data]


SOUND = [(0, 0), (2, 0), (4, 0), (9, 1)]


@pytest.mark.parametrize("read", [load_dataset, EncodedImageFolder])
def test_damaged_files_are_left_out_on_request(tmp_path: Path, read: Any) -> None:
    root = folder_with_damage(tmp_path / "data")
    data = read(root, on_error="skip")
    assert levels(data) == SOUND
    assert len(data) == len(data.labels) == 4
    assert data.notes[0].startswith(
        "4 images in 'data' cannot be read and were left out: a/1.jpg, a/3.jpg, b/5.png and 1 more; cannot decode"
    )
    assert levels(read(root, on_error="skip")) == levels(data)


def test_without_a_request_they_are_errors_that_name_the_file(tmp_path: Path) -> None:
    root = folder_with_damage(tmp_path)
    with pytest.raises(DataError, match=r"cannot decode a.1\.jpg"):
        load_dataset(root)
    folder = EncodedImageFolder(root)
    assert len(folder) == 8
    for position, name in ((1, "1.jpg"), (3, "3.jpg"), (5, "5.png"), (6, "6.png")):
        with pytest.raises(DataError, match=name):
            folder[position][0].decode()
    with pytest.raises(ArgumentError, match="on_error must be one of raise, skip, got 'ignore'"):
        load_dataset(root, on_error="ignore")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="on_error"):
        EncodedImageFolder(root, on_error="ignore")  # type: ignore[arg-type]


def test_parts_keep_their_own_images(tmp_path: Path) -> None:
    for part in ("train", "test"):
        folder_with_damage(tmp_path / part)
    data = load_dataset(tmp_path, on_error="skip")
    assert levels(data) == levels(data.test) == SOUND
    assert [note.split(" cannot")[0] for note in data.notes] == ["4 images in 'train'", "4 images in 'test'"]


@pytest.mark.parametrize("read", [load_dataset, EncodedImageFolder])
def test_a_class_of_which_nothing_is_left_is_an_error(tmp_path: Path, read: Any) -> None:
    root = folder_with_damage(tmp_path / "data")
    (root / "b/9.jpg").write_bytes(b"junk")
    with pytest.raises(DataError, match=r"no image of class 'b' in 'data' can be read: .*png"):
        read(root, on_error="skip")


@pytest.mark.parametrize(("package", "read"), [("PIL", load_dataset), ("simplejpeg", EncodedImageFolder)])
def test_a_missing_package_is_no_damage(tmp_path: Path, package: str, read: Any, monkeypatch: Any) -> None:
    root = folder_with_damage(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DataError, match="pip install"):
        read(root, on_error="skip")


def test_many_files_are_checked_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage, "_AT_ONCE", 3)
    assert levels(EncodedImageFolder(folder_with_damage(tmp_path), on_error="skip")) == SOUND


def test_a_loader_gives_every_sound_image_once(tmp_path: Path) -> None:
    real = EncodedImageFolder(folder_with_damage(tmp_path), on_error="skip")
    transform = DecodingTransform(T.Compose([T.Resize((8, 8))]))
    mix = SyntheticMixDataset(real, None, ratio=0, transform=transform)
    batches = list(DataLoader(mix, 3, collate_fn=augsynth.collate))
    assert [label for _, labels in batches for label in labels.tolist()] == [0, 0, 0, 1]
