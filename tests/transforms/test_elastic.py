"""ElasticTransform: its field and its pixels as torchvision's. `test_distortions.py` has what all distortions share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from displaced_fields import Floats, centres, curves, field

from augsynth import transforms as T
from augsynth.errors import ArgumentError, PlanError

KEYS = [(7, 0, index) for index in range(600)]


def torchvision_field(shape: tuple[int, int], alpha: float, sigma: float, generator: torch.Generator) -> Floats:
    """torchvision's displacement of a square picture, in pixels: `ElasticTransform.make_params` of its v2."""
    size = int(8 * sigma + 1)
    size += 1 - size % 2
    offsets = torch.linspace(-(size - 1) / 2, (size - 1) / 2, size, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum())[None] * (kernel / kernel.sum())[:, None]
    noise = torch.rand(2, 1, *shape, generator=generator, dtype=torch.float64) * 2 - 1
    padded = torch.nn.functional.pad(noise, [size // 2] * 4, mode="reflect")
    blurred = torch.nn.functional.conv2d(padded, kernel[None, None])[:, 0]
    normalised = blurred * alpha / shape[0]
    return (normalised * shape[0] / 2).permute(1, 2, 0).numpy()


def test_the_field_is_as_strong_and_as_smooth_as_torchvisions() -> None:
    """200 independent fields of 41 x 41 pixels: the deviation of one pixel's variance over them is a tenth, and of
    their mean over the 20 or so places that are apart a fiftieth; tolerances are three times as large."""
    alpha, sigma, count, side = 40.0, 3.0, 200, 41
    generator = torch.Generator().manual_seed(0)
    reach = slice(12, -12)  # torchvision mirrors its noise at the edges, and so displaces them farther
    theirs = np.stack([torchvision_field((side, side), alpha, sigma, generator)[reach, reach] for _ in range(count)])
    for spacing in (None, 2.0):
        t = T.ElasticTransform(alpha, sigma, spacing=spacing)
        ours = np.stack([field(t, (side, side), key)[reach, reach] for key in KEYS[:count]])
        expected = alpha / (4 * sigma * math.sqrt(3 * math.pi))
        for one in (ours, theirs):
            np.testing.assert_allclose(one.std(), expected, rtol=0.06)
            assert abs(one.mean()) < 0.1 * expected
        for lag in (2, 4, 6, 9):
            exact = math.exp(-(lag**2) / (4 * sigma**2))
            for one in (ours, theirs):
                together = np.mean(one[:, :, lag:] * one[:, :, :-lag]) / one.var()
                assert abs(together - exact) < 0.1, (spacing, lag)


def test_all_points_are_alike() -> None:
    """The variance of each pixel over 600 keys has a deviation of 6 %; none of 576 is off by five times as much."""
    fields = np.stack([field(T.ElasticTransform(40.0, 4.0), (24, 24), key) for key in KEYS])
    expected = (40.0 / (16 * math.sqrt(3 * math.pi))) ** 2
    assert np.abs(fields.var(axis=0) / expected - 1).max() < 0.3


def test_grids_begin_anywhere_in_a_cell() -> None:
    """The variance between control points is a twelfth smaller than at them, too little for the test above."""
    plan = T.ElasticTransform(spacing=8.0).plan([(24, 24)] * len(KEYS), KEYS)
    cells = -plan.passes[0].tables.displacements["origin"] / 8.0
    assert cells.min() >= 1.0
    assert cells.max() < 2.0
    for share in (0.25, 0.5, 0.75):
        assert np.abs((cells < 1.0 + share).mean(axis=0) - share).max() < 0.1


def test_pairs_are_for_x_and_y() -> None:
    fields = np.stack([field(T.ElasticTransform((60.0, 20.0), (3.0, 6.0)), (40, 40), key) for key in KEYS[:100]])
    deviations = np.array([60.0, 20.0]) / (4 * math.sqrt(18) * math.sqrt(3 * math.pi))
    np.testing.assert_allclose(fields.std(axis=(0, 1, 2)), deviations, rtol=0.06)
    across = np.mean(fields[:, :, 4:] * fields[:, :, :-4]) / fields.var()
    down = np.mean(fields[:, 4:] * fields[:, :-4]) / fields.var()
    assert abs(across - math.exp(-16 / 36)) < 0.1
    assert abs(down - math.exp(-16 / 144)) < 0.1


def test_pixels_are_torchs_grid_sample(isa: str) -> None:
    """`ElasticTransform.transform` of torchvision: an identity grid of pixel centres, plus the displacement."""
    image = np.random.default_rng(1).random((64, 64, 3)).astype(np.float32)
    t = T.ElasticTransform(120.0, 7.0, fill=0.25)
    for key in KEYS[:3]:
        grid = torch.from_numpy((centres(64, 64) + field(t, (64, 64), key)) * 2 / 64 - 1).float()[None]
        planes = torch.from_numpy(image).permute(2, 0, 1)[None]
        options: dict[str, Any] = {"mode": "bilinear", "padding_mode": "zeros", "align_corners": False}
        inside = torch.nn.functional.grid_sample(torch.ones_like(planes), grid, **options)
        expected = torch.nn.functional.grid_sample(planes, grid, **options) + (1 - inside) * 0.25
        torch.testing.assert_close(t(image, key=key), expected[0], rtol=0, atol=2e-4)


def test_two_transforms_of_one_kind_draw_different_fields() -> None:
    first, second = curves(T.Compose([T.ElasticTransform(), T.ElasticTransform()]).plan([(32, 32)], [KEYS[0]]))
    assert not np.array_equal(first.grid, second.grid)


@pytest.mark.parametrize("alpha", [0.0, (0.0, 0.0), (0.0,)])
def test_no_strength_copies(alpha: Any) -> None:
    image = np.array([[[np.nan], [-0.0], [np.inf]]], np.float32)
    assert T.ElasticTransform(alpha)(image, key=KEYS[0]).numpy().tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"alpha": -1.0}, "alpha must be"),
        ({"alpha": (1.0, 2.0, 3.0)}, "alpha must be a number or"),
        ({"sigma": 0.0}, "sigma must be greater than 0"),
        ({"spacing": 9.0}, r"spacing must be in \[2.5, 8.66025\] for a sigma of 5"),
        ({"spacing": 2.0}, "spacing must be in"),
    ],
)
def test_what_cannot_be_is_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        T.ElasticTransform(**parameters)


def test_a_grid_that_is_too_large_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"control points for an image of 900x900 pixels.*larger sigma"):
        T.ElasticTransform(sigma=1.0).plan([(8, 8), (900, 900)], KEYS[:2])


def test_a_fold_is_refused_for_points_and_not_for_masks() -> None:
    t, image = T.ElasticTransform(400.0, 5.0), np.zeros((64, 64, 3), np.uint8)
    assert t(image, np.ones((64, 64), np.uint8), key=KEYS[0])[1].shape == (64, 64)
    for target in ({"boxes": [[1.0, 1, 9, 9]]}, {"keypoints": [[4.0, 4.0]]}):
        with pytest.raises(PlanError, match="may fold the picture"):
            t(image, target, key=KEYS[0])
