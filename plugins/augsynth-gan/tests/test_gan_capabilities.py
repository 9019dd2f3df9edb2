"""Capabilities of GANs by what they mean, on two classes that vary in brightness."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from augsynth_gan import R3GAN
from augsynth_gan.inversion import invert
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError

Halves = Callable[..., TensorDataset]


def _gap(images: Tensor) -> Tensor:
    """Compute how much brighter the upper half is: above 0 for class 0, below 0 for class 1."""
    values = images.float()
    return values[:, :, :4].mean((1, 2, 3)) - values[:, :, 4:].mean((1, 2, 3))


def _brightness(images: Tensor) -> Tensor:
    return images.float().mean((1, 2, 3))


class _Quick(R3GAN):
    """Smaller tiles and shorter descents."""

    tile = 24
    inversion_steps = 60


@pytest.fixture(scope="module")
def gan(halves: Halves) -> _Quick:
    generator = _Quick.configure(channels=8, latent=4, learning_rate=2e-3, decay=0.99)
    generator.fit(halves(128), steps=250, batch_size=32, progress=False)
    return generator


@pytest.fixture(scope="module")
def unseen(halves: Halves) -> tuple[Tensor, Tensor]:
    images, labels = halves(24, seed=1).tensors
    return images, labels


@pytest.mark.parametrize("steps", [0, 100])
def test_inversion_of_a_linear_generator_is_least_squares(steps: int) -> None:
    rng = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(16, 3, generator=rng))[0].T
    truth = torch.randn(5, 3, generator=rng)
    starts = torch.randn(4, 5, 3, generator=rng)
    images = (truth @ basis).view(5, 1, 4, 4)
    found = invert(lambda codes: (codes @ basis).view(-1, 1, 4, 4), images, starts, steps=steps, prior=0.0)
    nearest = torch.cdist(truth[:, None], starts.transpose(0, 1)).amin((1, 2))
    distance = (found - truth).norm(dim=1)
    torch.testing.assert_close(distance, nearest if steps == 0 else torch.zeros(5), atol=0.02, rtol=1e-4)


def test_reconstructions_have_class_and_brightness_of_their_images(gan: R3GAN, unseen: tuple[Tensor, Tensor]) -> None:
    images, labels = unseen
    codes = gan.encode(images, labels=labels)
    assert codes.shape == (24, 4)
    drawn = gan.decode(codes, labels=labels).images
    assert torch.equal(_gap(drawn) > 0, labels == 0)
    errors = (_brightness(drawn) - _brightness(images)).abs()
    spread = _brightness(images).std()
    assert errors.median() < spread / 3


def test_code_of_an_image_depends_on_neither_its_position_nor_its_neighbours(
    gan: R3GAN, unseen: tuple[Tensor, Tensor]
) -> None:
    images, labels = unseen
    codes, turned = (gan.encode(x, labels=y) for x, y in ((images, labels), (images.flip(0), labels.flip(0))))
    torch.testing.assert_close(codes, turned.flip(0), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(codes[5:8], gan.encode(images[5:8], labels=labels[5:8]), atol=1e-3, rtol=1e-3)


def test_encoding_needs_the_class(gan: R3GAN, unseen: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(ArgumentError, match="needs the classes"):
        gan.encode(unseen[0])


@pytest.mark.parametrize("path", ["spherical", "linear"])
def test_ways_begin_and_end_at_reconstructions(gan: R3GAN, unseen: tuple[Tensor, Tensor], path: str) -> None:
    images, labels = unseen
    a, b, classes = images[:8:2], images[8:16:2], labels[:8:2]
    ways = gan.interpolate(a, b, 5, labels=classes, path=path)
    for end, source in ((0, a), (-1, b)):
        drawn = gan.decode(gan.encode(source, labels=classes), labels=classes).images
        assert torch.equal(ways[:, end], drawn)
    assert (_gap(ways.flatten(0, 1)) > 0).all()


def test_blends_lie_between(gan: R3GAN, unseen: tuple[Tensor, Tensor]) -> None:
    images, _ = unseen
    even = images[::2][_brightness(images[::2]).argsort()]
    pair = torch.stack([even[:3], even[-3:]], dim=1)
    low, middle, high = (_brightness(gan.blend(pair, w, labels=0).images) for w in ([1, 0], [1, 1], [0, 1]))
    assert (low < middle).all()
    assert (middle < high).all()


def test_edit_changes_brightness_and_not_the_class(gan: R3GAN, unseen: tuple[Tensor, Tensor], halves: Halves) -> None:
    images, labels = unseen
    known, classes = halves(64, seed=2).tensors
    gan.learn_attribute("bright", known, (_brightness(known) > _brightness(known).median()).numpy(), labels=classes)
    darker, same, brighter = (gan.edit(images, "bright", strength, labels=labels).images for strength in (-1, 0, 1))
    assert torch.equal(same, gan.decode(gan.encode(images, labels=labels), labels=labels).images)
    assert _brightness(brighter).mean() > _brightness(same).mean() + 10
    assert _brightness(darker).mean() < _brightness(same).mean() - 10
    for edited in (darker, brighter):
        assert torch.equal(_gap(edited) > 0, labels == 0)


def test_translation_changes_the_class(gan: R3GAN, unseen: tuple[Tensor, Tensor]) -> None:
    images, labels = unseen
    translated = gan.translate(images, 1 - labels, labels=labels)
    assert torch.equal(_gap(translated.images) > 0, labels == 1)
    assert torch.equal(translated.labels, 1 - labels)


def test_refinement_raises_the_score(gan: R3GAN, unseen: tuple[Tensor, Tensor]) -> None:
    images, labels = unseen
    before = gan.decode(gan.encode(images, labels=labels), labels=labels).images
    after = gan.refine(images, lambda x: x.mean((1, 2, 3)), 10, labels=labels).images
    assert (_brightness(after) >= _brightness(before) - 0.5).all()
    assert _brightness(after).mean() > _brightness(before).mean() + 10
