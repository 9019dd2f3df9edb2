"""Transforms left to chance: who gets them, that the rest stays as it is, and that they still fuse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.testing import strategies as aug
from augsynth.transforms.choice import chosen_among

KEYS = [(5, 0, k) for k in range(2000)]
TURN, MIRROR = T.RandomRotation((180.0, 180.0)), T.RandomVerticalFlip(1.0)
NOISE = T.GaussianNoise(sigma=0.2)


def _images(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 3, 4, 3), np.uint8)


def _outputs(transform: T.Pipeline, keys: Sequence[tuple[int, int, int]] = KEYS) -> np.ndarray:
    return transform.batch(_images(len(keys)), keys=keys).numpy()


def _share(outputs: np.ndarray, expected: np.ndarray) -> float:
    return float((outputs == expected).all(axis=(1, 2, 3)).mean())


@given(p=st.floats(0, 1))
def test_some_samples_get_it_and_the_rest_stay(p: float) -> None:
    plain = np.moveaxis(_images(len(KEYS)), -1, 1)
    outputs = _outputs(T.RandomApply([TURN, MIRROR], p))
    applied = _share(outputs, plain[..., ::-1])
    # Six standard errors: a false-alarm rate of 2e-9.
    assert abs(applied - p) <= 6 * np.sqrt(p * (1 - p) / len(KEYS)) + 1e-12
    assert applied + _share(outputs, plain) == 1.0


def test_noise_that_is_left_out_leaves_every_bit() -> None:
    outputs = _outputs(T.RandomApply(NOISE, p=0.5))
    kept = (outputs == np.moveaxis(_images(len(KEYS)), -1, 1)).all(axis=(1, 2, 3))
    assert 0.4 < kept.mean() < 0.6


def test_each_sample_gets_one_by_its_weight() -> None:
    plain = np.moveaxis(_images(len(KEYS)), -1, 1)
    outputs = _outputs(T.RandomChoice([TURN, MIRROR, T.Compose([TURN, MIRROR])], p=[1, 0, 3]))
    turned, upside_down, mirrored = plain[:, :, ::-1, ::-1], plain[:, :, ::-1], plain[..., ::-1]
    assert _share(outputs, upside_down) == 0.0
    assert 0.7 < _share(outputs, mirrored) < 0.8
    assert _share(outputs, mirrored) + _share(outputs, turned) == 1.0


@given(weights=st.lists(st.floats(0, 10), min_size=1, max_size=5), u=st.floats(0, 1, exclude_max=True))
def test_what_has_no_weight_is_never_chosen(weights: list[float], u: float) -> None:
    if sum(weights) > 0:
        chosen = int(chosen_among(np.array(weights), np.array([u]))[0])
        assert weights[chosen] > 0


@given(inner=aug.pipelines(), p=st.floats(0, 1), image=aug.images((9, 11, 3)), key=aug.keys())
def test_chance_is_all_or_nothing(inner: T.Compose, p: float, image: np.ndarray, key: tuple[int, int, int]) -> None:
    """A choice that is always applied is the pipeline, with other draws; one that is never applied is a copy."""
    changing = (T.ToDtype, T.Normalize)
    if any(isinstance(one, changing) for one in inner.transforms):
        with pytest.raises(ArgumentError, match="outside of RandomApply"):
            T.RandomApply([inner], p)(image, key=key)
        return
    try:
        left_out = T.RandomApply([inner], 0.0)(image, key=key)
    except ArgumentError as error:
        assume("does not fit" not in str(error))
        raise
    np.testing.assert_array_equal(left_out, np.moveaxis(image, -1, 0))


def test_chance_takes_the_draws_behind_its_own() -> None:
    """So whether a transform stands in a RandomApply does not change what comes after it."""
    image = np.zeros((20, 20), np.float32)
    bare = T.Compose([T.RandomHorizontalFlip(), TURN, NOISE])
    held = T.Compose([T.RandomApply([TURN], p=0.5), NOISE])
    for index in range(5):
        assert torch.equal(bare(image, key=(0, 0, index)), held(image, key=(0, 0, index)))


def test_they_share_passes() -> None:
    parts = [
        T.RandomApply([T.RandomRotation(20), T.RandomAffine(5)], 0.3),
        T.RandomChoice([T.RandomHorizontalFlip(1.0), T.RandomPerspective(p=0.5)]),
        T.RandomApply([T.GaussianNoise()], 0.5),
        T.Normalize([0.5], [0.5]),
    ]
    assert len(T.Compose(parts).plan([(30, 40, 3)], [(0, 0, 0)]).passes) == 1
    parts.insert(0, T.Resize(20))  # a perspective is never antialiased, and a resize is
    assert len(T.Compose(parts).plan([(30, 40, 3)], [(0, 0, 0)]).passes) == 2


def test_descriptions_hold_descriptions() -> None:
    nested = T.RandomChoice([T.Compose([TURN, T.RandomApply([NOISE], 0.25)]), MIRROR], p=[1, 2])
    again = T.from_dict(nested.to_dict())
    assert again == nested
    assert np.array_equal(_outputs(nested, KEYS[:9]), _outputs(again, KEYS[:9]))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: T.RandomApply([], 0.5), ArgumentError, "at least one"),
        (lambda: T.RandomApply([3], 0.5), ArgumentTypeError, r"transforms\[0\]"),  # type: ignore[list-item]
        (lambda: T.RandomApply([TURN], 1.5), ArgumentError, r"p must be in \[0, 1\]"),
        (lambda: T.RandomChoice([TURN], p=[0.0]), ArgumentError, "weight above 0"),
        (lambda: T.RandomChoice([TURN, MIRROR], p=[1.0]), ArgumentError, "2 numbers"),
    ],
)
def test_what_is_refused(make: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()  # type: ignore[operator]
