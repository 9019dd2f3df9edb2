"""Pictures of what each pass makes of an image."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch

from augsynth import transforms as T
from augsynth.errors import ArgumentError

KEYS = [(1, 0, 0), (1, 0, 1)]
T_ALL = T.Compose(
    [T.ColorJitter(0.5), T.RandomRotation(30), T.GaussianBlur(3), T.RandomHorizontalFlip(), T.Normalize(0.5, 0.25)]
)


def pictures(dtype: Any = np.uint8) -> list[Any]:
    random = np.random.default_rng(0)
    full = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    return [(random.random(shape) * full).astype(dtype) for shape in ((20, 31, 3), (12, 9, 3))]


@pytest.mark.parametrize("end", ["float32", "float16", "bfloat16"])
def test_the_last_pictures_are_the_results_and_the_words_those_of_explain(end: str) -> None:
    t, images = T.Compose([*T_ALL.transforms, T.ToDtype(end)]), pictures()
    explained = t.explain_images(images, keys=KEYS)
    assert t.explain((20, 31, 3)) == f"3 passes\n{explained}"
    assert len(explained.words) == len(explained.images) == 5
    for image, key, found in zip(images, KEYS, explained.images[-1], strict=True):
        np.testing.assert_array_equal(found, t(image, key=key).float().permute(1, 2, 0))
    for image, given in zip(images, explained.images[0], strict=True):
        np.testing.assert_array_equal(given, image)


def test_each_picture_is_that_of_the_transforms_so_far() -> None:
    images, first = pictures(), T.Compose([T.ColorJitter(0.5)])
    coloured = T_ALL.explain_images(images, keys=KEYS).images[1]
    for image, key, found in zip(images, KEYS, coloured, strict=True):
        np.testing.assert_array_equal(found, first(image, key=key).permute(1, 2, 0))


def test_sheets_have_a_row_for_each_sample_and_a_column_for_each_step() -> None:
    image_module = pytest.importorskip("PIL.Image")
    explained = T_ALL.explain_images(pictures(), keys=KEYS)
    sheet = explained.sheet()
    assert sheet.shape == (20 + 4 + 12, 5 * 31 + 4 * 4, 4)
    np.testing.assert_array_equal(sheet[:20, :31, :3], pictures()[0])
    np.testing.assert_array_equal(sheet[24:, :9, :3], pictures()[1])
    assert sheet[20:24].max() == 0
    np.testing.assert_array_equal(image_module.open(io.BytesIO(explained.png())), sheet)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_all_images_have_a_page(dtype: Any, channels: int) -> None:
    pytest.importorskip("PIL.Image")
    images = [image[..., :1].repeat(channels, axis=2) for image in pictures(dtype)]
    page = T.Compose([T.RandomVerticalFlip(1.0)]).explain_images(images, keys=KEYS)._repr_html_()
    assert page.count("data:image/png;base64,") == 4
    assert "pass 1: RandomVerticalFlip" in page


def test_values_outside_are_stretched_and_odd_ones_shown() -> None:
    image = np.array([[[-1.0], [np.nan], [3.0], [np.inf]]], np.float32)
    sheet = T.Compose([]).explain_images([image], keys=KEYS[:1]).sheet()
    assert sheet[0, :4, 0].tolist() == [0, 64, 255, 64]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ArgumentError, match="at least one"):
        T_ALL.explain_images(torch.zeros(0, 3, 4, 4))
