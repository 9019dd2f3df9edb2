"""Copying is found where it was planted, and not where real images are compared with real images."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from near_copies.planted import digits, mnist, near_copies
from torch import Tensor

from augsynth.copies import CopyTest, find_copies
from augsynth.copies.permutation import _Near
from augsynth.errors import ArgumentError, AugsynthError


@pytest.fixture(params=["digits", "MNIST"])
def real(request: pytest.FixtureRequest) -> Tensor:
    """Real images, in a random order."""
    return digits() if request.param == "digits" else mnist(request.getfixturevalue("data_dir"))


def _worlds(images: Tensor, fit: int, held_out: int, n: int) -> list[tuple[float, float]]:
    """P-values and shares where the samples are further real images, so that nothing was copied."""
    found = []
    for world in range(20):
        drawn = images[torch.randperm(len(images), generator=torch.Generator().manual_seed(world))]
        test = CopyTest(drawn[:fit], drawn[fit : fit + held_out], quantile=0.05, seed=world)
        evidence = test(drawn[fit + held_out : fit + held_out + n])
        found.append((evidence.p_value, evidence.share))
    return found


@pytest.mark.parametrize(("fit", "held_out"), [(150, 150), (250, 50), (60, 240)])
def test_where_nothing_was_copied_p_values_are_not_small(fit: int, held_out: int) -> None:
    p_values, shares = zip(*_worlds(digits(), fit, held_out, 200), strict=True)
    assert sum(p <= 0.05 for p in p_values) <= 4  # of 20: more have a probability of 0.3 %
    assert sum(p <= 0.5 for p in p_values) <= 16  # 0.1 %
    assert sum(p <= 0.5 for p in p_values) >= 3  # and they are not all large
    assert np.mean(shares) < 0.05


@pytest.mark.parametrize(("fit", "held_out"), [(200, 200), (200, 60), (100, 300)])
def test_copying_of_a_few_samples_is_found_and_counted(real: Tensor, fit: int, held_out: int) -> None:
    test = CopyTest(real[:fit], real[fit : fit + held_out])
    others = real[fit + held_out : fit + held_out + 250]
    for copies in (30, 100):
        evidence = test(torch.cat([near_copies(real[:copies]), others[copies:]]))
        assert evidence.p_value <= 0.01
        assert evidence.share == pytest.approx(copies / 250, abs=0.04)
        assert evidence.near_fit >= 0.95 * copies


def test_copies_of_what_was_held_out_are_no_copying(real: Tensor) -> None:
    evidence = CopyTest(real[:200], real[200:400])(near_copies(real[200:300]))
    assert evidence.p_value > 0.5
    assert evidence.share == 0.0
    assert evidence.near_held_out >= 95


def test_one_image_that_is_copied_again_and_again_is_no_evidence_alone(real: Tensor) -> None:
    """A chance neighbour of a collapsed generator looks alike. Half of all relabellings give it to the fit."""
    evidence = CopyTest(real[:200], real[200:400])(near_copies(real[:1].expand(200, -1, -1, -1)))
    assert 0.3 < evidence.p_value < 0.7


def test_the_radius_does_not_know_which_half_an_image_is_in() -> None:
    images = digits()[:300]
    assert CopyTest(images[:100], images[100:]).radius == CopyTest(images[:250], images[250:]).radius


def test_duplicates_in_the_real_images_do_not_make_the_radius_zero() -> None:
    images = digits()[:200]
    twice = torch.cat([images, images[:50]])[torch.randperm(250, generator=torch.Generator().manual_seed(1))]
    assert CopyTest(twice[:125], twice[125:]).radius == pytest.approx(CopyTest(images[:100], images[100:]).radius, 0.2)
    flat = torch.zeros(20, 1, 8, 8, dtype=torch.uint8)
    assert CopyTest(flat[:10], flat[10:])(flat).p_value == 1.0


def _exact(samples: np.ndarray[Any, Any], images: np.ndarray[Any, Any], fit: int, held_out: int) -> float:
    """Share of all relabellings with at least as many samples near an image of the fit."""

    def hits(chosen: set[int]) -> int:
        return len({s for s, i in zip(samples.tolist(), images.tolist(), strict=True) if i in chosen})

    observed = hits(set(range(fit)))
    counts = [hits(set(chosen)) for chosen in combinations(range(fit + held_out), fit)]
    return float(np.mean([count >= observed for count in counts]))


@pytest.mark.parametrize(("fit", "held_out"), [(5, 5), (7, 3), (2, 8)])
def test_relabelling_agrees_with_all_relabellings(fit: int, held_out: int) -> None:
    rng = np.random.default_rng(fit)
    for _ in range(5):
        near = rng.random((6, fit + held_out)) < 0.25
        near[:2, 0] = True
        samples, images = map(np.ascontiguousarray, near.nonzero())
        p = _Near(samples, images, 6, fit, held_out).p_value(4000, rng)
        assert p == pytest.approx(_exact(samples, images, fit, held_out), abs=0.035)


def test_shares_count_a_copy_once_and_chance_not_at_all() -> None:
    def share(near: dict[int, list[int]], n: int, fit: int, held_out: int) -> float:
        pairs = [(sample, image) for sample, images in near.items() for image in images]
        samples, images = np.array(pairs, np.int64).reshape(-1, 2).T
        return _Near(samples, images, n, fit, held_out).share()

    assert share({0: [1], 1: [2]}, 4, fit=5, held_out=5) == 0.5
    assert share({0: [1], 1: [2]}, 4, fit=8, held_out=2) == pytest.approx(0.5)
    assert share({0: [1], 1: [2]}, 4, fit=2, held_out=8) == (1 - 2 / 8) / 4  # image 2 was held out
    assert share({0: [1], 1: [9]}, 4, fit=5, held_out=5) == 0.0
    crowd = {sample: list(range(10)) for sample in range(4)}  # all samples near all real images
    assert share(crowd, 4, fit=8, held_out=2) == 0.0
    assert share({}, 4, fit=5, held_out=5) == 0.0


def test_single_copies_are_found_and_others_are_not_blamed(real: Tensor) -> None:
    """At least 95 % of planted copies are found, and at most 1 % of the other samples are blamed."""
    fit, held_out, clean = real[:800], real[800:1000], real[1000:1600]
    for copies in (30, 300):
        found = find_copies(torch.cat([near_copies(fit[:copies]), clean]), fit, held_out)
        assert found.copied[:copies].float().mean() >= 0.95
        assert found.nearest[:copies][found.copied[:copies]].tolist() == [
            position for position in range(copies) if found.copied[position]
        ]
        assert found.copied[copies:].float().mean() <= 0.01


def test_where_nothing_was_copied_nobody_is_blamed(real: Tensor) -> None:
    blamed = [
        int(find_copies(real[i : i + 200], real[1000:1500], real[1500:1700]).copied.sum()) for i in range(0, 1000, 200)
    ]
    assert sum(count > 0 for count in blamed) <= 1


def test_copies_of_an_image_that_is_there_three_times_are_found() -> None:
    images = digits()
    copies = torch.cat([near_copies(images[:1].expand(10, -1, -1, -1), seed=3), images[600:700]])
    repeated = images[:500].repeat(3, 1, 1, 1)
    similar = torch.cat([images[:500], near_copies(images[:1], seed=1), near_copies(images[:1], seed=2)])
    for fit in (repeated, similar):
        found = find_copies(copies, fit, images[700:1700])
        assert int(found.copied[:10].sum()) >= 9
        assert set(found.nearest[:10].tolist()) <= {0, 500, 501}


def test_arguments_outside_their_range_are_refused() -> None:
    images = torch.arange(160, dtype=torch.uint8).reshape(10, 1, 4, 4)
    for options in ({"quantile": 0.0}, {"quantile": 1.0}, {"relabellings": 0}, {"seed": "a"}):
        with pytest.raises(AugsynthError, match=next(iter(options))):
            CopyTest(images, images, **options)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="held_out must be images of"):
        CopyTest(images, images[..., :3])
    with pytest.raises(ArgumentError, match="fit must hold at least 5 different images, got 1"):
        find_copies(images, images[:1].expand(7, -1, -1, -1))
    with pytest.raises(ArgumentError, match="false_discoveries must lie in"):
        find_copies(images, images, false_discoveries=1.0)
