"""DiffAugment: what each policy does, that keys decide it, and that networks train through it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.transforms.diff_augment import POLICIES, _Numbers

KEYS = [(7, 1, index) for index in range(4)]
ALL = T.DiffAugment(POLICIES)
policies = st.lists(st.sampled_from(POLICIES), unique=True).map(tuple)
seeds = st.integers(0, 2**32 - 1)


def _images(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype) * 2 - 1


def _uniform(count: int = 1, **chosen: float) -> torch.Tensor:
    """Numbers that do nothing but what is chosen: the middle of each range, no flip, the cutout in the middle."""
    neutral = torch.full((count, T.DiffAugment.numbers), 0.5, dtype=torch.float64)
    for name, value in chosen.items():
        neutral[:, _Numbers._fields.index(name)] = value
    return neutral


@given(policies, seeds, st.integers(1, 4), st.integers(2, 12), st.integers(2, 12))
def test_zero_strength_changes_nothing(policy: tuple[str, ...], seed: int, channels: int, h: int, w: int) -> None:
    images = _images(3, channels, h, w, seed=seed)
    torch.testing.assert_close(T.DiffAugment(policy, 0.0)(images), images, rtol=0, atol=1e-12)


@given(policies, seeds)
def test_an_image_does_not_know_its_batch(policy: tuple[str, ...], seed: int) -> None:
    images, augment = _images(4, 3, 7, 9, seed=seed), T.DiffAugment(policy)
    together = augment(images, keys=KEYS)
    alone = torch.cat([augment(images[i : i + 1], keys=KEYS[i : i + 1]) for i in range(4)])
    assert torch.equal(together, alone)
    assert torch.equal(together, augment(images, uniform=augment.draw(KEYS)))


@given(policies)
def test_a_policy_draws_the_same_beside_any_others(policy: tuple[str, ...]) -> None:
    """Colours after geometry, cutout after colours: whoever leaves the others out sees the same parameters."""
    images = _images(4, 1, 8, 8)
    moved = T.DiffAugment([one for one in policy if one not in ("color", "cutout")], border="wrap")(images, keys=KEYS)
    coloured = T.DiffAugment([one for one in policy if one == "color"])(moved, keys=KEYS)
    cut = T.DiffAugment([one for one in policy if one == "cutout"])(coloured, keys=KEYS)
    torch.testing.assert_close(cut, T.DiffAugment(policy, border="wrap")(images, keys=KEYS), rtol=0, atol=1e-12)


@given(policies, st.floats(0, 1))
def test_the_scale_of_the_images_does_not_matter(policy: tuple[str, ...], strength: float) -> None:
    images = _images(4, 3, 6, 5)
    signed = T.DiffAugment(policy, strength)(images, keys=KEYS)
    positive = T.DiffAugment(policy, strength, value_range=(0, 255))((images + 1) * 127.5, keys=KEYS)
    torch.testing.assert_close((signed + 1) * 127.5, positive, rtol=1e-10, atol=1e-9)


def test_torchs_generator_decides_without_keys() -> None:
    images = _images(4, 3, 8, 8)
    torch.manual_seed(3)
    first, second = ALL(images), ALL(images)
    torch.manual_seed(3)
    assert torch.equal(first, ALL(images))
    assert not torch.equal(first, second)


def test_flips_left_and_right_half_of_the_time() -> None:
    images, augment = _images(1, 2, 4, 5), T.DiffAugment(["flip"])
    assert torch.equal(augment(images, uniform=_uniform(flip=0.49)), images.flip(-1))
    assert torch.equal(augment(images, uniform=_uniform(flip=0.51)), images)


@pytest.mark.parametrize("number", [0.0, 0.3, 0.9999])
def test_translates_by_whole_pixels_with_grey_outside(number: float) -> None:
    """Up to 1/8 of 16 pixels: one of -2 … 2."""
    images = _images(1, 2, 16, 16)
    moved = T.DiffAugment(["translation"])(images, uniform=_uniform(translate_x=number))
    by = int(number * 5) - 2
    expected = F.pad(images, (2, 2))[..., 2 - by : 18 - by]
    assert torch.equal(moved, expected)


def test_the_affine_map_is_about_the_middle() -> None:
    """A turn of 12 degrees moves a spot as trigonometry says, whatever the sides, and keeps a disc in the middle."""
    x, y = torch.arange(64.0).double() + 0.5 - 32, torch.arange(48.0).double()[:, None] + 0.5 - 24
    disc = torch.exp(-(y**2 + x**2) / 50)[None, None]
    augment = T.DiffAugment(["affine"])
    torch.testing.assert_close(augment(disc, uniform=_uniform(angle=1.0)), disc, rtol=0, atol=0.01)
    spot = torch.exp(-((y + 15) ** 2 + x**2) / 8)[None, None]
    turned = augment(spot, uniform=_uniform(angle=1.0))
    found = (turned * x).sum() / turned.sum(), (turned * y).sum() / turned.sum()
    angle = np.radians(12)
    np.testing.assert_allclose(found, (-15 * np.sin(angle), -15 * np.cos(angle)), atol=0.02)


def test_the_affine_map_shifts_by_up_to_a_tenth() -> None:
    images = _images(1, 2, 10, 10)
    shifted = T.DiffAugment(["affine"], border="replicate")(images, uniform=_uniform(shift_x=1.0))
    torch.testing.assert_close(shifted[..., :-1], images[..., 1:])
    torch.testing.assert_close(shifted[..., -1], images[..., -1])


@given(seeds, st.floats(0, 1))
def test_geometry_invents_no_values(seed: int, strength: float) -> None:
    images = _images(4, 2, 7, 9, seed=seed)
    moved = T.DiffAugment(("flip", "affine", "translation"), strength, border="replicate")(images, keys=KEYS)
    assert moved.min() >= images.min() - 1e-12
    assert moved.max() <= images.max() + 1e-12


def test_colours_are_those_of_the_paper() -> None:
    """Brightness, saturation about a pixel's mean, contrast about the picture's, one after the other."""
    images, u = _images(2, 3, 5, 4), torch.tensor([0.9, 0.2, 0.7], dtype=torch.float64)
    brighter = images + (u[0] - 0.5)
    mean = brighter.mean(1, keepdim=True)
    saturated = (brighter - mean) * (2 * u[1]) + mean
    mean = saturated.mean((1, 2, 3), keepdim=True)
    expected = (saturated - mean) * (u[2] + 0.5) + mean
    numbers = _uniform(2, brightness=0.9, saturation=0.2, contrast=0.7)
    torch.testing.assert_close(T.DiffAugment(["color"])(images, uniform=numbers), expected)


@pytest.mark.parametrize(
    ("number", "lines"),
    [(0.0, range(3)), (0.5, range(2, 7)), (0.9999, range(6, 9))],
    ids=["first", "middle", "last"],
)
def test_cuts_a_square_of_half_the_sides_out(number: float, lines: range) -> None:
    """A side of 9 loses 5 pixels around a centre from 0 to 8."""
    cut = T.DiffAugment(["cutout"])(torch.ones(1, 2, 9, 9), uniform=_uniform(cutout_y=number))
    expected = torch.ones(1, 2, 9, 9)
    expected[..., lines.start : lines.stop, 2:7] = 0
    assert torch.equal(cut, expected)


@pytest.mark.parametrize("border", ["constant", "replicate", "reflect", "reflect101", "wrap"])
def test_gradients_are_right_twice(border: str) -> None:
    images, augment = _images(2, 2, 4, 5).requires_grad_(), T.DiffAugment(POLICIES, border=border)
    numbers = augment.draw(KEYS[:2])
    assert torch.autograd.gradcheck(lambda x: augment(x, uniform=numbers), images)
    assert torch.autograd.gradgradcheck(lambda x: augment(x, uniform=numbers), images)


def _step(images: torch.Tensor, weight: torch.Tensor, uniform: torch.Tensor | None) -> torch.Tensor:
    """A discriminator's loss with its R1 penalty."""
    images = images.requires_grad_()
    logits = F.conv2d(ALL(images, uniform=uniform), weight).relu().sum((1, 2, 3))
    (slopes,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return F.softplus(-logits).mean() + slopes.square().sum()


def test_a_step_with_its_penalty_trains() -> None:
    weight = _images(2, 3, 3, 3).requires_grad_()
    images, numbers = _images(4, 3, 6, 6), ALL.draw(KEYS)
    assert torch.autograd.gradcheck(lambda w: _step(images, w, numbers), weight)


@pytest.mark.parametrize("drawn", [True, False], ids=["numbers", "torch"])
def test_a_training_step_is_one_graph(drawn: bool) -> None:
    weight, images = _images(2, 3, 3, 3).requires_grad_(), _images(4, 3, 6, 6)
    numbers = ALL.draw(KEYS) if drawn else None

    def loss(weight: torch.Tensor) -> torch.Tensor:
        return F.conv2d(ALL(images, uniform=numbers), weight).square().mean()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    slopes = []
    for function in (loss, compiled):
        torch.manual_seed(0)
        slopes.append(torch.autograd.grad(function(weight), weight)[0])
    torch.testing.assert_close(*slopes)


@pytest.mark.slow
def test_inductor_compiles_a_step() -> None:
    """With its C++ compiler, for another size too, and in another memory format."""

    def loss(images: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
        return ALL(images, uniform=uniform).square().mean()

    compiled = torch.compile(loss, fullgraph=True)
    numbers = ALL.draw(KEYS)
    last = _images(4, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    for images in (_images(4, 3, 8, 8), _images(4, 3, 9, 7), last):
        images.requires_grad_()
        slopes = [torch.autograd.grad(one(images, numbers), images)[0] for one in (loss, compiled)]
        torch.testing.assert_close(*slopes)


def test_maps_over_images() -> None:
    images = _images(3, 2, 3, 6, 6)
    numbers = torch.stack([ALL.draw([(seed, 0, index) for index in range(2)]) for seed in range(3)])
    mapped = torch.func.vmap(lambda x, u: ALL(x, uniform=u))(images, numbers)
    assert torch.equal(mapped, torch.stack([ALL(x, uniform=u) for x, u in zip(images, numbers, strict=True)]))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_does_not_round_the_map(dtype: torch.dtype) -> None:
    images = _images(4, 3, 8, 8, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ALL(images, keys=KEYS), ALL(images, keys=KEYS))
        half = ALL(images.to(dtype), keys=KEYS)
    assert half.dtype == dtype
    torch.testing.assert_close(half, ALL(images.to(dtype).float(), keys=KEYS).to(dtype), rtol=0, atol=0)


def test_is_a_module() -> None:
    images = _images(4, 3, 8, 8)
    chain = torch.nn.Sequential(T.DiffAugment(["flip"], 0.5, border="wrap"))
    assert repr(chain[0]) == "DiffAugment(('flip',), 0.5, value_range=(-1.0, 1.0), border='wrap')"
    for other in (copy.deepcopy(ALL), pickle.loads(pickle.dumps(ALL))):
        assert torch.equal(other(images, keys=KEYS), ALL(images, keys=KEYS))


def test_refuses_what_it_does_not_know() -> None:
    for policy in (["colour"], "color"):
        with pytest.raises(ArgumentError, match="names among flip, affine, translation, color, cutout, got"):
            T.DiffAugment(policy)
    with pytest.raises(ArgumentError, match="strength must be in"):
        T.DiffAugment(strength=1.5)
    with pytest.raises(ArgumentError, match="lowest, highest"):
        T.DiffAugment(value_range=(1, 0))
    with pytest.raises(ArgumentError, match="border must be one of"):
        T.DiffAugment(border="zeros")
    with pytest.raises(ArgumentError, match="13 numbers an image, got \\(4, 2\\)"):
        ALL(_images(4, 3, 4, 4), uniform=torch.rand(4, 2))
    with pytest.raises(ArgumentError, match="not both"):
        ALL(_images(4, 3, 4, 4), uniform=torch.rand(4, 13), keys=KEYS)
    with pytest.raises(ArgumentError, match="numbers an image, got \\(4, 13\\)"):
        ALL(_images(3, 3, 4, 4), keys=KEYS)
