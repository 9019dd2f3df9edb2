"""Some of several transforms, all in a random order, and parts of a pipeline."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.testing import strategies as aug

IMAGE = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
# They do not commute, and each leaves a trace of its own.
PARTS = (
    T.Pad((0, 0, 1, 0), fill=7),
    T.RandomHorizontalFlip(p=1.0),
    T.RandomPosterize(bits=3, p=1.0),
    T.Pad((0, 1, 0, 0), fill=100),
)


def _applied(parts: tuple[T.Transform, ...]) -> bytes:
    image = IMAGE
    for part in parts:
        image = part(image)[0].numpy()
    return image.tobytes()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_order_is_drawn_and_is_what_it_says(count: int) -> None:
    parts = PARTS[:count]
    expected = {_applied(order) for order in itertools.permutations(parts)}
    seen = {T.RandomOrder(parts)(IMAGE, key=(0, 0, k)).numpy().tobytes() for k in range(60 * count)}
    assert seen == expected


def test_orders_are_equally_likely() -> None:
    images = T.RandomOrder(PARTS[:3]).batch([IMAGE] * 3000, keys=[(0, 0, k) for k in range(3000)]).numpy()
    _, counts = np.unique(images, axis=0, return_counts=True)
    _, alike = np.unique([_applied(order) for order in itertools.permutations(PARTS[:3])], return_counts=True)
    expected = np.sort(alike / 6)
    assert abs(np.sort(counts / 3000) - expected).max() < 6 * np.sqrt(0.25 / 3000)


@given(key=aug.keys(), n=st.integers(0, 4))
def test_a_sample_gets_as_many_as_it_should_in_the_listed_order(key: tuple[int, int, int], n: int) -> None:
    seen = T.SomeOf(PARTS, n)(IMAGE, key=key).numpy().tobytes()
    assert seen in {_applied(some) for some in itertools.combinations(PARTS, n)}


def test_numbers_and_weights_decide_how_often() -> None:
    marks = [T.ColorMatrix([[1.0]], offset=2**bit / 255) for bit in range(3)]
    keys = [(0, 0, k) for k in range(4000)]
    images = np.zeros((4000, 1, 1), np.uint8)
    bits = np.unpackbits(T.SomeOf(marks, (0, 3)).batch(images, keys=keys).numpy(), axis=1, bitorder="little")[:, :3]
    counts = np.bincount(bits.reshape(4000, 3).sum(axis=1), minlength=4) / 4000
    assert abs(counts - 0.25).max() < 6 * np.sqrt(0.25 * 0.75 / 4000)
    one = T.SomeOf(marks, 1, p=(1.0, 2.0, 5.0)).batch(images, keys=keys).numpy().ravel()
    shares = [(one == 2**bit).mean() for bit in range(3)]
    assert abs(np.array(shares) - np.array([1, 2, 5]) / 8).max() < 6 * np.sqrt(0.25 / 4000)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: T.SomeOf(PARTS, 5), "within the number of transforms, 4"),
        (lambda: T.SomeOf(PARTS, (2, 1)), "lowest, highest"),
        (lambda: T.SomeOf(PARTS, (1, 2, 3)), "lowest, highest"),
        (lambda: T.SomeOf(PARTS, 1, p=(1, 1, 0, 1)), "above 0"),
        (lambda: T.RandomOrder(PARTS * 5), "at most 16"),
        (lambda: T.RandomOrder([T.Normalize(0.5, 0.5), T.RandomInvert()])(IMAGE), "left to chance"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make()  # type: ignore[operator]


def test_targets_follow_whatever_order_is_drawn() -> None:
    picture = np.zeros((16, 20), np.uint8)
    picture[4:9, 3:11] = 255
    t = T.RandomOrder([T.RandomQuarterTurn(), T.Pad((1, 2, 3, 4)), T.RandomHorizontalFlip()])
    for k in range(20):
        moved, target = t(picture, {"boxes": [[3.0, 4.0, 11.0, 9.0]], "masks": picture > 0}, key=(0, 0, k))
        rows, columns = np.nonzero(moved[0].numpy())
        assert target["boxes"] == [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
        np.testing.assert_array_equal(target["masks"], moved[0].numpy() > 0)


# Parts of a pipeline ----------------------------------------------------------------------------------------------


def test_a_pipeline_has_a_length_and_parts() -> None:
    t = T.Compose([T.Compose([T.RandomInvert(), T.RandomGamma()]), T.Pad(1)], fuse=False, min_area=3).to("cpu")
    assert len(t) == 3
    assert list(t) == [t[0], t[1], t[2]] == [T.RandomInvert(), T.RandomGamma(), T.Pad(1)]
    assert t[-1] == T.Pad(1)
    assert t[:2] == T.Compose([T.RandomInvert(), T.RandomGamma()], fuse=False, min_area=3).to("cpu")
    assert t[::-1][0] == T.Pad(1)
    assert T.from_dict(json.loads(json.dumps(t[1:].to_dict()))).to("cpu") == t[1:]
    with pytest.raises(IndexError):
        t[3]


def test_a_part_draws_its_own_numbers_after_the_whole_was_used() -> None:
    t = T.Compose([T.RandomHorizontalFlip(), T.RandomCrop(2), T.GaussianNoise()])
    t(IMAGE)
    fresh = T.Compose([T.RandomHorizontalFlip(), T.RandomCrop(2)])
    np.testing.assert_array_equal(t[:2](IMAGE, key=(0, 0, 1)), fresh(IMAGE, key=(0, 0, 1)))


def test_an_empty_pipeline_is_not_nothing() -> None:
    assert len(T.Compose([])) == 0
    assert T.Compose([])
