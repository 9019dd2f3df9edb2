"""Converted transforms beside torchvision's own, pixel by pixel, over 200 drawn images of drawn sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from augsynth import transforms as T

V = pytest.importorskip("torchvision.transforms.v2", reason="torchvision is not installed")
BILINEAR, BICUBIC, EXACT = (V.InterpolationMode(name) for name in ("bilinear", "bicubic", "nearest-exact"))


def drawn(count: int) -> list[torch.Tensor]:
    """Smooth colour images, every second one with noise, uint8 (3, H, W) of 24 to 80 pixels a side."""
    rng = np.random.default_rng(0)
    images = []
    for number in range(count):
        grid = torch.from_numpy(rng.integers(0, 256, (1, 3, 6, 7)).astype(np.float32))
        smooth = F.interpolate(grid, size=tuple(rng.integers(24, 81, 2).tolist()), mode="bicubic")[0]
        noise = 25 * (number % 2) * torch.from_numpy(rng.normal(size=smooth.shape)).float()
        images.append((smooth + noise).clamp(0, 255).round().to(torch.uint8))
    return images


IMAGES = drawn(200)

EQUAL: dict[str, Any] = {
    "centre crop": V.CenterCrop((20, 25)),
    "larger centre crop": V.CenterCrop((90, 91)),
    "pad": V.Pad((1, 2, 3, 4), fill=7),
    "pad, reflect": V.Pad(5, padding_mode="reflect"),
    "pad, symmetric": V.Pad(5, padding_mode="symmetric"),
    "pad, edge": V.Pad((3, 4), padding_mode="edge"),
    "horizontal flip": V.RandomHorizontalFlip(1.0),
    "vertical flip": V.RandomVerticalFlip(1.0),
    "nearest rotation": V.RandomRotation((17, 17)),
    "nearest shear": V.RandomAffine((10, 10), shear=(12, 12)),
    "invert": V.RandomInvert(1.0),
    "posterise": V.RandomPosterize(3, 1.0),
    "solarise": V.RandomSolarize(128, 1.0),
    "sharpen": V.RandomAdjustSharpness(2, 1.0),
    "equalise": V.RandomEqualize(1.0),
    "JPEG": V.JPEG((60, 60)),
}
ONE_LEVEL: dict[str, Any] = {
    "resize": V.Resize((40, 52)),
    "shorter side": V.Resize(31),
    "shorter side with a limit": V.Resize(60, max_size=61),
    "longer side": V.Resize(None, max_size=33),
    "without antialias": V.Resize((20, 30), antialias=False),
    "brightness": V.ColorJitter(brightness=(1.3, 1.3)),
    "contrast": V.ColorJitter(contrast=(0.6, 0.6)),
    "saturation": V.ColorJitter(saturation=(1.4, 1.4)),
    "grey of three channels": V.RandomGrayscale(1.0),
    "grey of one channel": V.Grayscale(1),
    "autocontrast": V.RandomAutocontrast(1.0),
    "blur": V.GaussianBlur((5, 3), (1.2, 1.2)),
}
INSIDE: dict[str, Any] = {
    "rotation": V.RandomRotation((-33, -33), BILINEAR, fill=99),
    "rotation about a point": V.RandomRotation((25, 25), BILINEAR, center=(5, 9)),
    "affine rotation": V.RandomAffine((17, 17), interpolation=BILINEAR),
    "affine scale": V.RandomAffine((17, 17), scale=(1.3, 1.3), interpolation=BILINEAR),
    "affine, smaller": V.RandomAffine((0, 0), scale=(0.6, 0.6), interpolation=BILINEAR),
    "affine shear": V.RandomAffine((10, 10), shear=(12, 12, -7, -7), interpolation=BILINEAR),
}


def distances(transform: Any) -> list[torch.Tensor]:
    """Absolute differences in levels, of each image."""
    converted = T.from_torchvision(transform)
    return [(transform(image).double() - converted(image).double()).abs() for image in IMAGES]


@pytest.mark.parametrize("name", EQUAL)
def test_pixels_are_equal(name: str) -> None:
    assert max(float(found.max()) for found in distances(EQUAL[name])) == 0
    assert T.from_torchvision(EQUAL[name]).differences == ()


@pytest.mark.parametrize("name", ONE_LEVEL)
def test_pixels_are_within_a_level(name: str) -> None:
    assert max(float(found.max()) for found in distances(ONE_LEVEL[name])) <= 1
    assert T.from_torchvision(ONE_LEVEL[name]).differences == ()


@pytest.mark.parametrize("name", INSIDE)
def test_moved_images_are_within_a_level_but_for_their_outermost_pixels(name: str) -> None:
    """The outermost pixels differ by (w − w²) of their distance from the fill, at most a quarter."""
    found = torch.cat([each.flatten() for each in distances(INSIDE[name])])
    assert float((found > 1).double().mean()) < 0.05
    assert float(found.max()) <= 64
    assert "outermost pixels" in T.from_torchvision(INSIDE[name]).differences[0].text


def test_nearest_resizing_differs_where_a_centre_lies_between_two_pixels() -> None:
    """torch computes places in float32, and so takes the other pixel in a column or row."""
    shares = [float((found > 0).double().mean()) for found in distances(V.Resize((20, 70), EXACT))]
    assert max(shares) <= 1 / 20
    assert sum(share > 0 for share in shares) <= len(IMAGES) / 10


def test_bicubic_differs_where_it_overshoots() -> None:
    transform = V.Resize((20, 70), BICUBIC)
    found = torch.cat([each.flatten() for each in distances(transform)])
    assert float(found.max()) <= 8
    assert float((found > 1).double().mean()) < 0.01
    assert "overshoots" in T.from_torchvision(transform).differences[0].text


def test_hue_differs_as_it_says() -> None:
    found = torch.cat([each.flatten() for each in distances(V.ColorJitter(hue=(0.1, 0.1)))])
    assert 1 < float(found.max()) <= 110
    assert "hue" in T.from_torchvision(V.ColorJitter(hue=0.1)).differences[0].text


def corner(converted: T.Compose, image: torch.Tensor, key: tuple[int, int, int]) -> tuple[Any, torch.Tensor]:
    """Map of the drawn window, and its pixels."""
    plan = converted.plan([(*image.shape[1:], 3)], [key])
    return plan.matrices()[0], converted(image, key=key)


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric", "edge"])
def test_drawn_crops_are_those_of_torchvision_at_the_same_place(mode: str) -> None:
    crop = V.RandomCrop(20, padding=4, padding_mode=mode)
    converted = T.from_torchvision(crop)
    for number, image in enumerate(IMAGES):
        found, pixels = corner(converted, image, (0, 0, number))
        left, top = int(found[0, 2]) + 4, int(found[1, 2]) + 4
        padded = V.functional.pad(image, [4], padding_mode=mode)
        torch.testing.assert_close(pixels, V.functional.crop(padded, top, left, 20, 20), rtol=0, atol=0)


def test_drawn_resized_crops_are_those_of_torchvision_but_for_their_edges() -> None:
    converted = T.from_torchvision(V.RandomResizedCrop(16))
    for number, image in enumerate(IMAGES):
        found, pixels = corner(converted, image, (0, 0, number))
        left, top, width, height = found[0, 2], found[1, 2], 16 * found[0, 0], 16 * found[1, 1]
        window = [round(float(value)) for value in (top, left, height, width)]
        expected = V.functional.resized_crop(image, *window, [16, 16], antialias=True)
        away = (expected.double() - pixels.double()).abs()[:, 3:-3, 3:-3]
        assert float(away.max()) <= 1


def published(name: str) -> Callable[[], Any]:
    """Pipelines as torchvision's own documentation and training references write them."""
    return {
        "getting started": lambda: V.Compose(
            [
                V.RandomResizedCrop(size=(224, 224), antialias=True),
                V.RandomHorizontalFlip(p=0.5),
                V.ToDtype(torch.float32, scale=True),
                V.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
            ]
        ),
        "training reference": lambda: V.Compose(
            [
                V.RandomResizedCrop(176, interpolation=BILINEAR, antialias=True),
                V.RandomHorizontalFlip(0.5),
                V.TrivialAugmentWide(interpolation=BILINEAR),
                V.PILToTensor(),
                V.ToDtype(torch.float, scale=True),
                V.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
                V.RandomErasing(p=0.1),
                V.ToPureTensor(),
            ]
        ),
        "evaluation": lambda: V.Compose(
            [V.Resize(232, antialias=True), V.CenterCrop(224), V.PILToTensor(), V.ToDtype(torch.float, scale=True)]
        ),
    }[name]


@pytest.mark.parametrize("name", ["getting started", "training reference", "evaluation"])
def test_published_pipelines_convert(name: str) -> None:
    peer = published(name)()
    image = F.interpolate(IMAGES[1][None].float(), size=(300, 260))[0].to(torch.uint8)
    ours, theirs = T.from_torchvision(peer)(image, key=(0, 0, 0)), peer(image)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
