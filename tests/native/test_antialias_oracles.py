"""Antialiasing against torch's, and against the exact footprint of the output's pixels where pictures are turned."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from native_rows import Array, make_rows, rotation
from PIL import Image

from augsynth import _native
from augsynth import transforms as T
from augsynth._native.layout import Border

Floats = npt.NDArray[np.float64]
KEY = (0, 0, 0)


def smooth_picture(height: int, width: int) -> npt.NDArray[np.uint8]:
    """Waves of several lengths, the shortest of some three pixels."""
    y, x = np.mgrid[:height, :width]
    waves = [(3, 5), (8, -4), (23, 31)]
    channels = [sum(np.sin(2 * np.pi * (x / a + y / b) + c + a) for a, b in waves) for c in range(3)]
    return (127.5 + 40 * np.stack(channels, axis=-1)).astype(np.uint8)


def photos(folder: Path, count: int) -> list[npt.NDArray[np.uint8]]:
    with tarfile.open(folder / "photos100.tar") as tar:
        names = sorted(name for name in tar.getnames() if name.lower().endswith((".jpg", ".jpeg")))[:count]
        files = [tar.extractfile(name) for name in names]
        return [np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB")) for file in files if file]


def resized_by_torch(image: npt.NDArray[np.uint8], size: tuple[int, int], mode: str) -> torch.Tensor:
    source = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].double()
    return F.interpolate(source, size, mode=mode, antialias=True)[0]


@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    to=st.tuples(st.integers(1, 60), st.integers(2, 60)),  # torch 2.13 makes all lines of a single column equal
    mode=st.sampled_from(["bilinear", "bicubic"]),
    flips=st.tuples(st.booleans(), st.booleans()),
)
def test_uint8_is_resized_as_in_torch(
    isa: str, size: tuple[int, int], to: tuple[int, int], mode: Any, flips: tuple[bool, bool]
) -> None:
    image = smooth_picture(*size)
    mirrors = [T.RandomVerticalFlip(p=float(flips[0])), T.RandomHorizontalFlip(p=float(flips[1]))]
    pipeline = T.Compose([*mirrors, T.Resize(to, interpolation=mode), T.ToDtype("float32")])
    expected = resized_by_torch(image, to, mode).flip([axis + 1 for axis in (0, 1) if flips[axis]])
    torch.testing.assert_close(pipeline(image, key=KEY).double(), expected.clamp(0, 255), rtol=0, atol=0.04)


@given(corner=st.tuples(st.integers(0, 40), st.integers(0, 60)), scale=st.tuples(st.floats(0.4, 9), st.floats(0.4, 9)))
def test_crops_show_what_a_resize_of_the_whole_picture_shows(
    isa: str, corner: tuple[int, int], scale: tuple[float, float]
) -> None:
    """The filter sees beyond a crop, so a crop of the resized picture is what it gives."""
    image = smooth_picture(150, 200)
    size = (max(1, round(150 / scale[0])), max(1, round(200 / scale[1])))
    top, left = corner[0] % size[0], corner[1] % size[1]
    support = np.array([200 / size[1], 150 / size[0]])
    expected = resized_by_torch(image, size, "bilinear").numpy()[:, top:, left:]
    output = np.zeros(expected.shape, np.float32)
    inverse = np.diag([*support, 1.0]) @ [[1, 0, left], [0, 1, top], [0, 0, 1]]
    rows = make_rows(image, output, inverse=inverse, support=np.maximum(support, 1), antialias=1)
    _native.run(rows, [image], [output])
    np.testing.assert_allclose(output, expected, rtol=0, atol=0.04)


def test_photographs_are_resized_as_in_torch(isa: str, data_dir: Path) -> None:
    for image in photos(data_dir, 4):
        result = T.Compose([T.Resize((224, 224)), T.ToDtype("float32")])(image, key=KEY)
        difference = (result - resized_by_torch(image, (224, 224), "bilinear")).abs()
        assert difference.max() < 0.04
        assert difference.mean() < 0.005


# ---- Turned pictures ----------------------------------------------------------------------------------------------


def turned(image: Array, inverse: Floats, size: tuple[int, int], antialias: int) -> npt.NDArray[np.float32]:
    output = np.zeros((image.shape[2], *size), np.float32)
    support = np.maximum(1, np.hypot(inverse[:2, 0], inverse[:2, 1]))
    fields = {"inverse": inverse, "support": support, "antialias": antialias, "border": Border.REFLECT}
    _native.run(make_rows(image, output, **fields), [image], [output])
    return output


def footprint(image: Array, inverse: Floats, size: tuple[int, int], samples: int = 9) -> Floats:
    """The triangle over each output pixel and its neighbours, turned with them: many weighed samples of each."""
    total, weights = np.zeros((image.shape[2], *size)), 0.0
    places = (np.arange(samples) + 0.5) / samples * 2 - 1
    for u in places:
        for v in places:
            weight = (1 - abs(u)) * (1 - abs(v))
            total += weight * turned(image, inverse @ [[1, 0, u], [0, 1, v], [0, 0, 1]], size, antialias=0)
            weights += weight
    return total / weights


def minified(shape: tuple[int, ...], angle: float, scale: float) -> tuple[Floats, tuple[int, int]]:
    """An inverse matrix about the middle of a picture, and the size of an output."""
    size = int(shape[0] / scale / 1.4), int(shape[1] / scale / 1.4)
    to_middle = np.array(
        [[1, 0, (shape[1] - scale * size[1]) / 2], [0, 1, (shape[0] - scale * size[0]) / 2], [0, 0, 1]]
    )
    return rotation(angle, shape[0], shape[1]) @ to_middle @ np.diag([scale, scale, 1.0]), size


def rms(difference: Floats) -> float:
    return float(np.sqrt((difference**2).mean()))


@pytest.mark.parametrize("angle", [0.1, 0.35, 0.78])
@pytest.mark.parametrize("scale", [1.3, 2.0, 3.0, 5.0])
def test_turned_photographs_are_near_their_exact_footprint(data_dir: Path, scale: float, angle: float) -> None:
    """As docs/design/numerics.md states it: within 5 levels, and half of what sampling without a filter is off."""
    for image in photos(data_dir, 2):
        inverse, size = minified(image.shape, angle, scale)
        exact = footprint(image, inverse, size)
        ours, plain = (rms(turned(image, inverse, size, antialias) - exact) for antialias in (1, 0))
        assert ours < 5
        assert ours < 0.5 * plain


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("degrees", [20, 45, 160])
def test_a_fine_chequerboard_stays_grey(isa: str, degrees: float, dtype: Any) -> None:
    image = (np.indices((180, 240)).sum(axis=0)[..., None] % 2 * 200).astype(dtype)
    inverse, size = minified(image.shape, np.radians(degrees), 3.0)
    filtered, plain = (turned(image, inverse, size, antialias) for antialias in (1, 0))
    assert np.abs(filtered - 100).max() < 8
    assert np.abs(plain - 100).max() > 60
