"""Bad input is refused in words: what came, what was expected. Good input of every kind gives one picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from augsynth import transforms as T
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError

IMAGE = np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)
IDENTITY = T.Compose([])


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: T.RandomHorizontalFlip(1.5), r"p must be in \[0, 1\], got 1.5"),
        (lambda: T.RandomRotation(-3), "degrees must be"),
        (lambda: T.RandomRotation((5, -5)), "lowest, highest"),
        (lambda: T.RandomRotation(5, "lanczos"), "nearest, bilinear, bicubic, got 'lanczos'"),
        (lambda: T.RandomRotation(5, border="mirror"), "constant, replicate"),
        (lambda: T.RandomRotation(float("nan")), "finite"),
        (lambda: T.RandomAffine(5, translate=(0.1,)), "translate must have 2"),
        (lambda: T.RandomAffine(5, scale=(0, 1)), "scale must be greater than 0"),
        (lambda: T.RandomShear(90), "-90, 90"),
        (lambda: T.RandomCrop(0), "at least 1"),
        (lambda: T.RandomCrop((1, 2, 3)), "height, width"),
        (lambda: T.Pad((1, 2, 3)), "2 or 4"),
        (lambda: T.Resize((4, 4), max_size=9), "max_size needs"),
        (lambda: T.Resize(8, max_size=8), "greater than size"),
        (lambda: T.RandomResizedCrop(4, scale=(0, 1)), "scale must be greater"),
        (lambda: T.GaussianNoise(sigma=-1), "sigma must be"),
        (lambda: T.UniformNoise(0.2, (0.1, 0.3)), "low must not be above high"),
        (lambda: T.SaltAndPepperNoise(1.5), r"amount must be in \[0, 1\]"),
        (lambda: T.SaltAndPepperNoise(0.1, (0.5, 1.5)), r"salt_vs_pepper\[1\] must be in \[0, 1\]"),
        (lambda: T.PoissonNoise(0), "photons must be finite and at least 1e-06"),
        (lambda: T.SpeckleNoise(sigma=-0.1), "sigma must be"),
        (lambda: T.Normalize([0.5], [0.0]), "std must be greater than 0"),
        (lambda: T.Normalize(0.5, 0.0), "std must be greater than 0"),
        (lambda: T.ToDtype("int32"), "uint8, uint16, float32"),
    ],
)
def test_parameters_out_of_range(build: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: T.RandomHorizontalFlip("often"),
        lambda: T.RandomCrop(2.5),
        lambda: T.RandomRotation(5, expand="yes"),
        lambda: T.GaussianNoise(sigma=None),
        lambda: T.RandomRotation(5, interpolation={}),
        lambda: T.Resize(8, antialias=1),
        lambda: T.Compose([lambda image: image]),
    ],
)
def test_parameters_of_the_wrong_type(build: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"must be|must have"):
        build()


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("photo.jpg", "NumPy array, a torch tensor or a PIL image, got str"),
        (np.zeros((4, 4), np.float64), "uint8, uint16 or float32, got float64"),
        (np.zeros((4, 4), ">u2"), "got >u2"),
        (torch.zeros(3, 4, 4, dtype=torch.float16), "got torch.float16"),
        (np.zeros((4, 4, 17), np.uint8), "17 channels"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (np.zeros((4, 4, 0), np.uint8), "0 channels"),
        (np.zeros((2, 4, 4, 3), np.uint8), "shape"),
        (torch.zeros(64, 64, 3), "64 channels.*read as .C, H, W."),
    ],
)
def test_images_that_are_none(image: Any, words: str) -> None:
    with pytest.raises(AugsynthError, match=words):
        IDENTITY(image)


def test_every_kind_of_image_gives_the_same_picture(isa: str) -> None:
    image = pytest.importorskip("PIL.Image")
    expected = torch.from_numpy(IMAGE).permute(2, 0, 1)
    for same in (IMAGE, expected, image.fromarray(IMAGE), np.asfortranarray(IMAGE), expected.clone().contiguous()):
        assert torch.equal(IDENTITY(same), expected)
    assert torch.equal(IDENTITY(image.fromarray(IMAGE[..., 0])), expected[:1])
    assert torch.equal(IDENTITY(IMAGE[..., 0]), expected[:1])
    with pytest.raises(ArgumentTypeError, match="mode 'P'"):
        IDENTITY(image.fromarray(IMAGE).convert("P"))


def test_batches_of_every_kind_agree(isa: str) -> None:
    stack = np.stack([IMAGE, IMAGE[::-1]])
    expected = torch.from_numpy(stack).permute(0, 3, 1, 2)
    for same in (stack, list(stack), tuple(stack), expected, list(expected)):
        assert torch.equal(IDENTITY.batch(same), expected)


def test_out_is_written_and_returned() -> None:
    out = torch.zeros(1, 3, 6, 8, dtype=torch.uint8)
    assert IDENTITY.batch([IMAGE], out=out) is out
    assert torch.equal(out[0], torch.from_numpy(IMAGE).permute(2, 0, 1))
    with pytest.raises(ArgumentError, match="out must be a tensor of shape"):
        IDENTITY.batch([IMAGE], out=torch.zeros(1, 3, 6, 7, dtype=torch.uint8))


def test_out_may_not_share_memory_with_an_image() -> None:
    image = torch.from_numpy(IMAGE).permute(2, 0, 1).contiguous()
    with pytest.raises(AugsynthError, match="memory"):
        IDENTITY.batch([image], out=image[None])


def test_batches_that_do_not_fit_together() -> None:
    with pytest.raises(ArgumentError, match="sizes differ"):
        IDENTITY.batch([IMAGE, IMAGE[:3]])
    with pytest.raises(ArgumentError, match="channel counts differ"):
        IDENTITY.batch([IMAGE, IMAGE[..., :1]])
    with pytest.raises(ArgumentTypeError, match="one dtype"):
        IDENTITY.batch([IMAGE, IMAGE.astype(np.float32)])
    with pytest.raises(ArgumentError, match="at least one image"):
        IDENTITY.batch([])


def test_what_does_not_fit_an_image() -> None:
    with pytest.raises(ArgumentError, match="7x7 does not fit into an image of 6x8"):
        T.RandomCrop(7)(IMAGE)
    with pytest.raises(ArgumentError, match=r"fill has 2 values.*3 channels"):
        T.Pad(1, fill=(1, 2))(IMAGE)
    with pytest.raises(ArgumentError, match=r"fill must be in \[0, 255\] for uint8"):
        T.Pad(1, fill=256)(IMAGE)
    with pytest.raises(ArgumentError, match="mean has 4 values"):
        T.Normalize([0.5] * 4, [0.5] * 4)(IMAGE)


def test_shapes_are_checked() -> None:
    with pytest.raises(ArgumentError, match=r"shapes\[1\]"):
        IDENTITY.plan([(4, 4), (4,)], [(0, 0, 0), (0, 0, 1)])
