"""Rows made for a batch, and what is asked of them: the same as NumPy's fields say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import _native
from augsynth._native.layout import ROW, DType
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.plan import new_rows

SEEDS = st.integers(0, 2**32 - 1)


def _any_row(random: np.random.Generator) -> Any:
    return np.frombuffer(random.bytes(ROW.itemsize), ROW)


@given(seed=SEEDS, count=st.integers(0, 5), moved=st.sampled_from(["not", "alike", "each"]), keyed=st.booleans())
def test_made_rows_are_copies_with_the_samples_own_fields(seed: int, count: int, moved: str, keyed: bool) -> None:
    random = np.random.default_rng(seed)
    row = _any_row(random)
    shapes, output_sizes = random.integers(1, 2**24, (count, 3)), random.integers(1, 2**24, (count, 2))
    inverse = None if moved == "not" else random.normal(size=(3, 3, count if moved == "each" else 1)).T
    stream = random.integers(0, 2**32, (count, 4), dtype=np.uint32) if keyed else None
    rows = _native.make_rows(row, shapes[:, :2], output_sizes, shapes[:, 2], inverse, stream)
    expected = row.repeat(count)
    own = {"source_size": shapes[:, :2], "output_size": output_sizes, "channels": shapes[:, 2]}
    for field, values in (own | {"inverse": inverse, "stream": stream}).items():
        if values is not None:
            expected[field] = values
    assert rows.dtype == ROW
    assert rows.flags.writeable
    for field in ROW.names or ():
        assert rows[field].tobytes() == expected[field].tobytes(), field


def test_made_rows_keep_the_padding_of_their_row() -> None:
    # Plans are compared byte by byte.
    row, sizes = _any_row(np.random.default_rng(0)), np.ones((2, 2), np.int64)
    last, item = ROW.fields["noise"][1] + 1, ROW.itemsize  # type: ignore[index]
    padding = _native.make_rows(row, sizes, sizes, np.ones(2, np.int64)).view(np.uint8).reshape(2, item)[:, last:]
    assert (padding == np.frombuffer(row.tobytes(), np.uint8)[last:]).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"row": np.zeros(2, ROW)},
        {"source_sizes": np.ones((3, 2), np.int64)},
        {"output_sizes": np.ones((2, 3), np.int64)},
        {"channels": np.ones((2, 1), np.int64)},
        {"inverse": np.zeros((3, 3, 3))},
        {"inverse": np.zeros((3, 3))},
        {"stream": np.zeros((2, 3), np.uint32)},
    ],
    ids=lambda wrong: "-".join(f"{name}{values.shape}" for name, values in wrong.items()),
)
def test_rows_are_not_made_of_what_does_not_fit(wrong: dict[str, Any]) -> None:
    sizes = np.ones((2, 2), np.int64)
    fit = {"row": new_rows(1), "source_sizes": sizes, "output_sizes": sizes, "channels": np.ones(2, np.int64)}
    with pytest.raises(ArgumentError, match=r"has shape \(.*, expected \("):
        _native.make_rows(**(fit | wrong))


@given(seed=SEEDS, count=st.integers(0, 4), alike=st.booleans(), step=st.sampled_from([1, 2, -1]))
def test_a_common_output_is_what_all_rows_write(seed: int, count: int, alike: bool, step: int) -> None:
    random = np.random.default_rng(seed)
    rows = new_rows(2 * count)[::step][:count]
    rows["output_size"], rows["channels"], rows["output_dtype"] = (5, 7), 3, int(random.integers(5))
    if not alike and count:
        field = ("output_size", "channels")[random.integers(2)]
        rows[field][random.integers(count)] += 1
    found = _native.common_output(rows)
    if count == 0 or (count > 1 and not alike):
        assert found is None
    else:
        size = rows["output_size"][0].tolist()
        assert found == (rows["channels"][0], *size, DType(int(rows["output_dtype"][0])))


def test_only_rows_have_an_output() -> None:
    with pytest.raises(ArgumentTypeError, match=r"expected a NumPy array of augsynth\._native\.layout\.ROW"):
        _native.common_output(np.zeros(3))


@given(numbers=st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(1, 3), max_size=8))
def test_distinct_numbers_are_in_order(numbers: list[int]) -> None:
    given = np.array(numbers, np.int64)
    assert _native.distinct(given) == tuple(sorted(set(numbers)))
    assert _native.distinct(np.stack([given, given], axis=1)[::-1, 1]) == tuple(sorted(set(numbers)))
