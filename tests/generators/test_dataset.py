"""Data sets of every accepted form are read alike, and others are refused with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, DataError
from augsynth.generators.reading.images import ImageSet, read_images

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (6, 5, 7, 3), dtype=np.uint8)
LABELS = [0, 1, 2, 2, 1, 0]
CHW = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)


def _pil(pixels: np.ndarray) -> Any:
    return pytest.importorskip("PIL.Image").fromarray(pixels)


FORMS = {
    "tensors": lambda: list(zip(CHW, LABELS, strict=True)),
    "arrays": lambda: list(zip(PIXELS, LABELS, strict=True)),
    "PIL": lambda: [(_pil(pixels), label) for pixels, label in zip(PIXELS, LABELS, strict=True)],
    "dicts": lambda: [{"image": image, "label": label} for image, label in zip(CHW, LABELS, strict=True)],
    "float tensors": lambda: [(image.float() / 255, label) for image, label in zip(CHW, LABELS, strict=True)],
    "float64 arrays": lambda: [(pixels / 255, label) for pixels, label in zip(PIXELS, LABELS, strict=True)],
    "tensor labels": lambda: [(image, torch.tensor(label)) for image, label in zip(CHW, LABELS, strict=True)],
    "NumPy labels": lambda: [(image, np.int32(label)) for image, label in zip(CHW, LABELS, strict=True)],
    "TensorDataset": lambda: TensorDataset(CHW, torch.tensor(LABELS)),
    "float TensorDataset": lambda: TensorDataset(CHW.float() / 255, torch.tensor(LABELS)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_alike(form: str) -> None:
    read = read_images(FORMS[form](), labelled=True)
    assert torch.equal(read.images, CHW)
    assert read.images.dtype == torch.uint8
    assert read.labels is not None
    assert read.labels.tolist() == LABELS
    assert (read.image_shape, read.num_classes, len(read)) == ((3, 5, 7), 3, 6)


@pytest.mark.parametrize("image", [torch.ones(4, 5), np.ones((4, 5)), _pil(np.full((4, 5), 255, np.uint8))])
def test_images_without_channels_get_one(image: Any) -> None:
    read = read_images([image], labelled=False)
    assert read.images.shape == (1, 1, 4, 5)
    assert bool((read.images == 255).all())


def test_floats_are_rounded_to_the_nearest_level() -> None:
    read = read_images([torch.tensor([[0.0, 0.998, 0.999, 1.0]])], labelled=False)
    assert read.images.flatten().tolist() == [0, 254, 255, 255]


@pytest.mark.parametrize("items", [list(CHW), TensorDataset(CHW), [(image,) for image in CHW], FORMS["tensors"]()])
def test_labels_are_left_unread_where_they_are_not_asked_for(items: Any) -> None:
    read = read_images(items, labelled=False)
    assert torch.equal(read.images, CHW)
    assert read.labels is None
    assert read.num_classes is None


def _labelled(labels: list[Any]) -> list[tuple[torch.Tensor, Any]]:
    return [(torch.zeros(1, 2, 2), label) for label in labels]


REFUSED: dict[str, tuple[Any, str, type[AugsynthError]]] = {
    "an iterator": (iter(LABELS), "map-style", ArgumentTypeError),
    "nothing": ([], "empty", DataError),
    "two shapes": (
        [(torch.zeros(1, 2, 2), 0), (torch.zeros(1, 3, 2), 0)],
        r"item 0 is .*item 1 is \(1, 3, 2\)",
        DataError,
    ),
    "no label": ([torch.zeros(1, 2, 2)], "item 0 has no label", DataError),
    "a dict without image": (
        [{"img": 1, "label": 0}],
        "item 0 must have the key 'image', got the keys img, label",
        DataError,
    ),
    "an empty tuple": ([()], "empty tuple", DataError),
    "a string": ([("a.png", 0)], "holds a str", ArgumentTypeError),
    "int32 pixels": ([(torch.zeros(1, 2, 2, dtype=torch.int32), 0)], "int32 is not supported", ArgumentTypeError),
    "an int64 array": ([(np.zeros((2, 2), np.int64), 0)], "int64 is not supported", ArgumentTypeError),
    "an array of objects": ([(np.array([[None]]), 0)], "object is not supported", ArgumentTypeError),
    "pixels above 1": ([(torch.full((1, 2, 2), 1.5), 0)], r"\[0, 1\], got 1.5 to 1.5", DataError),
    "NaN pixels": ([(torch.full((1, 2, 2), torch.nan), 0)], r"\[0, 1\], and 4 of 4 are NaN or infinite", DataError),
    "channels last": ([(torch.zeros(28, 30, 3), 0)], r"a torch tensor is \(C, H, W\)", DataError),
    "an empty side": ([(torch.zeros(1, 0, 3), 0)], "no empty side", DataError),
    "a negative label": (_labelled([0, -1]), "got -1", DataError),
    "a class without images": (_labelled([0, 3, 1]), "the highest is 3, absent: 2", DataError),
    "a float label": (_labelled([0.5]), "integer class", ArgumentTypeError),
    "one-hot labels": (
        _labelled([torch.eye(3)[1]]),
        "the label of item 0 .*one-hot label, give",
        ArgumentTypeError,
    ),
    "one-hot integers": (_labelled([np.eye(3, dtype=int)[1]]), "of a one-hot label, give", ArgumentTypeError),
    "a list as label": (_labelled([[0, 1]]), r"got \[0, 1\]", ArgumentTypeError),
    "a word as label": (_labelled(["cat"]), "got 'cat'", ArgumentTypeError),
    "a NumPy truth value as label": (_labelled([np.True_]), "integer class", ArgumentTypeError),
    "NaN as label": (_labelled([float("nan")]), "integer class", ArgumentTypeError),
    "a second item without a label": (_labelled([0, None]), "item 1 has no label", DataError),
    "a tensor without numbers": (
        [(torch.zeros(1, 4, 4, device="meta"), 0)],
        "0.*holds numbers",
        ArgumentTypeError,
    ),
    "a sparse tensor": ([(torch.zeros(4, 4).to_sparse(), 0)], "expected a dense tensor", ArgumentTypeError),
    "tensors without pixels": (TensorDataset(torch.zeros(2, 1, 0, 4), torch.arange(2)), "no empty side", DataError),
    "tensors of 17 channels": (TensorDataset(torch.zeros(2, 17, 4, 4), torch.arange(2)), "1 to 16 channels", DataError),
    "a mapping of names": ({"a": 1}, "item 0 of the data set cannot be read: KeyError", DataError),
    "a truth value as label": (_labelled([True]), "integer class", ArgumentTypeError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_sentence(case: str) -> None:
    items, message, error = REFUSED[case]
    with pytest.raises(error, match=message):
        read_images(items, labelled=True)


class Raising:
    """A data set whose third item cannot be read."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Any:
        if index == 3:
            raise self.error
        return CHW[index], index


