"""Converted transforms beside those of AlbumentationsX, pixel by pixel, over 200 drawn images of drawn sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch.nn import functional as F

from augsynth import transforms as T

A = pytest.importorskip("albumentations", reason="albumentationsx is not installed")
BOX = {"border_mode": 0}
STILL = {"shift_range_x": (0, 0), "shift_range_y": (0, 0)}


def drawn(count: int) -> list[npt.NDArray[np.uint8]]:
    """Smooth colour images, uint8 (H, W, 3) of 24 to 80 pixels a side."""
    rng = np.random.default_rng(0)
    grids = [torch.from_numpy(rng.integers(0, 256, (1, 3, 6, 7)).astype(np.float32)) for _ in range(count)]
    sizes = [tuple(rng.integers(24, 81, 2).tolist()) for _ in range(count)]
    smooth = (F.interpolate(grid, size=size, mode="bicubic")[0] for grid, size in zip(grids, sizes, strict=True))
    return [image.clamp(0, 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy() for image in smooth]


IMAGES = drawn(200)

EQUAL: dict[str, Any] = {
    "pad if needed": A.PadIfNeeded(90, 101, border_mode=0, fill=9),
    "pad below and to the right": A.PadIfNeeded(90, 101, position="top_left", border_mode=4),
    "pad to a multiple": A.PadIfNeeded(None, None, pad_height_divisor=32, pad_width_divisor=16, border_mode=0),
    "horizontal flip": A.HorizontalFlip(p=1),
    "vertical flip": A.VerticalFlip(p=1),
    "transpose": A.Transpose(p=1),
    "nearest rotation": A.Rotate((-23, -23), p=1, interpolation=0, **BOX),
    "invert": A.InvertImg(p=1),
    "posterise": A.Posterize(num_bits=(3, 3), p=1),
    "equalise": A.Equalize(mode="pil", p=1),
    "median": A.MedianBlur((5, 5), p=1),
}
ONE_LEVEL: dict[str, Any] = {
    "resize": A.Resize(40, 52),
    "bicubic resize": A.Resize(70, 72, interpolation=2),
    "longest side": A.LongestMaxSize(50),
    "shortest side": A.SmallestMaxSize(33),
    "rotate": A.Rotate((17, 17), p=1, **BOX),
    "rotate, reflect": A.Rotate((17, 17), p=1, border_mode=4),
    "affine": A.Affine(rotate=(10, 10), scale=(1.2, 1.2), p=1, **BOX),
    "affine shear": A.Affine(shear={"x": (10, 10), "y": (0, 0)}, p=1, **BOX),
    "shift, scale, rotate": A.ShiftScaleRotate(**STILL, scale_range=(0.2, 0.2), rotate_range=(15, 15), p=1, **BOX),
    "grey": A.ToGray(p=1),
    "gamma": A.RandomGamma((130, 130), p=1),
    "normalise": A.Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)),
    "to float": A.ToFloat(255),
}
SAID: dict[str, Any] = {
    "OpenCV's equalise": A.Equalize(p=1),
    "autocontrast": A.AutoContrast(p=1),
    "CLAHE of colours": A.CLAHE((3, 3), p=1),
    "hue": A.HueSaturationValue((10, 10), (0, 0), (0, 0), p=1),
    "area": A.Resize(20, 22, interpolation=3),
    "nearest resize": A.Resize(40, 52, interpolation=0),
    "centre crop": A.CenterCrop(21, 20),
}


def furthest(transform: Any) -> float:
    """Largest difference in levels over all images."""
    converted = T.from_albumentations(transform)
    pairs = ((transform(image=image)["image"], converted(image)) for image in IMAGES)
    return max(
        float((torch.from_numpy(theirs.copy()).permute(2, 0, 1).double() - ours).abs().max()) for theirs, ours in pairs
    )


@pytest.mark.parametrize("name", EQUAL)
def test_pixels_are_equal(name: str) -> None:
    assert furthest(EQUAL[name]) == 0


@pytest.mark.parametrize("name", ONE_LEVEL)
def test_pixels_are_within_a_level(name: str) -> None:
    assert furthest(ONE_LEVEL[name]) <= 1


@pytest.mark.parametrize("name", SAID)
def test_what_differs_by_more_than_a_level_says_so(name: str) -> None:
    assert furthest(SAID[name]) > 1
    assert T.from_albumentations(SAID[name]).differences


def test_a_compressed_image_has_red_and_blue_exchanged_in_the_encoder() -> None:
    peer = A.ImageCompression(quality_range=(60, 60), p=1)
    converted, image = T.from_albumentations(peer), IMAGES[0]
    exchanged = converted(np.ascontiguousarray(image[..., ::-1])).flip(0)
    theirs = torch.from_numpy(peer(image=image)["image"].copy()).permute(2, 0, 1)
    assert float((theirs.double() - exchanged).abs().mean()) < 0.5
    assert "red for blue" in converted.differences[0].text


def test_a_stored_pipeline_is_that_of_its_objects() -> None:
    pipeline = A.Compose(
        [A.RandomCrop(16, 16), A.OneOf([A.HorizontalFlip(p=1), A.Rotate((5, 9), p=0.5)], p=0.3), A.Normalize()],
        bbox_params=A.BboxParams("coco", min_area=3),
    )
    assert T.from_albumentations(A.to_dict(pipeline)) == T.from_albumentations(pipeline)
    assert T.from_albumentations(pipeline)(IMAGES[0]).shape == (3, 16, 16)
