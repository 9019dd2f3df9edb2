"""Distances between images ignore small changes, do not depend on blocks, and find the nearest."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from near_copies.planted import near_copies
from torch import Tensor

from augsynth.copies import Alignment, distances, nearest, pairs_within
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError


def blobs(n: int, *shape: int, seed: int = 0) -> Tensor:
    """Smooth images: noise that is enlarged from a fifth of its size."""
    channels, height, width = shape
    coarse = torch.rand(n, channels, 5, 5, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return smooth.mul(200).add(25).clamp(0, 255).to(torch.uint8)


SHAPES = [(1, 28, 28), (3, 32, 32), (3, 30, 20), (2, 8, 64), (3, 100, 70), (1, 8, 8)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_changed_copy_is_nearest_to_its_original(shape: tuple[int, int, int]) -> None:
    images = blobs(40, *shape)
    found = nearest(near_copies(images), images)
    assert found.indices[:, 0].tolist() == list(range(40))
    assert bool((found.distances[:, 0] < 0.6 * found.distances[:, 1]).all())


@pytest.mark.parametrize("change", ["flip", "shift", "brighter", "contrast", "inverse"])
def test_a_change_is_ignored_where_the_alignment_says_so(change: str) -> None:
    image = blobs(1, 3, 32, 32)
    changed = {
        "flip": image.flip(3),
        "shift": image.roll((2, -1), (2, 3)),
        "brighter": (image.float() * 0.8 + 40).to(torch.uint8),
        "contrast": (image.float() * 0.5).to(torch.uint8),
        "inverse": 255 - image,
    }[change]
    strict = float(nearest(changed, image, 1, alignment=Alignment(shift=0, flip=False)).distances)
    tolerant = float(nearest(changed, image, 1).distances)
    assert tolerant <= strict + 1e-3
    if change == "inverse":
        assert tolerant > 0.5
    else:
        assert tolerant < 0.03
    assert (strict > 0.1) == (change in ("flip", "shift", "inverse"))


def test_distances_follow_from_correlations() -> None:
    """Without shifts and reductions, the distance is √(2 − 2r)."""
    images = blobs(6, 1, 12, 12)
    expected = (2 - 2 * torch.corrcoef(images.flatten(1).double())).clamp(min=0).sqrt()
    found = nearest(images, images, 6, alignment=Alignment(shift=0, flip=False))
    torch.testing.assert_close(found.distances.double(), expected.sort(dim=1).values, atol=2e-3, rtol=0)


def test_images_without_contrast_are_alike_and_far_from_others() -> None:
    flat = torch.stack([torch.full((1, 16, 16), level, dtype=torch.uint8) for level in (0, 128, 255)])
    assert float(nearest(flat, flat, 3).distances.max()) == 0.0
    assert float(nearest(flat, blobs(5, 1, 16, 16), 1).distances.min()) > 0.8


@settings(max_examples=15)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 5), st.integers(1, 7), st.integers(0, 2))
def test_blocks_change_nothing(queries: int, references: int, k: int, block: int, shift: int) -> None:
    alignment, a, b = Alignment(shift), blobs(queries, 1, 8, 8), blobs(references, 1, 8, 8, seed=1)
    whole, pairs = nearest(a, b, k, alignment=alignment), pairs_within(a, b, 0.5, alignment=alignment)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "_BLOCK", block)
        cut, cut_pairs = nearest(a, b, k, alignment=alignment), pairs_within(a, b, 0.5, alignment=alignment)
    torch.testing.assert_close(cut.distances, whole.distances, atol=1e-3, rtol=0)
    assert bool((whole.distances.diff(dim=1).nan_to_num(0.0) >= 0).all())
    assert bool((whole.indices[:, min(k, references) :] == -1).all())
    assert set(zip(*map(Tensor.tolist, pairs), strict=True)) == set(zip(*map(Tensor.tolist, cut_pairs), strict=True))


def test_an_image_does_not_count_as_its_own_neighbour() -> None:
    images = blobs(9, 1, 8, 8)
    found = nearest(images, images, 8, apart=torch.arange(9))
    assert bool((found.indices != torch.arange(9)[:, None]).all())
    assert bool(found.distances.isfinite().all())


def test_pairs_are_those_that_are_near_enough() -> None:
    images = blobs(12, 1, 16, 16)
    everything = nearest(images, images, 12)
    radius = float(everything.distances.median())
    queries, references = pairs_within(images, images, radius)
    assert queries.tolist() == sorted(queries.tolist())
    near = {(q, int(r)) for q in range(12) for r in everything.indices[q][everything.distances[q] <= radius]}
    assert set(zip(queries.tolist(), references.tolist(), strict=True)) == near


def test_settings_of_torch_change_nothing() -> None:
    images = blobs(10, 1, 8, 8)
    expected = nearest(images, images)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"), torch.autocast("cpu", torch.bfloat16):
            found = nearest(images, images)
    finally:
        torch.set_default_dtype(default)
    assert torch.equal(found.distances, expected.distances)


IMAGES = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
REFUSED: list[tuple[Any, Any, type[AugsynthError], str]] = [
    (IMAGES.float(), IMAGES, ArgumentTypeError, "queries must be a uint8 tensor"),
    (IMAGES, IMAGES[0], ArgumentTypeError, r"references must be a uint8 tensor \(n, C, H, W\), got .*\(1, 4, 4\)"),
    ([1], IMAGES, ArgumentTypeError, r"got \[1\]"),
    (IMAGES[:0], IMAGES, ArgumentError, "must hold images"),
    (IMAGES[..., :3], IMAGES, ArgumentError, r"images of \(1, 4, 4\) .*, got \(1, 4, 3\)"),
]


@pytest.mark.parametrize(("queries", "references", "error", "words"), REFUSED)
def test_what_is_no_set_of_images_is_refused(
    queries: Any, references: Any, error: type[AugsynthError], words: str
) -> None:
    with pytest.raises(error, match=words):
        nearest(queries, references)


def test_numbers_outside_their_range_are_refused() -> None:
    with pytest.raises(ArgumentError, match="k must be"):
        nearest(IMAGES, IMAGES, 0)
    with pytest.raises(ArgumentError, match="apart must have a position for each of 2"):
        nearest(IMAGES, IMAGES, apart=torch.arange(3))
    with pytest.raises(ArgumentError, match="radius must be at least 0"):
        pairs_within(IMAGES, IMAGES, -1.0)
    with pytest.raises(AugsynthError, match="shift"):
        Alignment(shift=-1)
    with pytest.raises(AugsynthError, match="flip"):
        Alignment(flip=2)  # type: ignore[arg-type]
