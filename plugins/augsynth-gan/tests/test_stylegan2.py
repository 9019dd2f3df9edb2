"""The generator `stylegan2`: the contract, its options, that it learns, and the meaning of its capabilities."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from augsynth_gan import StyleGAN2, StyleGAN2Config
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.generators import create_generator, to_signed
from augsynth.testing import check_generator

Halves = Callable[..., TensorDataset]


class _Quick(StyleGAN2):
    """Smaller tiles and shorter descents."""

    tile = 16
    inversion_steps = 60


def _small(**options: object) -> StyleGAN2:
    tiny = {"channels": 8, "latent": 8, "style": 16, "mapping_layers": 2, "path_every": 4}
    return _Quick.configure(**{**tiny, **options})


def _halves(images: Tensor) -> Tensor:
    """Return how much brighter the upper half is than the lower half, (n,), on the scale 0 to 255."""
    half = images.shape[2] // 2
    return images[:, :, :half].float().mean((1, 2, 3)) - images[:, :, half:].float().mean((1, 2, 3))


def _brightness(images: Tensor) -> Tensor:
    return images.float().mean((1, 2, 3))


@pytest.fixture(scope="module")
def data(halves: Halves) -> TensorDataset:
    return halves()


@pytest.fixture(scope="module")
def fitted(data: TensorDataset) -> StyleGAN2:
    generator = _small()
    generator.fit(data, steps=200, batch_size=16, progress=False)
    return generator


def _with(fitted: StyleGAN2, **options: object) -> StyleGAN2:
    """Return a generator of other options with the weights of a fitted one."""
    generator = _small(**options)
    generator.prepare((1, 8, 8), 2, torch.device("cpu"))
    generator.restore(fitted.state())
    return generator


@pytest.mark.parametrize(
    "options", [{}, {"mixing": 0.0, "path": 0.0, "penalty": 0.0, "augment": 0.5}], ids=["default", "other"]
)
def test_conforms(options: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Quick, "inversion_steps", 2)
    check_generator(lambda: _small(**options), spawn=False)


def test_is_registered() -> None:
    assert isinstance(create_generator("stylegan2", channels=8), StyleGAN2)


@pytest.mark.parametrize("shape", [(1, 27, 33), (3, 30, 20), (2, 8, 64)])
def test_draws_odd_shapes(shape: tuple[int, int, int], halves: Halves) -> None:
    generator = _small(channels=4, path_every=1)
    generator.fit(halves(shape=shape), steps=2, batch_size=4, progress=False)
    assert generator.sample(3).images.shape == (3, *shape)


def test_learns_what_tells_two_classes_apart(fitted: StyleGAN2) -> None:
    gaps = _halves(fitted.sample(64).images).view(32, 2)
    assert (gaps[:, 0] > 20).all()
    assert (gaps[:, 1] < -20).all()
    assert _brightness(fitted.sample(64).images).std() > 5


def test_truncation_makes_samples_more_alike(fitted: StyleGAN2) -> None:
    spreads = []
    for truncation in (0.01, 0.5, 1.0):
        generator = _with(fitted, truncation=truncation)
        spreads.append(float(generator.sample(64, labels=0).images.float().std(0).mean()))
    assert spreads == sorted(spreads)
    assert spreads[0] < 0.3 * spreads[2]  # the noise of the layers remains


def test_mean_styles_are_those_of_the_mapping(fitted: StyleGAN2) -> None:
    mapping = fitted.networks["generator"].mapping
    rng = torch.Generator().manual_seed(1)
    for label in (0, 1):
        styles = mapping(torch.randn(500, 8, generator=rng), torch.full((500,), label))
        apart = (mapping.means[0] - mapping.means[1]).norm()
        assert (styles.mean(0) - mapping.means[label]).norm() < 0.3 * apart


def test_codes_give_images_back(fitted: StyleGAN2, data: TensorDataset) -> None:
    images, labels = (tensor[:16] for tensor in data.tensors)
    codes = fitted.encode(images, labels=labels)
    assert codes.shape == (16, fitted.networks["generator"].synthesis.layers, 16)
    error = (fitted.decode(codes, labels=labels).images.float() - images.float()).abs().mean()
    typical = (fitted.decode(torch.zeros_like(codes), labels=labels).images.float() - images.float()).abs().mean()
    assert error < 16
    assert error < typical / 2


def test_interpolation_begins_and_ends_at_reconstructions(fitted: StyleGAN2, data: TensorDataset) -> None:
    images = data.tensors[0]
    order = _brightness(images[::2]).argsort()
    dark, bright = images[::2][order[:3]], images[::2][order[-3:]]
    way = fitted.interpolate(dark, bright, 5, labels=0, path="linear")
    for end, source in ((0, dark), (-1, bright)):
        assert torch.equal(way[:, end], fitted.decode(fitted.encode(source, labels=0), labels=0).images)
    levels = way.float().mean((2, 3, 4))
    assert (levels.diff(dim=1) > 0).all()


def test_an_edit_changes_its_attribute_and_keeps_the_class(fitted: StyleGAN2, data: TensorDataset) -> None:
    images, labels = data.tensors
    fitted.learn_attribute(
        "bright", images, (_brightness(images) > _brightness(images).median()).numpy(), labels=labels
    )
    edits = [fitted.edit(images[:16], "bright", s, labels=labels[:16]).images for s in (-1.0, 0.0, 1.0)]
    darker, same, brighter = (_brightness(edited) for edited in edits)
    assert (darker < same).float().mean() > 0.9
    assert (brighter > same).float().mean() > 0.9
    for edited in edits:
        assert ((_halves(edited) < 0).long() == labels[:16]).float().mean() > 0.9


def test_translation_changes_the_class(fitted: StyleGAN2, data: TensorDataset) -> None:
    images, labels = (tensor[:16] for tensor in data.tensors)
    translated = fitted.translate(images, 1 - labels, labels=labels)
    assert torch.equal(translated.labels, 1 - labels)
    assert ((_halves(translated.images) < 0).long() == 1 - labels).float().mean() > 0.9
    with pytest.raises(ArgumentError, match="labels="):
        fitted.translate(images, 1)


def test_refinement_raises_the_score(fitted: StyleGAN2, data: TensorDataset) -> None:
    images, labels = (tensor[:8] for tensor in data.tensors)
    scores = [fitted.refine(images, lambda x: x.mean((1, 2, 3)), steps, labels=labels).images for steps in (1, 10)]
    before = fitted.decode(fitted.encode(images, labels=labels), labels=labels).images
    assert (_brightness(scores[1]) > _brightness(before) + 5).all()


def test_mixed_styles_are_those_of_both_images(fitted: StyleGAN2, data: TensorDataset) -> None:
    images = data.tensors[0][::2][:6]
    layers = fitted.networks["generator"].synthesis.layers
    again = fitted.decode(fitted.encode(images, labels=0), labels=0).images
    assert torch.equal(fitted.mix_styles(images, images.flip(0), layers, labels=0).images, again)
    assert torch.equal(fitted.mix_styles(images, images.flip(0), 0, labels=0).images, again.flip(0))
    between = fitted.mix_styles(images, images.flip(0), 1, labels=0).images
    assert not torch.equal(between, again)
    with pytest.raises(ArgumentError, match="layer"):
        fitted.mix_styles(images, images, layers + 1)


def test_the_penalty_keeps_the_discriminator_flat(data: TensorDataset) -> None:
    images, labels = to_signed(data.tensors[0]).requires_grad_(), data.tensors[1]
    steepness = []
    for penalty in (0.0, 10.0):
        generator = _small(penalty=penalty, penalty_every=2, path=0.0)
        generator.fit(data, steps=60, batch_size=16, progress=False)
        logits = generator.networks["discriminator"](images, labels)
        (gradients,) = torch.autograd.grad(logits.sum(), images)
        steepness.append(float(gradients.square().sum()))
    assert steepness[1] < steepness[0] / 3


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("style", 0),
        ("mapping_layers", 0),
        ("channels", 0),
        ("blocks", 0),
        ("mixing", 1.5),
        ("truncation", 0.0),
        ("path", -1.0),
        ("path", math.nan),
        ("path_every", 0),
        ("penalty_every", 0),
    ],
)
def test_refuses_options_out_of_range(option: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"{option} must be .*, got"):
        StyleGAN2.configure(**{option: value})


def test_every_option_is_described() -> None:
    text = StyleGAN2Config.__doc__ or ""
    own = StyleGAN2Config.__annotations__
    assert [name for name in own if f"        {name}: " not in text] == []
