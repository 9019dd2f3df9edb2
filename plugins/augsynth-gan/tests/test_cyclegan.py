"""The generator `cyclegan`: the contract, its two domains, and that translations arrive and come back."""

from __future__ import annotations

import math

import pytest
import torch
from augsynth_gan import CycleGAN, CycleGANConfig
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, ArgumentTypeError, DataError
from augsynth.evaluate import train_classifier
from augsynth.generators import NotFittedError, create_generator
from augsynth.testing import check_generator


def _small(**options: object) -> CycleGAN:
    return CycleGAN.configure(**{"channels": 6, "learning_rate": 2e-3, "blocks": 1, "history": 10, **options})


def _bars(count: int, seed: int) -> Tensor:
    """Return bright bars on a dark ground, uint8 (count, 1, 8, 8): each at its own row, of its own brightness."""
    rng = torch.Generator().manual_seed(seed)
    images = torch.full((count, 1, 8, 8), 20, dtype=torch.uint8)
    rows = torch.randint(8, (count,), generator=rng)
    images[torch.arange(count), 0, rows] = torch.randint(180, 256, (count, 1), generator=rng, dtype=torch.uint8)
    return images


def _faded(images: Tensor) -> Tensor:
    """Return images on a grey ground: domain 1."""
    return 120 + images // 2


def _two_domains(count: int = 64) -> TensorDataset:
    """Domain 0 has bars on a dark ground, domain 1 other bars on a grey ground."""
    images = torch.cat([_bars(count, 0), _faded(_bars(count, 1))])
    return TensorDataset(images, torch.arange(2).repeat_interleave(count))


@pytest.fixture(scope="module")
def history() -> list[float]:
    return []


@pytest.fixture(scope="module")
def fitted(history: list[float]) -> CycleGAN:
    generator = _small()
    note = lambda report: history.append(report.metrics["cycle"])  # noqa: E731
    generator.fit(_two_domains(), steps=120, batch_size=16, callbacks=[note], progress=False)
    return generator


def test_conforms() -> None:
    check_generator(_small, dataset=_two_domains(16), spawn=False)


def test_is_registered() -> None:
    assert isinstance(create_generator("cyclegan", channels=8), CycleGAN)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 27, 33), (3, 30, 20), (3, 64, 64), (2, 8, 64)])
def test_translates_odd_shapes(shape: tuple[int, int, int]) -> None:
    images = torch.randint(0, 256, (6, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    generator = _small(channels=4, identity=0.5, sources=3)
    generator.fit(TensorDataset(images, torch.arange(6) % 2), steps=2, batch_size=4, progress=False)
    assert generator.sample(3).images.shape == (3, *shape)
    assert generator.translate(images, 0).images.shape == images.shape


def test_the_cycle_loss_falls(fitted: CycleGAN, history: list[float]) -> None:
    assert sum(history[-20:]) < 0.5 * sum(history[:20])


def test_a_translation_and_back_is_the_image(fitted: CycleGAN) -> None:
    images = _bars(64, seed=2)
    there = fitted.translate(images, 1).images
    error = (fitted.translate(there, 0).images.float() - images.float()).abs().mean()
    assert error < 0.3 * (there.float() - images.float()).abs().mean()


def test_a_domain_classifier_is_fooled_and_the_content_is_kept(fitted: CycleGAN) -> None:
    data = _two_domains()
    judge = train_classifier(*data.tensors, steps=100, seed=0)
    images = _bars(64, seed=2)
    for source, to in ((images, 1), (_faded(images), 0)):
        assert (judge.predict(source) == 1 - to).mean() > 0.9
        translated = fitted.translate(source, to)
        assert translated.labels.tolist() == [to] * 64
        assert (judge.predict(translated.images) == to).mean() > 0.9
        rows, expected = (each.float().mean((1, 3)).argmax(1) for each in (translated.images, images))
        assert (rows == expected).float().mean() > 0.9  # each bar remains in its row


def test_samples_are_translations_of_stored_images(fitted: CycleGAN) -> None:
    stored = fitted.networks["sources"].images
    for domain in (0, 1):
        drawn = fitted.sample(8, labels=domain).images
        possible = fitted.translate(stored[1 - domain, :64], domain).images
        nearest = (drawn[:, None].float() - possible[None].float()).abs().amax((2, 3, 4)).amin(1)
        assert nearest.max() <= 1  # another place in the tile may round to the next level


def test_stored_images_are_training_images_of_their_domain(fitted: CycleGAN) -> None:
    images, labels = _two_domains().tensors
    sources = fitted.networks["sources"]
    for domain in (0, 1):
        known = {bytes(image.numpy()) for image in images[labels == domain]}
        assert sources.stored[domain] > 0
        assert all(bytes(image.numpy()) in known for image in sources.images[domain, : sources.stored[domain]])


def test_images_that_are_in_the_domain_do_not_change(fitted: CycleGAN) -> None:
    images, labels = (tensor[60:68] for tensor in _two_domains().tensors)
    translated = fitted.translate(images, 1, labels=labels).images
    assert torch.equal(translated[labels == 1], images[labels == 1])
    assert torch.equal(translated[labels == 0], fitted.translate(images, 1).images[labels == 0])


def test_the_identity_loss_keeps_images_of_the_domain() -> None:
    changes = []
    for identity in (0.0, 1.0):
        generator = _small(identity=identity)
        generator.fit(_two_domains(), steps=40, batch_size=8, progress=False)
        images = _bars(32, seed=3)
        changes.append(float((generator.translate(images, 0).images.float() - images.float()).abs().mean()))
    assert changes[1] < changes[0] / 2


@pytest.mark.parametrize("classes", [1, 3])
def test_refuses_other_numbers_of_domains_in_words(classes: int) -> None:
    data = TensorDataset(_bars(12, 0), torch.arange(12) % classes)
    with pytest.raises(DataError, match=f"needs a data set of 2 classes, got {classes}"):
        _small().fit(data, steps=1, progress=False)


def test_one_image_a_step_is_enough_and_one_domain_is_not() -> None:
    """A step may meet images of one domain only. Samples need a stored image of the other one."""
    generator = _small()
    generator.fit(_two_domains(8), steps=1, batch_size=1, progress=False)
    with pytest.raises(NotFittedError, match="one domain only"):
        generator.sample(1)
    generator.fit(_two_domains(8), steps=10, batch_size=1, start_from=generator, progress=False)
    assert generator.sample(2).images.shape == (2, 1, 8, 8)


def test_translate_needs_a_domain(fitted: CycleGAN) -> None:
    with pytest.raises(ArgumentTypeError, match="to must be"):
        fitted.translate(_bars(2, 0), None)
    with pytest.raises(ArgumentError, match="labels must lie in 0…1"):
        fitted.translate(_bars(2, 0), 2)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("channels", 0),
        ("blocks", 0),
        ("cycle", -1.0),
        ("cycle", math.nan),
        ("identity", -0.5),
        ("history", 0),
        ("sources", 1),
        ("learning_rate", 0.0),
    ],
)
def test_refuses_options_out_of_range(option: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"{option} must be .*, got"):
        CycleGAN.configure(**{option: value})


def test_every_option_is_described() -> None:
    text = CycleGANConfig.__doc__ or ""
    assert [name for name in CycleGANConfig.__annotations__ if f"        {name}: " not in text] == []
