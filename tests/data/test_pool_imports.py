"""Pools of images that other programs wrote, and what an export and an import together keep: every byte."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures, renderer, toy_generator
from PIL import Image

from augsynth.data import SyntheticPool
from augsynth.data.pools import writer
from augsynth.data.pools.exporting import parquet, tars
from augsynth.errors import ArgumentError, AugsynthError, CheckpointError, DataError


def load(path: Path, source: Any, **options: Any) -> SyntheticPool:
    return SyntheticPool.import_images(path, source, progress=False, **{"shard_size": 8, **options})


def shards_of(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.glob("*.npy")}


def save(path: Path, shape: tuple[int, ...] = (6, 5, 3), seed: int = 0, **options: Any) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return pixels


# There and back -----------------------------------------------------------------------------------------------------

FORMATS = ["webdataset", "huggingface"]


def export(pool: SyntheticPool, path: Path, format: Any, monkeypatch: Any) -> Path:
    if format == "huggingface":
        pytest.importorskip("pyarrow")
    monkeypatch.setattr(tars, "ITEMS_PER_TAR", 7)
    monkeypatch.setattr(parquet, "ROWS_PER_FILE", 7)
    pool.export(path, format, progress=False)
    return path


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("channels", "classes"), [(3, 4), (1, 4), (3, None), (4, 4)])
def test_an_export_and_an_import_keep_every_byte(
    tmp_path: Path, monkeypatch: Any, format: str, channels: int, classes: int | None
) -> None:
    generator = toy_generator((channels, 6, 5), classes)
    pool = SyntheticPool.create(tmp_path / "pool", generator, 20, shard_size=8, progress=False)
    export(pool, tmp_path / "out", format, monkeypatch)
    load(tmp_path / "back", tmp_path / "out", mode="RGBA" if channels == 4 else None).verify()
    assert shards_of(tmp_path / "back") == shards_of(tmp_path / "pool")


@pytest.mark.parametrize("format", ["imagefolder", *FORMATS])
def test_targets_go_there_and_back(tmp_path: Path, monkeypatch: Any, format: str) -> None:
    pool = SyntheticPool.create(tmp_path / "pool", renderer(), 20, seed=5, shard_size=8, progress=False)
    export(pool, tmp_path / "out", format, monkeypatch)
    back = load(tmp_path / "back", tmp_path / "out", mode="RGB")
    assert back.class_names == ("small", "middle", "large")
    assert shards_of(tmp_path / "back") == shards_of(tmp_path / "pool")
    assert not list((tmp_path / "out").rglob(".*"))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("largest", [200, 60_000])
def test_masks_of_classes_and_points_go_there_and_back(
    tmp_path: Path, monkeypatch: Any, format: str, largest: int
) -> None:
    rng = np.random.default_rng(1)
    for number in range(6):
        save(tmp_path / f"in/{number}.png", seed=number)
    with tarfile.open(tmp_path / "in.tar", "w") as archive:
        for number in range(6):
            mask = rng.integers(0, largest, (6, 5)).astype(np.uint8 if largest < 256 else np.int64)
            np.save(tmp_path / "masks.npy", mask)
            np.save(tmp_path / "points.npy", rng.random((3, 2)))
            archive.add(tmp_path / f"in/{number}.png", f"a/{number}.png")
            archive.add(tmp_path / "masks.npy", f"a/{number}.masks.npy")
            archive.add(tmp_path / "points.npy", f"a/{number}.keypoints.npy")
    pool = load(tmp_path / "pool", tmp_path / "in.tar")
    assert [str(field) for field in pool.target_fields] == [
        f"masks {'uint8' if largest < 256 else 'int64'} (6, 5)",
        "keypoints float32 (3, 2)",
    ]
    export(pool, tmp_path / "out", format, monkeypatch)
    load(tmp_path / "back", tmp_path / "out")
    assert shards_of(tmp_path / "back") == shards_of(tmp_path / "pool")
    with pytest.raises(DataError, match="COCO annotations hold boxes and masks of objects"):
        pool.export(tmp_path / "folder", progress=False)
    assert not (tmp_path / "folder").exists()


def test_hugging_face_reads_the_parquet_files(tmp_path: Path, monkeypatch: Any) -> None:
    datasets = pytest.importorskip("datasets")
    pool = SyntheticPool.create(tmp_path / "pool", renderer(), 20, seed=5, progress=False)
    export(pool, tmp_path / "out", "huggingface", monkeypatch)
    table = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(table) == 20
    for position in (0, 9, 19):
        item, row = pool[position], table[position]
        assert np.array_equal(np.asarray(row["image"]), item["image"].permute(1, 2, 0).numpy())
        assert row["boxes"] == item["boxes"].tolist()
        assert row["labels"] == item["labels"].tolist()
        assert [np.asarray(mask).max() for mask in row["masks"]] == [255] * len(item["masks"])


@pytest.mark.parametrize("format", ["imagefolder", *FORMATS])
def test_an_export_holds_little_in_memory(tmp_path: Path, format: str) -> None:
    """4.7 MB of pixels: an export that held them all would be seen."""
    if format == "huggingface":
        pytest.importorskip("pyarrow")
    images = np.random.default_rng(0).integers(0, 256, (1536, 32, 32, 3), np.uint8)
    pool = load(tmp_path / "pool", images, shard_size=256)
    SyntheticPool.open(tmp_path / "pool").export(tmp_path / "warm", format, progress=False)
    tracemalloc.start()
    pool.export(tmp_path / "out", format, progress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


# Sources ------------------------------------------------------------------------------------------------------------


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    expected = [save(tmp_path / f"in/{name}/{number}.png", seed=number) for name in ("ant", "bee") for number in (1, 2)]
    save(tmp_path / "in/bee/deep/3.bmp", seed=9)
    save(tmp_path / "in/.hidden/1.png")
    (tmp_path / "in/bee/notes.txt").touch()
    pool = load(tmp_path / "pool", tmp_path / "in")
    assert pool.class_names == ("ant", "bee")
    assert pool.labels.tolist() == [0, 0, 1, 1, 1]
    assert np.array_equal(pool.take(range(4)).images.permute(0, 2, 3, 1), expected)
    part = pool.parts[0].generator
    assert (part["name"], part["format"], part["source"], part["images"]) == ("import", "imagefolder", "in", 5)


def test_a_folder_is_read_as_every_other_folder_is(tmp_path: Path) -> None:
    """Links are followed, each image comes once, hidden files are left out, and names are composed Unicode."""
    root, away = tmp_path / "data", tmp_path / "away"
    save(root / "cafe\u0301" / "a.png")
    save(away / "b.png", seed=1)
    save(root / "cafe\u0301" / ".hidden.png", seed=2)
    (root / "cafe\u0301" / "linked").symlink_to(away)
    (root / "cafe\u0301" / "loop").symlink_to(root / "cafe\u0301")
    (root / "dog").symlink_to(away)
    pool = load(tmp_path / "pool", root)
    assert pool.class_names == ("caf\u00e9", "dog")
    assert pool.labels.tolist() == [0, 0, 1]
    save(root / "caf\u00e9" / "c.png")
    with pytest.raises(DataError, match="different forms of Unicode"):
        load(tmp_path / "twice", root)


def test_a_folder_of_images_alone_has_no_labels(tmp_path: Path) -> None:
    grey = save(tmp_path / "in/1.png", (6, 5))
    pool = load(tmp_path / "pool", tmp_path / "in")
    assert pool.labels is None
    assert np.array_equal(pool[0][0], grey)
    save(tmp_path / "in/2.png", (6, 5, 3))
    assert load(tmp_path / "colour", tmp_path / "in").image_shape == (3, 6, 5)
    assert load(tmp_path / "grey", tmp_path / "in", mode="L").image_shape == (1, 6, 5)


def test_pictures_are_turned_upright_before_sizes_are_compared(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    save(tmp_path / "in/1.png", (5, 6, 3), exif=exif)
    save(tmp_path / "in/2.png", (6, 5, 3))
    assert load(tmp_path / "pool", tmp_path / "in").image_shape == (3, 6, 5)


def test_images_of_several_sizes_are_refused_with_the_sizes(tmp_path: Path) -> None:
    for number, shape in enumerate([(6, 5, 3), (6, 5, 3), (12, 20, 3), (7, 7, 3)]):
        save(tmp_path / f"in/{number}.png", shape)
    message = r"several sizes .*: 2 of 6x5, 1 of 12x20, 1 of 7x7; choose one with size=32"
    with pytest.raises(DataError, match=message):
        load(tmp_path / "pool", tmp_path / "in")
    assert not (tmp_path / "pool").exists()
    assert load(tmp_path / "square", tmp_path / "in", size=4).image_shape == (3, 4, 4)
    assert load(tmp_path / "wide", tmp_path / "in", size=(3, 6)).image_shape == (3, 3, 6)


@pytest.mark.parametrize("size", [0, -1, 2.5, "32", (1, 2, 3), (4, 0), 2**15])
def test_sizes_that_are_none_are_refused(tmp_path: Path, size: Any) -> None:
    save(tmp_path / "in/1.png")
    with pytest.raises(ArgumentError, match="size must be"):
        load(tmp_path / "pool", tmp_path / "in", size=size)


IMAGES = np.random.default_rng(3).integers(0, 256, (20, 6, 5, 3), np.uint8)
LABELS = np.arange(20) % 3


@pytest.mark.parametrize("compressed", [True, False])
def test_an_archive_is_unpacked_row_by_row(tmp_path: Path, compressed: bool, monkeypatch: Any) -> None:
    (np.savez_compressed if compressed else np.savez)(tmp_path / "in.npz", images=IMAGES, labels=LABELS)
    monkeypatch.setattr("augsynth.data.pools.reading.arrays._CHUNK", 50)
    pool = load(tmp_path / "pool", tmp_path / "in.npz")
    assert np.array_equal(pool.take(range(20)).images.permute(0, 2, 3, 1), IMAGES)
    assert pool.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("form", ["npy", "array", "tensor", "pair", "grey"])
def test_arrays_in_any_form(tmp_path: Path, form: str) -> None:
    np.save(tmp_path / "in.npy", IMAGES)
    tensor = torch.from_numpy(IMAGES).permute(0, 3, 1, 2)
    sources = {
        "npy": tmp_path / "in.npy",
        "array": IMAGES,
        "tensor": tensor,
        "pair": (tensor, LABELS.tolist()),
        "grey": IMAGES[..., 0],
    }
    pool = load(tmp_path / "pool", sources[form])
    images = pool.take(range(20)).images.permute(0, 2, 3, 1)
    assert np.array_equal(images, IMAGES[..., :1] if form == "grey" else IMAGES)
    assert (pool.labels is None) == (form != "pair")


def test_names_as_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", images=IMAGES[:4], labels=np.array(["dog", "ant", "dog", "cat"]))
    pool = load(tmp_path / "pool", tmp_path / "in.npz")
    assert pool.class_names == ("ant", "cat", "dog")
    assert pool.labels.tolist() == [2, 0, 2, 1]


def write_coco(path: Path, edit: Any = lambda content: None) -> Path:
    """Two images of a simulator: a rectangle as a polygon, one as run lengths, and nothing in the second."""
    for number in range(2):
        save(path / f"images/{number}.png", (6, 8, 3), seed=number)
    content = {
        "images": [{"id": 40 + number, "file_name": f"images/{number}.png"} for number in range(2)],
        "categories": [{"id": 9, "name": "car"}, {"id": 4, "name": "tree"}],
        "annotations": [
            {"image_id": 40, "category_id": 9, "bbox": [1, 1, 4, 2], "segmentation": [[1, 1, 5, 1, 5, 3, 1, 3]]},
            {
                "image_id": 40,
                "category_id": 4,
                "bbox": [0, 0, 1, 2.5],
                "segmentation": {"size": [6, 8], "counts": [0, 2, 46]},
            },
        ],
    }
    edit(content)
    (path / "scene.json").write_text(json.dumps(content))
    return path / "scene.json"


def test_annotations_of_a_simulator(tmp_path: Path) -> None:
    pool = load(tmp_path / "pool", write_coco(tmp_path / "in"))
    assert pool.class_names == ("tree", "car")
    first, second = pool[0], pool[1]
    assert first["boxes"].tolist() == [[1, 1, 5, 3], [0, 0, 1, 2.5]]
    assert first["labels"].tolist() == [1, 0]
    assert first["masks"].sum(dim=(1, 2)).tolist() == [8, 2]
    assert first["masks"][0, 1:3, 1:5].all()
    assert second["boxes"].shape == (0, 4)
    assert second["masks"].shape == (0, 6, 8)


def test_targets_follow_their_resized_images(tmp_path: Path) -> None:
    pool = load(tmp_path / "pool", write_coco(tmp_path / "in"), size=(12, 12))
    item = pool[0]  # twice as large, and cropped by 2 pixels on both sides
    assert item["image"].shape == (3, 12, 12)
    assert item["boxes"].tolist()[0] == [0, 2, 8, 6]
    assert item["masks"][0, 2:6, 0:8].all()
    assert item["masks"][0].sum() == 32


def test_the_images_of_annotations_may_lie_elsewhere(tmp_path: Path) -> None:
    file = write_coco(tmp_path / "in")
    (tmp_path / "in/images").rename(tmp_path / "in/pictures")
    (tmp_path / "in/pictures").rename(tmp_path / "images")
    assert len(load(tmp_path / "pool", file, images=tmp_path)) == 2


WRONG_COCO: dict[str, tuple[Any, str]] = {
    "no images": (lambda c: c.update(images=[]), "is no COCO file"),
    "no lists": (lambda c: c.update(annotations={}), "is no COCO file"),
    "one id twice": (lambda c: c["images"][1].update(id=40), "two with one id"),
    "a climbing path": (lambda c: c["images"][0].update(file_name="../../etc/passwd"), "lies outside"),
    "an absolute path": (lambda c: c["images"][0].update(file_name="/etc/passwd"), "lies outside"),
    "a name that is a number": (lambda c: c["images"][0].update(file_name=3), "is no COCO file"),
    "a missing image": (lambda c: c["images"][0].update(file_name="none.png"), "cannot read none.png"),
    "an unknown image": (lambda c: c["annotations"][0].update(image_id=1), "of the image 1, which it lacks"),
    "an unknown category": (lambda c: c["annotations"][0].update(category_id=1), "the category 1"),
    "half of the masks": (lambda c: c["annotations"][0].pop("segmentation"), "1 of 2 annotations"),
    "a box of text": (lambda c: c["annotations"][0].update(bbox="abcd"), "is damaged"),
    "a box without a width": (lambda c: c["annotations"][0].update(bbox=[1, 2, -3, 4]), "x1 <= x2"),
    "a mask of another size": (
        lambda c: c["annotations"][1]["segmentation"].update(size=[8, 6]),
        r"has the size \(8, 6\)",
    ),
    "runs of another sum": (lambda c: c["annotations"][1]["segmentation"].update(counts=[3]), "counts"),
}


@pytest.mark.parametrize("case", WRONG_COCO)
def test_annotations_that_cannot_be_are_refused(tmp_path: Path, case: str) -> None:
    edit, message = WRONG_COCO[case]
    with pytest.raises(AugsynthError, match=message):
        load(tmp_path / "pool", write_coco(tmp_path / "in", edit))
    assert not (tmp_path / "pool").exists()


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def picture(seed: int = 0, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 5, 3), np.uint8)).save(stream, kind)
    return stream.getvalue()


def test_tar_files_of_other_writers(tmp_path: Path) -> None:
    one = write_tar(tmp_path / "1.tar", {"x/a.jpg": picture(1, "JPEG"), "x/a.json": b"{}", "x/a.cls": b"2\n"})
    two = write_tar(tmp_path / "2.tar", {"b.cls": b"0", "b.png": picture(2), "y/b.png": picture(3), "y/b.cls": b"1"})
    pool = load(tmp_path / "pool", [one, two])
    assert pool.labels.tolist() == [2, 0, 1]
    assert np.array_equal(pool[2][0].permute(1, 2, 0), Image.open(io.BytesIO(picture(3))))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "no images"),
        ({"a.txt": b""}, "hold no images"),
        ({"a.png": picture(), "a.cls": b"cat"}, "must be a number"),
        ({"a.png": picture(), "a.cls": b"1", "b.png": picture()}, r"has no \.cls"),
        ({"a.png": picture(), "a.cls": b"1", "b.cls": b"1"}, "item 1 of the tar files has no image"),
        ({"a.png": picture()[:90]}, "item 0, in in.tar"),
        ({"a.png": b"text"}, "cannot read item 0"),
        ({"a.png": picture(), "a.boxes.npy": b"text"}, "targets of item 0, in in.tar cannot be read"),
        ({"a.png": picture(), "a.boxes.npy": b"\x93NUMPY"}, "cannot be read"),
    ],
)
def test_tar_files_that_cannot_be_read_are_refused(tmp_path: Path, members: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(tmp_path / "pool", write_tar(tmp_path / "in.tar", members))
    assert not (tmp_path / "pool").exists()


@pytest.mark.parametrize("cut", [0.3, 0.6])
def test_a_tar_file_that_ends_too_early_is_refused(tmp_path: Path, cut: float) -> None:
    file = write_tar(tmp_path / "in.tar", {f"{number}.png": picture(number) for number in range(30)})
    file.write_bytes(file.read_bytes()[: int(cut * file.stat().st_size)])
    with pytest.raises(DataError, match=r"in\.tar"):
        load(tmp_path / "pool", file)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nothing", "no data at"),
        (3, "source must be"),
        ([], "source must be"),
        (np.zeros((2, 4, 4), np.float32), r"must be uint8 .*, got float32"),
        (np.zeros((0, 4, 4), np.uint8), "must be uint8"),
        ((IMAGES, [1, 2]), r"labels of arrays must be integers of at least 0 \(20,\)"),
        ((IMAGES, [-1] * 20), "labels of arrays must be"),
    ],
)
def test_sources_that_are_none_are_refused(tmp_path: Path, source: Any, message: str) -> None:
    with pytest.raises(AugsynthError, match=message):
        load(tmp_path / "pool", source)
    assert not (tmp_path / "pool").exists()


def test_a_label_beyond_the_class_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="label of image 2 of arrays is 2, and there are 2 class names"):
        load(tmp_path / "pool", (IMAGES, LABELS), class_names=["a", "b"])


# Interruptions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [True, False])
def test_an_interrupted_import_continues_to_the_same_bytes(tmp_path: Path, monkeypatch: Any, compressed: bool) -> None:
    (np.savez_compressed if compressed else np.savez)(tmp_path / "in.npz", images=IMAGES, labels=LABELS)
    load(tmp_path / "whole", tmp_path / "in.npz")
    write, path = writer.write_shard, tmp_path / "pool"

    def failing(folder: Path, number: int, samples: Any) -> Any:
        if number == 1:
            raise KeyboardInterrupt
        return write(folder, number, samples)

    with monkeypatch.context() as patched:
        patched.setattr(writer, "write_shard", failing)
        with pytest.raises(KeyboardInterrupt):
            load(path, tmp_path / "in.npz")
    before = (path / "images-000000.npy").stat().st_mtime_ns
    load(path, tmp_path / "in.npz")
    assert (path / "images-000000.npy").stat().st_mtime_ns == before
    assert {f.name: f.read_bytes() for f in path.iterdir()} == {
        f.name: f.read_bytes() for f in (tmp_path / "whole").iterdir()
    }
    np.savez(tmp_path / "in.npz", images=IMAGES[:-1], labels=LABELS[:-1])
    with pytest.raises(CheckpointError, match="already holds another pool"):
        load(path, tmp_path / "in.npz")


def test_an_import_holds_one_shard_in_memory(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2048, 32, 32, 3), np.uint8)
    np.savez_compressed(tmp_path / "in.npz", images=images)
    del images
    load(tmp_path / "warm", tmp_path / "in.npz", shard_size=1024)
    tracemalloc.start()
    load(tmp_path / "pool", tmp_path / "in.npz", shard_size=64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def test_what_a_killed_export_left_is_removed(tmp_path: Path) -> None:
    pool = load(tmp_path / "pool", (IMAGES, LABELS))
    left = tmp_path / ".out.partial"
    left.mkdir()
    (left / "pool-000000.tar").write_bytes(b"half")
    pool.export(tmp_path / "out", progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "pool"]


def test_an_export_into_the_working_folder_and_beside_hidden_files(tmp_path: Path, monkeypatch: Any) -> None:
    pool = load(tmp_path / "pool", (IMAGES, LABELS))
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".DS_Store").touch()
    monkeypatch.chdir(tmp_path / "here")
    pool.export(".", "webdataset", progress=False)
    pool.export("../there", "webdataset", progress=False)
    for name in ("here", "there"):
        assert sorted(os.listdir(tmp_path / name)) == [".DS_Store", "pool-000000.tar"]
    assert not (tmp_path / ".there.partial").exists()


def test_a_pool_of_a_user_s_data_set_mixes(tmp_path: Path) -> None:
    from augsynth import SyntheticMixDataset

    pool = load(tmp_path / "pool", (IMAGES, LABELS))
    mix = SyntheticMixDataset(Pictures(LABELS), pool, ratio=0.5, seed=1)
    assert sum(mix.source(position).synthetic for position in range(20)) == 10
