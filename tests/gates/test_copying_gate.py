"""Planted copies are found, clean samples are not blamed, and generators that copied nothing pass."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from gates.planted_sets import real_images
from near_copies.planted import digits, near_copies
from torch import Tensor

from augsynth.errors import ArgumentError
from augsynth.gates import check_copies

pytestmark = pytest.mark.usefixtures("one_thread")


def _shuffled(images: Tensor, seed: int) -> Tensor:
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))]


@pytest.mark.parametrize("kind", ["digits", "MNIST"])
def test_five_percent_of_planted_copies_are_found(kind: str, request: pytest.FixtureRequest) -> None:
    images = real_images(kind, request, 1700)
    fit, held_out, clean = images[:450], images[450:900], images[900:1660]
    samples = torch.cat([near_copies(fit[:40]), clean])
    found = check_copies(samples, fit, held_out)
    assert found.copied is True
    assert (found.items < 40).sum() >= 38
    assert (found.items >= 40).sum() <= 0.01 * len(clean)
    planted = found.items < 40
    assert found.originals[planted].tolist() == found.items[planted].tolist()
    assert found.evidence is not None
    assert found.evidence.share == pytest.approx(0.05, abs=0.03)


def test_ten_generators_that_copied_nothing_pass() -> None:
    """Their samples are other real images, with changes of their own; the test may blame one of ten."""
    said, blamed = 0, []
    for generator in range(10):
        images = _shuffled(digits(), generator)
        samples = images[600:1100] if generator % 2 else near_copies(images[600:1100], seed=generator)
        found = check_copies(samples, images[:300], images[300:600], seed=generator)
        said += bool(found.copied)
        blamed.append(len(found.items) / 500)
    assert said <= 1
    assert np.mean(blamed) <= 0.01


def test_without_held_out_images_single_copies_are_found_alone() -> None:
    images = digits()
    found = check_copies(torch.cat([near_copies(images[:20]), images[900:1200]]), images[:600])
    assert found.copied is None
    assert (found.items < 20).sum() >= 18
    described = json.loads(json.dumps(found.to_dict()))
    assert described["test"] is None
    assert described["items"] == found.items.tolist()
    with pytest.raises(ArgumentError, match="significance must lie in"):
        check_copies(images[:9], images[9:30], significance=0)
