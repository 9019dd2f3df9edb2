"""Reading real images: what is kept, what is converted and said, and what is refused in one line."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augsynth.data.loading.datasets import load_dataset
from augsynth.errors import ArgumentError, DataError


def write_images(folder: Path, count: int, *, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(folder.name))
    for i in range(count):
        pixels = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
        suffix = "tif" if mode == "CMYK" else "png"
        Image.fromarray(pixels).convert(mode).save(folder / f"{mode.lower()}{i}.{suffix}")


def test_digits_are_scaled_to_the_full_range_and_split_by_class():
    data = load_dataset("digits", test_fraction=0.25, seed=3)
    assert data.test is not None
    assert len(data) + len(data.test) == 1797
    assert (int(data.images.min()), int(data.images.max())) == (0, 255)
    assert data.image_shape == (1, 8, 8)
    share = np.bincount(data.test.labels) / (np.bincount(data.labels) + np.bincount(data.test.labels))
    np.testing.assert_allclose(share, 0.25, atol=0.01)


def test_the_split_is_a_partition_that_depends_on_the_seed(tmp_path):
    images = np.arange(40, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    np.savez(tmp_path / "d.npz", images=images, labels=np.arange(40) % 2)

    def test_part(seed):
        data = load_dataset(tmp_path / "d.npz", test_fraction=0.3, seed=seed)
        assert sorted([*data.images[:, 0, 0, 0], *data.test.images[:, 0, 0, 0]]) == list(range(40))
        return data.test.images[:, 0, 0, 0].tolist()

    assert test_part(0) == test_part(0) != test_part(1)


def test_draw_per_class_is_exact_and_says_when_a_class_is_too_small():
    data = load_dataset("digits")
    assert np.bincount(data.draw_per_class(20, seed=1).labels).tolist() == [20] * 10
    with pytest.raises(DataError, match=r"class '\d' has 17\d images, 500 are needed"):
        data.draw_per_class(500, seed=1)


def test_npz_labels_of_any_kind_become_classes(tmp_path):
    np.savez(tmp_path / "d.npz", images=np.zeros((4, 5, 6), np.uint8), labels=["dog", "cat", "dog", "cat"])
    data = load_dataset(tmp_path / "d.npz")
    assert data.class_names == ("cat", "dog")
    assert data.labels.tolist() == [1, 0, 1, 0]
    assert data.image_shape == (1, 5, 6)


def test_a_folder_keeps_pixels_and_names(tmp_path):
    for name in ("a", "b"):
        write_images(tmp_path / name, 3)
    data = load_dataset(tmp_path)
    assert data.class_names == ("a", "b")
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.notes == ()
    np.testing.assert_array_equal(data.images[3], np.asarray(Image.open(tmp_path / "b" / "rgb0.png")))


def test_train_and_test_folders_stay_apart_and_the_bound_is_reported(tmp_path):
    for part, count in (("train", 5), ("test", 4)):
        for name in ("a", "b"):
            write_images(tmp_path / part / name, count)
    data = load_dataset(tmp_path, max_per_class=3, test_fraction=0.5)
    assert (len(data), len(data.test)) == (6, 6)
    assert data.notes == (
        "6 of 10 images in 'train' used, at most 3 a class",
        "6 of 8 images in 'test' used, at most 3 a class",
    )


def test_classes_called_train_are_classes(tmp_path):
    for name in ("train", "bus"):
        write_images(tmp_path / name, 2)
    assert load_dataset(tmp_path).class_names == ("bus", "train")


def test_all_grey_stays_grey_and_a_mixture_becomes_rgb_and_says_so(tmp_path):
    for name in ("a", "b"):
        write_images(tmp_path / name, 2, mode="L")
    assert load_dataset(tmp_path).image_shape == (1, 8, 8)
    write_images(tmp_path / "b", 1, mode="CMYK")
    write_images(tmp_path / "b", 2, mode="P")
    data = load_dataset(tmp_path)
    assert data.image_shape == (3, 8, 8)
    assert data.notes == ("converted to RGB: 1 CMYK, 4 L, 2 P",)


def test_transparent_pixels_lie_on_white(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / name / "x.png")
    assert load_dataset(tmp_path).images.min() == 255


def test_photographs_lie_as_their_exif_tag_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (10, 4)).save(tmp_path / name / "x.jpg", exif=exif)
    assert load_dataset(tmp_path).image_shape == (3, 10, 4)


def test_sizes_are_made_equal_only_on_request(tmp_path):
    write_images(tmp_path / "a", 2, size=(8, 8))
    write_images(tmp_path / "b", 2, size=(12, 9))
    with pytest.raises(DataError, match=r"there are 8x8 and 12x9 pixels.*--image-size 32"):
        load_dataset(tmp_path)
    data = load_dataset(tmp_path, image_size=8)
    assert data.image_shape == (3, 8, 8)
    assert data.notes == ("2 images resized and centre-cropped to 8x8 pixels",)


def test_npz_images_are_resized_on_request_and_it_is_said(tmp_path):
    np.savez(tmp_path / "d.npz", images=np.full((4, 10, 20, 3), 7, np.uint8), labels=[0, 1, 0, 1])
    data = load_dataset(tmp_path / "d.npz", image_size=5)
    assert data.images.shape == (4, 5, 5, 3)
    assert np.unique(data.images).tolist() == [7]
    assert data.notes == ("resized from 20x10 to 5x5 pixels",)


def test_files_that_are_no_images_are_counted(tmp_path):
    for name in ("a", "b"):
        write_images(tmp_path / name, 2)
    (tmp_path / "a" / "notes.txt").write_text("hello")
    (tmp_path / "a" / ".DS_Store").write_text("")
    assert load_dataset(tmp_path).notes == (f"1 files in {tmp_path.name!r} are no images and were left out",)


def npz(tmp_path: Path, **arrays: object) -> Path:
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    return path


GREY = np.zeros((4, 8, 8), np.uint8)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": GREY, "y": [0, 1, 0, 1]}, "no array 'images' or 'labels'; .* found 'x', 'y'"),
        ({"images": GREY / 255, "labels": [0, 1, 0, 1]}, "float64; scale them to 0..255"),
        ({"images": GREY[0], "labels": [0, 1, 0, 1]}, r"shape \(8, 8\)"),
        ({"images": GREY, "labels": [0, 1]}, r"labels have shape \(2,\)"),
        ({"images": GREY, "labels": [0.5, 1.0, 0.5, 1.0]}, "labels are float64"),
        ({"images": GREY, "targets": [0, 1, 0, 1]}, "no array 'labels'; .* found 'images', 'targets'"),
        ({"images": GREY, "labels": [0, 1, 1, 1]}, "class '0' has 1 image"),
        ({"images": GREY, "labels": np.array([{}, 1, 2, 3], object)}, "no readable .npz of plain arrays"),
    ],
)
def test_a_wrong_npz_is_refused_in_one_line(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(npz(tmp_path, **arrays), test_fraction=0.25)
    assert "\n" not in str(caught.value)


def test_a_missing_path_an_archive_and_an_unknown_file_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"no data at '.*nowhere'"):
        load_dataset(tmp_path / "nowhere")
    for name, message in (
        ("data.tar.gz", "unpack it"),
        ("data.csv", "cannot read"),
        ("data.npz", "no readable"),
    ):
        (tmp_path / name).write_bytes(b"junk")
        with pytest.raises(DataError, match=message):
            load_dataset(tmp_path / name)


def test_a_folder_without_classes_or_with_a_damaged_image_is_refused(tmp_path):
    with pytest.raises(DataError, match="no class folders"):
        load_dataset(tmp_path)
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="no images of class 'a'"):
        load_dataset(tmp_path)
    (tmp_path / "a" / "x.png").write_bytes(b"junk")
    with pytest.raises(DataError, match=r"cannot decode a.x\.png"):
        load_dataset(tmp_path)


def test_sixteen_bit_images_are_refused_rather_than_crushed(tmp_path):
    (tmp_path / "a").mkdir()
    Image.fromarray(np.full((4, 4), 40000, np.uint16)).save(tmp_path / "a" / "x.png")
    with pytest.raises(DataError, match="8-bit grey or RGB"):
        load_dataset(tmp_path)


def test_classes_of_the_test_folder_must_be_known(tmp_path):
    for folder in ("train/a", "train/b", "test/a", "test/c"):
        write_images(tmp_path / folder, 2)
    with pytest.raises(DataError, match="'test' has classes that are not known: c; known are a, b"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("arguments", [{"test_fraction": 1.0}, {"max_per_class": 0}, {"image_size": 0}])
def test_arguments_out_of_range_are_named(arguments):
    with pytest.raises(ArgumentError, match=next(iter(arguments))):
        load_dataset("digits", **arguments)


@pytest.mark.skipif("AUGSYNTH_DATA" not in os.environ, reason="AUGSYNTH_DATA is unset")
def test_ten_thousand_mnist_digits():
    data = load_dataset(Path(os.environ["AUGSYNTH_DATA"]) / "mnist10k.npz", test_fraction=0.2)
    assert (len(data) + len(data.test), data.image_shape, data.num_classes) == (10_000, (1, 28, 28), 10)
