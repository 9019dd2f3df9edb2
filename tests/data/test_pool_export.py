"""Exported pools, read back as other tools read them."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from mixing_toys import toy_generator
from PIL import Image

from augsynth.data import SyntheticPool, load_dataset
from augsynth.errors import ArgumentError, DataError


def pool_of(path: Path, classes: int | None = 4, channels: int = 3) -> SyntheticPool:
    return SyntheticPool.create(path / "pool", toy_generator((channels, 6, 5), classes), 24, progress=False)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_folder_reads_back_pixel_by_pixel(tmp_path: Path, channels: int) -> None:
    pool = pool_of(tmp_path, 12, channels)
    pool.export(tmp_path / "folder", progress=False)
    data = load_dataset(tmp_path / "folder")
    assert data.class_names == tuple(f"{label:02d}" for label in range(12))
    order = np.argsort(pool.labels, kind="stable")
    assert data.labels.tolist() == pool.labels[order].tolist()
    expected = pool.take(order).images.permute(0, 2, 3, 1).numpy()
    assert np.array_equal(data.images, expected)


def test_classes_can_be_named(tmp_path: Path) -> None:
    pool = pool_of(tmp_path)
    pool.export(tmp_path / "folder", class_names=["ant", "bee", "cat", "dog"], progress=False)
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["ant", "bee", "cat", "dog"]
    with pytest.raises(ArgumentError, match="4 different names"):
        pool.export(tmp_path / "other", class_names=["ant", "bee", "cat"], progress=False)


def test_a_pool_without_labels_is_one_folder_of_pictures(tmp_path: Path) -> None:
    pool = pool_of(tmp_path, None)
    pool.export(tmp_path / "folder", progress=False)
    files = sorted((tmp_path / "folder").glob("*.png"))
    assert len(files) == 24
    assert np.array_equal(np.asarray(Image.open(files[3])), pool[3].permute(1, 2, 0).numpy())


def test_web_dataset_files_hold_pairs_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augsynth.data.pools.export._ITEMS_PER_TAR", 10)
    pool = pool_of(tmp_path)
    pool.export(tmp_path / "tars", "webdataset", progress=False)
    files = sorted((tmp_path / "tars").iterdir())
    assert [file.name for file in files] == [f"pool-{number:06d}.tar" for number in range(3)]
    names, labels = [], []
    for file in files:
        with tarfile.open(file) as archive:
            for entry in archive:
                names.append(entry.name)
                stream = archive.extractfile(entry)
                assert stream is not None
                if entry.name.endswith(".cls"):
                    labels.append(int(stream.read()))
                else:
                    image = np.asarray(Image.open(stream))
                    assert np.array_equal(image, pool[len(labels)][0].permute(1, 2, 0).numpy())
    assert names == [f"{index:06d}.{suffix}" for index in range(24) for suffix in ("png", "cls")]
    assert labels == pool.labels.tolist()


def test_hugging_face_reads_back(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    pool = pool_of(tmp_path)
    pool.export(tmp_path / "hf", "huggingface", progress=False)
    table = datasets.load_from_disk(tmp_path / "hf")
    assert table["label"] == pool.labels.tolist()
    assert np.array_equal(np.asarray(table[5]["image"]), pool[5][0].permute(1, 2, 0).numpy())


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    pool = pool_of(tmp_path)
    with pytest.raises(ArgumentError, match="format must be one of"):
        pool.export(tmp_path / "x", "zip")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="not empty"):
        pool.export(tmp_path / "pool")
    (tmp_path / "two").mkdir()
    with pytest.raises(DataError, match="have 2"):
        pool_of(tmp_path / "two", 4, 2).export(tmp_path / "y")
