"""Exported pools, read back as other tools read them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mixing_toys import toy_generator
from PIL import Image

from augsynth.data import SyntheticPool, load_dataset
from augsynth.errors import ArgumentError, AugsynthError, CheckpointError, DataError


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
    monkeypatch.setattr("augsynth.data.pools.exporting.tars.ITEMS_PER_TAR", 10)
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
    parquet = pytest.importorskip("pyarrow.parquet")
    pool = pool_of(tmp_path)
    pool.export(tmp_path / "hf", "huggingface", class_names=["ant", "bee", "cat", "dog"], progress=False)
    table = parquet.read_table(tmp_path / "hf/data/train-00000-of-00001.parquet")
    assert table["label"].to_pylist() == pool.labels.tolist()
    image = Image.open(io.BytesIO(table["image"][5].as_py()["bytes"]))
    assert np.array_equal(np.asarray(image), pool[5][0].permute(1, 2, 0).numpy())
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["label"]["names"] == ["ant", "bee", "cat", "dog"]


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    pool = pool_of(tmp_path)
    with pytest.raises(ArgumentError, match="format must be one of"):
        pool.export(tmp_path / "x", "zip")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="format must be one of"):
        pool.export(tmp_path / "x", ["imagefolder"])  # type: ignore[arg-type]
    with pytest.raises(DataError, match="not empty"):
        pool.export(tmp_path / "pool")
    (tmp_path / "two").mkdir()
    with pytest.raises(DataError, match="have 2"):
        pool_of(tmp_path / "two", 4, 2).export(tmp_path / "y")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "../up", "/tmp/x", "a\\b", "a\0b", ".hidden", "__MACOSX", "Thumbs.db", "é" * 128, "\ud800"],
)
def test_names_that_cannot_be_read_back_from_folders_are_refused(tmp_path: Path, name: str) -> None:
    pool = pool_of(tmp_path)
    with pytest.raises(ArgumentError, match="name"):
        pool.export(tmp_path / "new" / "folder", class_names=["ant", name, "cat", "dog"], progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["pool"]
    pool.export(tmp_path / "tars", "webdataset", class_names=["ant", name, "cat", "dog"], progress=False)


@pytest.mark.parametrize("alike", [("cat", "Cat"), ("é", "e\u0301"), ("straße", "STRASSE")])
def test_names_that_some_systems_cannot_tell_apart_are_refused(tmp_path: Path, alike: tuple[str, str]) -> None:
    with pytest.raises(ArgumentError, match="would be one folder"):
        pool_of(tmp_path).export(tmp_path / "folder", class_names=[*alike, "c", "d"], progress=False)


@pytest.mark.parametrize("names", ["abcd", 4, [0.0, 1, 2, 3], [True, "b", "c", "d"], [None] * 4, ["a"] * 4, b"abcd"])
def test_names_that_are_none_are_refused(tmp_path: Path, names: Any) -> None:
    with pytest.raises(AugsynthError, match="class_names must be"):
        pool_of(tmp_path).export(tmp_path / "folder", class_names=names, progress=False)


@pytest.mark.parametrize(
    "names", [("a[b]", "c d", "[red]", "ü"), np.array(["a", "b", "c", "d"]), np.arange(4), map(str, "abcd")]
)
def test_names_in_any_form_are_read_back(tmp_path: Path, names: Any) -> None:
    names = list(names)
    pool_of(tmp_path).export(tmp_path / "folder", class_names=iter(names), progress=False)
    assert set(load_dataset(tmp_path / "folder").class_names) == set(map(str, names))


@pytest.mark.parametrize("format", ["imagefolder", "webdataset"])
@pytest.mark.parametrize("made", [True, False])
def test_an_export_that_fails_leaves_nothing_and_can_be_repeated(tmp_path: Path, format: Any, made: bool) -> None:
    pool = SyntheticPool.create(tmp_path / "pool", toy_generator(), 24, shard_size=8, progress=False)
    shard = tmp_path / "pool/images-000002.npy"
    shard.rename(tmp_path / "aside")
    if made:
        (tmp_path / "new/folder").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="images-000002"):
        pool.export(tmp_path / "new/folder", format, progress=False)
    assert list((tmp_path / "new/folder").iterdir()) == [] if made else not (tmp_path / "new").exists()
    (tmp_path / "aside").rename(shard)
    pool.export(tmp_path / "new/folder", format, progress=False)
    assert len(list((tmp_path / "new/folder").iterdir())) == (4 if format == "imagefolder" else 1)


def test_a_place_where_no_folder_can_be_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in ("file", "file/folder"):
        with pytest.raises(DataError, match="cannot export into"):
            pool_of(tmp_path).export(tmp_path / path, progress=False)


def test_labels_that_no_generator_drew_are_refused_before_memory(tmp_path: Path) -> None:
    pool = pool_of(tmp_path)
    np.save(tmp_path / "pool/labels-000000.npy", np.full(24, 2**62))
    with pytest.raises(DataError, match="at most 1000000 classes"):
        SyntheticPool.open(pool.path).export(tmp_path / "folder", progress=False)


def test_a_relative_folder_means_what_it_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pool = SyntheticPool.create("pool", toy_generator(), 24, progress=False)
    monkeypatch.chdir("pool")
    pool.export("../folder", progress=False)
    assert len(load_dataset(tmp_path / "folder")) == 24
