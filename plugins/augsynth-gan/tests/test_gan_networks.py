"""Both networks for any image shape: sizes, independence of samples, and a start near the identity."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from augsynth_gan.networks import Discriminator, ImageGenerator, batch_deviation, pyramid, widths
from hypothesis import given, settings
from hypothesis import strategies as st

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 30, 20), (4, 17, 33), (3, 64, 64), (2, 5, 40)]


@pytest.fixture(autouse=True)
def _seeded() -> object:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


@given(st.integers(1, 300), st.integers(1, 300))
def test_pyramid_halves_rounding_up_to_a_coarsest_side_below_eight(height: int, width: int) -> None:
    sizes = pyramid(height, width)
    assert min(sizes[0]) < 8
    assert sizes[-1] == ((-(-height // 2), -(-width // 2)) if min(height, width) >= 16 else (height, width))
    for (low, narrow), (high, wide) in pairwise(sizes):
        assert (low, narrow) == (-(-high // 2), -(-wide // 2))


@pytest.mark.parametrize("levels", [1, 2, 3, 6])
def test_widths_end_at_the_finest(levels: int) -> None:
    counts = widths(levels, 8)
    assert len(counts) == levels
    assert counts[-1] == 8
    assert max(counts) <= 32
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("num_classes", [1, 3])
def test_both_take_any_shape(shape: tuple[int, int, int], num_classes: int) -> None:
    generator = ImageGenerator(shape, num_classes, latent=4, channels=4, blocks=1)
    discriminator = Discriminator(shape, num_classes, channels=4, blocks=2)
    labels = torch.arange(5) % num_classes
    images = generator(torch.randn(5, 4), labels)
    assert images.shape == (5, *shape)
    assert 0.01 < images.std() < 2
    assert discriminator(images, labels).shape == (5,)


@settings(max_examples=10)
@given(st.sampled_from(SHAPES))
def test_every_pixel_reaches_the_logit(shape: tuple[int, int, int]) -> None:
    discriminator = Discriminator(shape, 2, channels=4, blocks=1)
    images = torch.randn(2, *shape, requires_grad=True)
    torch.autograd.backward(discriminator(images, torch.tensor([0, 1])).sum())
    assert images.grad is not None
    assert (images.grad != 0).all()


def test_every_parameter_of_the_discriminator_can_be_penalised() -> None:
    """R1 takes a second derivative through every layer; biases may lack one, as leaky ReLU is linear by pieces."""
    discriminator = Discriminator((1, 17, 20), 3, channels=4, blocks=1)
    for parameter in discriminator.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    images = torch.randn(6, 1, 17, 20, requires_grad=True)
    logits = discriminator(images, torch.arange(6) % 3)
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    torch.autograd.backward(gradient.square().sum())
    lacking = [n for n, p in discriminator.named_parameters() if n.endswith("weight") and p.grad is None]
    assert lacking == []


def test_logits_depend_on_the_class() -> None:
    discriminator = Discriminator((1, 8, 8), 3, channels=4, blocks=1)
    images = torch.randn(1, 1, 8, 8).expand(3, -1, -1, -1)
    assert len(discriminator(images, torch.arange(3)).unique()) == 3


def test_images_depend_on_latent_and_class() -> None:
    generator = ImageGenerator((1, 8, 8), 2, latent=4, channels=4, blocks=1)
    latents = torch.randn(2, 4)[[0, 0, 1]]
    same, other_class, other_latent = generator(latents, torch.tensor([0, 1, 0]))
    assert not torch.equal(same, other_class)
    assert not torch.equal(same, other_latent)


def test_deviation_is_the_mean_of_the_deviations_of_all_features() -> None:
    x = torch.randn(5, 3, 4, 2)
    expected = x.std(0, correction=0).mean().expand(5, 1, 4, 2)
    torch.testing.assert_close(batch_deviation(x), expected)


def test_a_discriminator_with_deviation_sees_a_batch_of_copies() -> None:
    """Without it, the logit of an image does not depend on the others."""
    images, labels = torch.randn(4, 1, 8, 8), torch.zeros(4, dtype=torch.int64)
    for deviation in (False, True):
        discriminator = Discriminator((1, 8, 8), 2, channels=4, blocks=1, deviation=deviation)
        varied = discriminator(images, labels)[0]
        copied = discriminator(images[:1].expand(4, -1, -1, -1), labels)[0]
        assert torch.isclose(varied, copied, rtol=1e-4) != deviation
