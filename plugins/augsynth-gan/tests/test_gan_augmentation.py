"""Distortions of the discriminator's images: DiffAugment and ADA."""

from __future__ import annotations

import pytest
import torch
from augsynth_gan import R3GAN
from augsynth_gan.augmentation import Augmentation
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.generators import Step
from augsynth.testing import check_generator


def _step(seed: int = 0) -> Step:
    return Step(0, 1, {}, torch.device("cpu"), torch.Generator().manual_seed(seed))


def test_images_are_distorted_alike_for_equal_numbers_and_gradients_pass() -> None:
    augmentation = Augmentation(("affine", "color"), 1.0, None)
    images = torch.linspace(-1, 1, 4 * 3 * 8 * 8).view(4, 3, 8, 8).requires_grad_()
    distorted = augmentation(images, _step())
    assert torch.equal(distorted, augmentation(images, _step()))
    assert not torch.equal(distorted, augmentation(images, _step(1)))
    assert ((distorted - images).flatten(1).abs().amax(1) > 0.05).all()
    torch.autograd.backward(distorted.sum())
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_strength_zero_is_the_images_themselves() -> None:
    images = torch.rand(2, 1, 8, 8)
    assert Augmentation(("affine",), 0.0, None)(images, _step()) is images


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_ada_distorts_with_its_probability(probability: float) -> None:
    augmentation = Augmentation(("affine",), 1.0, 0.6)
    augmentation.probability.fill_(probability)
    images = torch.rand(400, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    changed = (augmentation(images, _step()) != images).flatten(1).any(1).float().mean().item()
    assert abs(changed - probability) < 0.1


def test_probability_follows_the_overfitting() -> None:
    augmentation = Augmentation(("affine",), 1.0, 0.6, images=100)
    sure, unsure = torch.ones(10), torch.tensor([1.0, -1.0] * 5)
    found = []
    for sureness in [sure] * 3 + [unsure] * 2 + [sure] * 12:
        augmentation.adapt(sureness)
        found.append(round(augmentation.probability.item(), 3))
    assert found[:5] == [0.1, 0.2, 0.3, 0.2, 0.1]
    assert found[-1] == 1.0
    for _ in range(12):
        augmentation.adapt(-sure)
    assert augmentation.probability == 0.0


def test_probability_is_saved_only_where_it_changes() -> None:
    assert list(Augmentation(("affine",), 1.0, 0.6).state_dict()) == ["probability"]
    assert list(Augmentation(("affine",), 1.0, None).state_dict()) == []


@pytest.mark.usefixtures("short_descents")
def test_ada_conforms_and_resumes_with_its_probability() -> None:
    options = {"channels": 8, "latent": 8, "augment": 1.0, "target": 0.6, "policy": ["affine", "color"]}
    check_generator(lambda: R3GAN.configure(**options), spawn=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policy": ["twist"]}, "policy must be .*affine.*twist"),
        ({"target": 0.6}, "augment=0 has none"),
        ({"target": 1.0, "augment": 1.0}, "target must be"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        R3GAN.configure(**options)


def test_cutouts_do_not_leak_into_samples() -> None:
    """The discriminator sees a quarter of each image in grey, and no real image has grey pixels: nor have samples."""
    labels = torch.arange(32) % 2
    images = (255 * labels).to(torch.uint8).view(-1, 1, 1, 1).repeat(1, 1, 8, 8)
    generator = R3GAN.configure(channels=8, latent=8, augment=1.0, policy=("cutout",), learning_rate=2e-3)
    generator.fit(TensorDataset(images, labels), steps=100, batch_size=16, progress=False)
    drawn = generator.sample(64).images.float()
    assert ((drawn - 127.5).abs() > 90).float().mean() > 0.95
