"""Randomness is a pure function of (seed, epoch, index, op): nothing else can change a result."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.core import rng
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.testing import strategies as aug

PIPELINE = T.Compose(
    [
        T.RandomResizedCrop(12),
        T.RandomHorizontalFlip(),
        T.RandomRotation(20, border="reflect"),
        T.GaussianNoise(sigma=(0.01, 0.1)),
        T.Normalize([0.5], [0.5]),
    ]
)


def _images(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (20 + k, 31 - k, 3), dtype=np.uint8) for k in range(count)]


@given(keys=st.lists(aug.keys(), max_size=5), op=st.integers(0, 2**16 - 1), words=st.integers(0, 9))
def test_native_bits_are_the_specified_philox(keys: list[tuple[int, int, int]], op: int, words: int) -> None:
    array = np.array(keys, dtype=np.int64).reshape(-1, 3)
    np.testing.assert_array_equal(rng.draw_bits(array, op, words), rng.philox_bits(array, op, words))
    expected = rng.bits_to_uniform(rng.philox_bits(array, op, 2 * words))
    np.testing.assert_array_equal(rng.uniform(array, op, words), expected)


def test_philox_gives_the_published_answer() -> None:
    # Known answer of Random123 for the zero counter and key.
    counter, key = np.zeros((1, 4), np.uint32), np.zeros((1, 2), np.uint32)
    assert rng.philox(counter, key).tolist() == [[0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]]
    assert rng.philox(counter, key, rounds=7).tolist() == [[0x5F6FB709, 0x0D893F64, 0x4F121F81, 0x4F730A48]]


@given(case=aug.cases())
def test_same_key_same_bytes(isa: str, case: aug.Case) -> None:
    first, second = (case.pipeline(case.image, key=case.key) for _ in range(2))
    assert torch.equal(first.view(torch.uint8), second.view(torch.uint8))


@given(key=aug.keys(), other=aug.keys())
def test_different_keys_differ(isa: str, key: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    image = np.full((16, 16, 3), 128, np.uint8)
    noise = T.GaussianNoise(sigma=0.2)
    assert torch.equal(noise(image, key=key), noise(image, key=other)) == (key == other)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_seed_epoch_and_index_each_matter(part: int) -> None:
    image, changed = _images(1)[0], [5, 6, 7]
    changed[part] += 1
    assert not torch.equal(PIPELINE(image, key=(5, 6, 7)), PIPELINE(image, key=tuple(changed)))


def test_the_batch_does_not_matter(isa: str) -> None:
    images, keys = _images(7), [(3, 1, index) for index in range(7)]
    whole = PIPELINE.batch(images, keys=keys)
    for k in range(7):
        assert torch.equal(whole[k], PIPELINE(images[k], key=keys[k]))
    assert torch.equal(whole[[4, 2]], PIPELINE.batch([images[4], images[2]], keys=[keys[4], keys[2]]))


def test_threads_do_not_matter(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images, keys = _images(7), [(3, 1, index) for index in range(7)]
    results = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("AUGSYNTH_NUM_THREADS", threads)
        results.append(PIPELINE.batch(images, keys=keys))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_all_isas_give_the_same_bytes() -> None:
    from augsynth import _native

    before, results = _native.isa(), []
    for name in _native.isas():
        _native.set_isa(name)
        results.append(PIPELINE.batch(_images(3), keys=[(9, 0, k) for k in range(3)]))
    _native.set_isa(before)
    assert all(torch.equal(results[0], one) for one in results)


def test_without_a_key_torchs_seed_decides() -> None:
    image = _images(1)[0]
    torch.manual_seed(1)
    first, second = PIPELINE(image), PIPELINE(image)
    torch.manual_seed(1)
    assert torch.equal(first, PIPELINE(image))
    assert not torch.equal(first, second)


def test_with_a_key_global_generators_are_untouched() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    PIPELINE(_images(1)[0], key=(0, 0, 0))
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    "bad", [[(0, -1, 0)], [(0, 2**32, 0)], [(0, 0, -1)], [(0, 0)], [(2**70, 0, 0)], np.zeros(3, int)]
)
def test_keys_out_of_range_are_refused(bad: object) -> None:
    for draw in (
        lambda: rng.draw_bits(bad, 0, 4),  # type: ignore[arg-type]
        lambda: T.Compose([]).plan([(4, 4)], bad),  # type: ignore[arg-type]
    ):
        with pytest.raises(ArgumentError, match="keys"):
            draw()


def test_keys_must_be_integers_and_one_an_image() -> None:
    with pytest.raises(ArgumentTypeError, match="integers"):
        rng.as_keys(np.zeros((1, 3)))
    with pytest.raises(ArgumentError, match="2 keys for 1 images"):
        PIPELINE.batch(_images(1), keys=[(0, 0, 0), (0, 0, 1)])
