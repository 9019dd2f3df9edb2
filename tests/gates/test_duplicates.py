"""Duplicates are found within sets and between them, and images that are only similar are not blamed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from gates.planted_sets import real_images
from hypothesis import given
from hypothesis import strategies as st
from near_copies.planted import digits, near_copies

from augsynth.copies import likely_nearest, nearest
from augsynth.errors import ArgumentError, AugsynthError
from augsynth.gates import find_duplicates
from augsynth.gates.duplicates import _groups

pytestmark = pytest.mark.usefixtures("one_thread")
KINDS = ["digits", "MNIST", "CIFAR-10"]
_PLANTED = 60


@pytest.mark.parametrize("kind", KINDS)
def test_planted_near_duplicates_between_sets_are_found(kind: str, request: pytest.FixtureRequest) -> None:
    images = real_images(kind, request, 800)
    train, others = images[:400], images[400:]
    found = find_duplicates({"train": train, "test": torch.cat([near_copies(train[:_PLANTED]), others])})
    leaked = found.shared("test", "train")
    assert (leaked < _PLANTED).sum() >= 0.95 * _PLANTED
    assert (leaked >= _PLANTED).mean() <= 0.01 * len(others)
    assert set(range(_PLANTED)) & set(found.shared("train", "test").tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_planted_near_duplicates_within_a_set_are_found(kind: str, request: pytest.FixtureRequest) -> None:
    images = real_images(kind, request, 600)
    found = find_duplicates({"pool": torch.cat([images, near_copies(images[:_PLANTED])])})
    number = found.group_numbers("pool")
    assert np.mean(number[:_PLANTED] == number[600:]) >= 0.95
    blamed = {position for group in found.within("pool") for position in group} & set(range(_PLANTED, 600))
    assert len(blamed) <= 0.01 * 600


def test_many_crops_of_one_photograph_are_one_group() -> None:
    """Fifteen crops of each of ten pictures, of which some went to the test part."""
    rng = torch.Generator().manual_seed(0)
    photos = torch.nn.functional.interpolate(torch.rand(60, 3, 9, 9, generator=rng), (40, 40), mode="bicubic")
    photos = photos.mul(255).clamp(0, 255).to(torch.uint8)

    def crop(photo: torch.Tensor) -> torch.Tensor:
        down, right = torch.randint(3, (2,), generator=rng).tolist()
        return photo[:, down : down + 32, right : right + 32]

    crops = torch.stack([crop(photo) for photo in photos[:10] for _ in range(15)])
    single = torch.stack([crop(photo) for photo in photos[10:]])
    of_photo = np.repeat(np.arange(10), 15)
    in_test = np.arange(150) % 3 == 0
    sets = {"train": torch.cat([crops[~in_test], single[:25]]), "test": torch.cat([crops[in_test], single[25:]])}
    found = find_duplicates(sets)
    assert found.shared("test", "train").tolist() == list(range(50))
    assert len(found.groups) == 10
    assert found.group_numbers("train")[:100].tolist() == (10 * of_photo[~in_test]).tolist()
    assert len(found.repeated("train")) == 90


def test_equal_images_are_found_in_any_number_and_without_contrast() -> None:
    images = digits()[:60]
    flat = torch.full((2, 1, 8, 8), 7, dtype=torch.uint8)
    flat[1] = 9
    found = find_duplicates({"a": torch.cat([images, images[:1].expand(40, -1, -1, -1), flat]), "b": flat[:1]})
    assert found.exact == 41
    assert found.within("a") == ((0, *range(60, 100)),)
    assert found.shared("b", "a").tolist() == [0]
    assert found.shared("a", "b").tolist() == [100]
    assert json.loads(json.dumps(found.to_dict()))["sizes"] == {"a": 102, "b": 1}
    with pytest.raises(ArgumentError, match="there is no set 'c'; the sets are a, b"):
        found.within("c")


def test_few_images_have_no_duplicates_only_because_they_are_few() -> None:
    for count in (1, 2, 3, 4):
        assert find_duplicates({"a": digits()[:count]}).groups == ()


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=12))
def test_groups_are_connected_components(pairs: list[tuple[int, int]]) -> None:
    owner = list(range(12))
    for a, b in pairs:
        owner = [owner[a] if number == owner[b] else number for number in owner]
    expected = {tuple(i for i in range(12) if owner[i] == number) for number in owner}
    edges = np.array(pairs, np.int64).reshape(-1, 2)
    assert {tuple(group) for group in _groups(12, edges)} == {group for group in expected if len(group) > 1}


@pytest.mark.parametrize("kind", KINDS)
def test_the_quick_search_measures_as_the_full_one(kind: str, request: pytest.FixtureRequest) -> None:
    images = real_images(kind, request, 260)
    copies = near_copies(images[:60])
    full, quick = nearest(copies, images, 1), likely_nearest(copies, images, 16)
    assert (full.indices[:, 0] == quick.indices[:, 0]).float().mean() >= 0.98
    same = full.indices[:, 0] == quick.indices[:, 0]
    torch.testing.assert_close(full.distances[same, 0], quick.distances[same, 0], atol=2e-3, rtol=0)
    assert bool((quick.distances.diff(dim=1) >= 0).all())
    own = likely_nearest(images[:12], images[:12], 20, apart=torch.arange(12))
    assert bool((own.indices[:, :-1] != torch.arange(12)[:, None]).all())
    assert own.indices[:, -1].tolist() == [-1] * 12


@pytest.mark.parametrize("sets", [{"a": torch.zeros(2, 1, 4, 4)}, {"a": digits()[:2], "b": digits()[:2, :, :4]}])
def test_other_things_than_images_are_refused(sets: Any) -> None:
    with pytest.raises(AugsynthError, match=r"a must be a uint8 tensor|b must be images of \(1, 8, 8\)"):
        find_duplicates(sets)
