"""Each capability by what it means, on models that have learned handwritten digits or bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from augsynth_vae import NVAE, BetaVAE, ConditionalVAE
from augsynth_vae.coding import CodingGenerator
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.data import load_dataset
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.evaluate import Classifier, train_classifier


@pytest.fixture(scope="module")
def digits() -> TensorDataset:
    """The 1,797 digits of scikit-learn, 1x8x8."""
    items = load_dataset("digits")
    images = torch.from_numpy(np.moveaxis(items.images, 3, 1).copy())
    return TensorDataset(images, torch.as_tensor(items.labels))


@pytest.fixture(scope="module")
def judge(digits: TensorDataset) -> Classifier:
    """A classifier that knows real digits."""
    return train_classifier(*digits.tensors, steps=200)


@pytest.fixture(scope="module")
def fitted(digits: TensorDataset) -> dict[str, CodingGenerator]:
    """Models by name."""
    models: dict[str, CodingGenerator] = {
        "beta-vae": BetaVAE.configure(width=8, latent=8, beta=0.3, learning_rate=5e-3),
        "cvae": ConditionalVAE.configure(width=8, latent=8, flow=2, learning_rate=5e-3),
        "nvae": NVAE.configure(width=8, latent=2, levels=1, likelihood="bernoulli", beta=0.5),
    }
    for generator in models.values():
        generator.fit(digits, steps=200, batch_size=32, device="cpu", progress=False)
    return models


@pytest.fixture(params=["beta-vae", "cvae", "nvae"])
def generator(request: pytest.FixtureRequest, fitted: dict[str, CodingGenerator]) -> CodingGenerator:
    model: CodingGenerator = fitted[request.param]
    return model


@pytest.fixture
def images(digits: TensorDataset) -> Tensor:
    some: Tensor = digits.tensors[0][:100]
    return some


@pytest.fixture
def labels(digits: TensorDataset) -> Tensor:
    some: Tensor = digits.tensors[1][:100]
    return some


def known(generator: CodingGenerator, labels: Tensor) -> dict[str, Any]:
    """Return the classes as an argument, for a model that has classes."""
    return {"labels": labels} if generator.num_classes else {}


def distance(a: Tensor, b: Tensor) -> Tensor:
    return (a.float() - b.float()).abs().flatten(1).mean(1)


def ink(images: Tensor) -> Tensor:
    return images.float().flatten(1).mean(1)


def test_codes_keep_the_digit(generator: CodingGenerator, judge: Classifier, images: Tensor, labels: Tensor) -> None:
    codes = generator.encode(images, **known(generator, labels))
    decoded = generator.decode(codes, **known(generator, labels)).images
    assert (judge.predict(decoded) == labels.numpy()).mean() > 0.8
    # Nearer to its own image than to another one.
    assert (distance(decoded, images) < distance(decoded, images.roll(1, 0))).float().mean() > 0.85


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_a_way_leads_from_one_reconstruction_to_the_other(
    generator: CodingGenerator, images: Tensor, labels: Tensor, path: str
) -> None:
    classes = known(generator, labels[:9])
    a, b = images[:9], images[9:18]
    way = generator.interpolate(a, b, 5, path=path, **classes)
    ends = [generator.decode(generator.encode(part, **classes), **classes).images for part in (a, b)]
    assert torch.equal(way[:, 0], ends[0])
    assert torch.equal(way[:, -1], ends[1])
    # Each step leads away from the first image.
    travelled = torch.stack([distance(way[:, 0], way[:, k]).mean() for k in range(5)])
    assert (travelled.diff() > 0).all()


def test_a_blend_lies_between_its_images(generator: CodingGenerator, images: Tensor, labels: Tensor) -> None:
    classes = known(generator, labels[:9])
    pairs = torch.stack([images[:9], images[9:18]], dim=1)
    first, last = (generator.blend(pairs, weights, **classes).images for weights in ([1, 0], [0, 1]))
    middle = generator.blend(pairs, [1, 1], **classes).images
    assert torch.equal(first, generator.decode(generator.encode(images[:9], **classes), **classes).images)
    assert (distance(middle, first).mean() < distance(first, last).mean()) & (
        distance(middle, last).mean() < distance(first, last).mean()
    )


def test_an_edit_changes_the_ink_and_not_the_digit(
    generator: CodingGenerator, judge: Classifier, digits: TensorDataset, images: Tensor, labels: Tensor
) -> None:
    everything, classes = digits.tensors
    median = torch.stack([ink(everything[classes == k]).median() for k in range(10)])
    heavy = ink(everything) > median[classes]
    generator.learn_attribute("heavy", everything, heavy, labels=classes if generator.num_classes else None)
    plain, more, less = (
        generator.edit(images, "heavy", strength, **known(generator, labels)).images for strength in (0.0, 1.0, -1.0)
    )
    assert (ink(more) > ink(plain)).float().mean() > 0.9
    assert (ink(less) < ink(plain)).float().mean() > 0.9
    kept = (judge.predict(plain) == labels.numpy()).mean()
    assert (judge.predict(more) == labels.numpy()).mean() > kept - 0.15


def test_a_variation_leaves_its_image_evenly(generator: CodingGenerator, images: Tensor, labels: Tensor) -> None:
    classes = known(generator, labels)
    plain = generator.decode(generator.encode(images, **classes), **classes).images
    moved = [
        distance(generator.vary(images, s, **classes, seed=1).images, plain).mean()
        for s in (0.01, 0.25, 0.5, 0.75, 1.0)
    ]
    assert moved[0] < 0.1 * moved[-1]
    # No quarter of the range makes more than half of the change.
    steps = torch.stack(moved).diff() / moved[-1]
    assert (steps > 0.03).all()
    assert (steps < 0.5).all()


def test_a_full_variation_has_nothing_of_its_image(generator: CodingGenerator, images: Tensor, labels: Tensor) -> None:
    classes = known(generator, labels)
    one, other = (generator.vary(source, 1.0, **classes, seed=3).images for source in (images, images.roll(7, 0)))
    assert (one.int() - other.int()).abs().max() <= 1
    assert not torch.equal(one, generator.vary(images, 1.0, **classes, seed=4).images)


@pytest.mark.parametrize("wrong", [{"strength": 0.0}, {"strength": 1.1}, {}, {"strength": 0.5, "guidance": 1.0}])
def test_a_wrong_variation_is_refused(
    fitted: dict[str, CodingGenerator], images: Tensor, wrong: dict[str, Any]
) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError), match=r"strength|guidance"):
        fitted["beta-vae"].vary(images, **wrong)


@pytest.mark.parametrize("name", ["cvae", "nvae"])
def test_a_translation_shows_the_other_class(
    name: str, fitted: dict[str, CodingGenerator], judge: Classifier, images: Tensor, labels: Tensor
) -> None:
    to = (labels + 1) % 10
    translated = fitted[name].translate(images, to, labels=labels)
    assert translated.labels is not None
    assert torch.equal(translated.labels, to)
    assert (judge.predict(translated.images) == to.numpy()).mean() > 0.7


def test_a_refined_image_has_a_higher_score(generator: CodingGenerator, images: Tensor, labels: Tensor) -> None:
    def right_half(pictures: Tensor) -> Tensor:
        return pictures[..., 4:].mean((1, 2, 3))

    classes = known(generator, labels[:20])
    plain = generator.decode(generator.encode(images[:20], **classes), **classes).images
    refined = generator.refine(images[:20], right_half, 10, **classes).images
    assert (right_half(refined.float()) > right_half(plain.float())).float().mean() > 0.9


def test_a_conditional_model_asks_for_the_classes(fitted: dict[str, CodingGenerator], images: Tensor) -> None:
    for name in ("cvae", "nvae"):
        with pytest.raises(ArgumentError, match="needs the classes"):
            fitted[name].encode(images)
