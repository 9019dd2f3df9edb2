"""Differentiable augmentation: exact at zero strength, bounded, differentiable, and the same for any aspect."""

from __future__ import annotations

import math

import pytest
import torch
from augsynth_gan.augment import PARAMETERS, draw_maps, warp
from hypothesis import given
from hypothesis import strategies as st

sides = st.integers(2, 20)
seeds = st.integers(0, 2**32 - 1)


def _uniform(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@given(seeds, sides, sides)
def test_zero_strength_is_the_identity(seed: int, height: int, width: int) -> None:
    maps = draw_maps(_uniform(seed, 3, PARAMETERS), 0.0, height, width)
    assert torch.equal(maps, torch.eye(2, 3).expand(3, 2, 3))
    images = _uniform(seed, 3, 2, height, width)
    torch.testing.assert_close(warp(images, maps), images, atol=1e-5, rtol=0)


@given(seeds, sides, sides, st.floats(0, 1))
def test_values_stay_between_those_of_the_image(seed: int, height: int, width: int, strength: float) -> None:
    images = _uniform(seed, 2, 1, height, width)
    warped = warp(images, draw_maps(_uniform(seed, 2, PARAMETERS), strength, height, width))
    assert warped.shape == images.shape
    assert warped.min() >= images.min() - 1e-6
    assert warped.max() <= images.max() + 1e-6


def test_each_image_has_its_own_map() -> None:
    maps = draw_maps(_uniform(0, 4, PARAMETERS), 1.0, 8, 8)
    assert len(torch.unique(maps, dim=0)) == 4


@pytest.mark.parametrize(("height", "width"), [(9, 9), (8, 24)])
def test_rotation_keeps_angles_where_sides_differ(height: int, width: int) -> None:
    """In pixels, the map of a pure rotation has orthonormal columns."""
    uniform = torch.full((1, PARAMETERS), 0.5)
    uniform[0, 0] = 1.0
    (pixels,) = draw_maps(uniform, 1.0, height, width)[:, :, :2]
    half = torch.diag(torch.tensor([width, height]) / 2)
    rotation = half @ pixels @ half.inverse()
    torch.testing.assert_close(rotation.T @ rotation, torch.eye(2))
    assert math.isclose(math.degrees(math.asin(rotation[1, 0])), 12, rel_tol=1e-4)


def test_shift_moves_by_a_tenth_of_the_side() -> None:
    uniform = torch.full((1, PARAMETERS), 0.5)
    uniform[0, 3] = 1.0
    images = _uniform(1, 1, 1, 10, 10)
    warped = warp(images, draw_maps(uniform, 1.0, 10, 10))
    torch.testing.assert_close(warped[..., :-1], images[..., 1:], atol=1e-5, rtol=0)


def test_gradients_reach_the_images() -> None:
    images = _uniform(0, 2, 1, 6, 6).double().requires_grad_()
    maps = draw_maps(_uniform(1, 2, PARAMETERS), 1.0, 6, 6).double()
    assert torch.autograd.gradcheck(lambda x: warp(x, maps), images)