@pytest.mark.parametrize("error", [OSError("truncated"), IndexError("no such"), KeyError("x"), StopIteration()])
def test_an_error_of_the_data_set_names_the_item(error: Exception) -> None:
    with pytest.raises(DataError, match=f"item 3 of the data set cannot be read: {type(error).__name__}") as refusal:
        read_images(Raising(error), labelled=True)
    assert refusal.value.__cause__ is error


def test_ctrl_c_in_the_data_set_is_no_error_of_an_item() -> None:
    with pytest.raises(KeyboardInterrupt):
        read_images(Raising(KeyboardInterrupt()), labelled=True)


def test_a_picture_that_cannot_be_decoded_names_the_item(tmp_path: Path) -> None:
    _pil(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "cut.png")
    data = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    picture = pytest.importorskip("PIL.Image").open(tmp_path / "cut.png")
    with pytest.raises(DataError, match="cannot decode item 1: image file is truncated"):
        read_images([(CHW[0], 0), (picture, 1)], labelled=True)


def test_a_picture_that_exif_would_turn_is_refused(tmp_path: Path) -> None:
    exif = pytest.importorskip("PIL.Image").Exif()
    exif[0x0112] = 6
    _pil(np.zeros((4, 8, 3), np.uint8)).save(tmp_path / "turned.jpg", exif=exif)
    with pytest.raises(ArgumentError, match="item 0 is a PIL image whose Exif orientation is 6"):
        read_images([pytest.importorskip("PIL.Image").open(tmp_path / "turned.jpg")], labelled=False)


def test_arrays_of_any_order_of_bytes_and_strides_are_read() -> None:
    flipped = np.asfortranarray(PIXELS[:, ::-1])
    for pixels in (flipped, (flipped / 255).astype(">f8"), (flipped / 255).astype(np.longdouble)):
        assert torch.equal(read_images(list(pixels), labelled=False).images, CHW.flip(2))


def test_a_palette_image_is_refused() -> None:
    with pytest.raises(DataError, match="mode P; convert it"):
        read_images([(_pil(PIXELS[0]).convert("P"), 0)], labelled=True)


def test_the_digest_sees_pixels_labels_and_shape() -> None:
    images, labels = torch.zeros(2, 1, 2, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)
    changed = images.clone()
    changed[1, 0, 1, 3] = 1
    sets = [
        ImageSet(images, labels),
        ImageSet(changed, labels),
        ImageSet(images, labels + 1),
        ImageSet(images.reshape(2, 1, 4, 2), labels),
        ImageSet(images, None),
    ]
    assert len({images.digest() for images in sets}) == len(sets)
    assert sets[0].digest() == ImageSet(images.clone(), labels.clone()).digest()
