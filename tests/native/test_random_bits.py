from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_rows import make_rows

from augsynth import _native
from augsynth._native.layout import NoiseKind
from augsynth.errors import ArgumentError, ArgumentTypeError


def keys(*rows: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    return np.array(rows, np.int64).reshape(-1, 3)


def test_known_answer_of_zeros() -> None:
    """The first of the vectors that Random123 publishes for philox4x32-10."""
    words = _native.draw_bits(keys((0, 0, 0)), op=0, words=4)
    assert [hex(word) for word in words[0].tolist()] == ["0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8"]


def test_known_answer_of_pi() -> None:
    """The third: counter and key are the digits of pi, here as op, block, epoch, index and seed."""
    key = keys((0x299F31D0A4093822, 0x85A308D3, 0x0370734413198A2E))
    words = _native.draw_bits(key, op=0x243F, words=4 * (0x6A88 + 1))[0, -4:]
    assert [hex(word) for word in words.tolist()] == ["0xd16cfe09", "0x94fdcceb", "0x5001e420", "0x24126ea1"]


def test_known_answer_of_pixels(isa: str) -> None:
    """Random123's philox4x32-7 of zeros, as the bits of the first eight pixels."""
    source, output = np.zeros((1, 8, 1), np.float32), np.empty((1, 1, 8), np.float32)
    rows = make_rows(source, output, noise=NoiseKind.UNIFORM, noise_parameters=(-0.5, 2**16 - 0.5, 0, 0))
    _native.run(rows, [source], [output])
    halves = [int(half) for half in output[0, 0]]
    words = [f"{high:04x}{low:04x}" for low, high in zip(halves[::2], halves[1::2], strict=True)]
    assert words == ["5f6fb709", "0d893f64", "4f121f81", "4f730a48"]


def test_extreme_keys_are_words_of_their_own() -> None:
    extremes = [
        (seed, epoch, index)
        for seed in (-(2**63), -1, 0, 2**63 - 1)
        for epoch in (0, 2**32 - 1)
        for index in (0, 2**32, 2**63 - 1)
    ]
    drawn = _native.draw_bits(keys(*extremes), op=2**16 - 1, words=5)
    assert drawn.shape == (len(extremes), 5)
    assert len(np.unique(drawn, axis=0)) == len(extremes)


def test_fewer_words_are_a_prefix() -> None:
    some = keys((7, 1, 3), (7, 1, 4))
    long = _native.draw_bits(some, op=2, words=11)
    for words in range(11):
        np.testing.assert_array_equal(_native.draw_bits(some, op=2, words=words), long[:, :words])


def test_uniform_numbers_come_from_two_words_each() -> None:
    some = keys((7, 1, 3), (-7, 1, 4))
    words = _native.draw_bits(some, op=9, words=12).astype(np.uint64)
    expected = ((words[:, ::2] >> 5) * 2**26 + (words[:, 1::2] >> 6)) / 2**53
    np.testing.assert_array_equal(_native.draw_uniform(some, op=9, count=6), expected)


def test_a_pipeline_draws_what_follows_each_stream() -> None:
    some = keys((7, 1, 3), (-7, 1, 4), (0, 0, 2**40))
    counts = [2, 0, 7, 1]
    drawn = _native.draw_pipeline(some, counts)
    assert [one.shape for one in drawn] == [(3, count) for count in counts]
    for op, (one, count) in enumerate(zip(drawn, counts, strict=True)):
        words = _native.draw_bits(some, op, 4 + 2 * count)[:, 4:].astype(np.uint64)
        np.testing.assert_array_equal(one, ((words[:, ::2] >> 5) * 2**26 + (words[:, 1::2] >> 6)) / 2**53)
    assert _native.draw_pipeline(some, []) == []
    assert _native.draw_pipeline(some[:0], [3])[0].shape == (0, 3)


def test_a_pipelines_counts_and_keys_have_a_range() -> None:
    with pytest.raises(ArgumentError, match="count is 65537, expected 0 to 65536"):
        _native.draw_pipeline(keys((0, 0, 0)), [1, 2**16 + 1])
    with pytest.raises(ArgumentError, match="number of operations is 65537"):
        _native.draw_pipeline(keys((0, 0, 0)), [0] * (2**16 + 1))
    with pytest.raises(ArgumentError, match="index is -1"):
        _native.draw_pipeline(keys((0, 0, -1)), [])


def test_strided_keys_are_read_in_place() -> None:
    table = np.arange(36, dtype=np.int64).reshape(6, 6)
    drawn = _native.draw_bits(table[::-2, ::2], op=0, words=4)
    np.testing.assert_array_equal(drawn, _native.draw_bits(table[::-2, ::2].copy(), op=0, words=4))


@pytest.mark.parametrize(
    ("key", "op", "words", "named"),
    [
        ((0, -1, 0), 0, 4, "epoch is -1"),
        ((0, 2**32, 0), 0, 4, "epoch is 4294967296"),
        ((0, 0, -1), 0, 4, "index is -1"),
        ((0, 0, 0), -1, 4, "op is -1"),
        ((0, 0, 0), 2**16, 4, "op is 65536"),
        ((0, 0, 0), 0, -1, "words is -1"),
        ((0, 0, 0), 0, 2**18 + 1, "words is 262145"),
    ],
)
def test_numbers_out_of_range_are_refused(key: tuple[int, int, int], op: int, words: int, named: str) -> None:
    with pytest.raises(ArgumentError, match=named):
        _native.draw_bits(keys((1, 2, 3), key), op, words)


def test_other_kinds_of_keys_are_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="float64"):
        _native.draw_bits(np.zeros((1, 3)), 0, 4)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="list"):
        _native.draw_bits([[0, 0, 0]], 0, 4)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"\(3,\)"):
        _native.draw_bits(np.zeros(3, np.int64), 0, 4)
    with pytest.raises(ArgumentError, match="count is 131073"):
        _native.draw_uniform(keys((0, 0, 0)), 0, 2**17 + 1)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_column_of_numbers_is_spread(order: Any) -> None:
    u = np.asarray(np.random.default_rng(0).random((5, 3)), order=order)
    low, high = -1 / 3, 7.1
    np.testing.assert_array_equal(_native.spread(u, 1, low, high), low + (high - low) * u[:, 1])
    for wrong in (-1, 3):
        with pytest.raises(ArgumentError, match=r"u has shape \(5, 3\)"):
            _native.spread(u, wrong, low, high)
