"""Memories of a pipeline change nothing: its plans are those of a process that has run no pipeline before."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth._native.layout import Border
from augsynth.errors import ArgumentError
from augsynth.plan import Pass, Plan
from augsynth.plan.lowering.merge import new_pass, transition
from augsynth.testing import strategies as aug

KEY = (3, 0, 5)


def _forget() -> None:
    transition.cache_clear()
    new_pass.cache_clear()


def _bytes(plan: Plan) -> list[bytes]:
    """The rows and the fields of the tables, whose padding NumPy leaves as it finds it."""
    found = []
    for one in plan.steps:
        if isinstance(one, Pass):
            tables = (one.tables.colours, one.tables.erasures, one.tables.missing)
            found += [one.rows.tobytes(), one.tables.luts.tobytes()]
            found += [table[name].tobytes() for table in tables for name in table.dtype.names or ()]
    return found


@given(pipeline=aug.pipelines(), shape=aug.shapes(20, 3), key=aug.keys(), dtype=st.sampled_from(["uint8", "float32"]))
def test_a_plan_is_the_same_when_its_lowering_is_remembered(
    pipeline: T.Compose, shape: tuple[int, int, int], key: tuple[int, int, int], dtype: str
) -> None:
    _forget()
    try:
        fresh = pipeline.plan([shape], [key], dtype=dtype)
    except ArgumentError:
        assume(False)
        raise
    known = transition.cache_info().misses
    again = pipeline.plan([shape], [key], dtype=dtype)
    assert transition.cache_info().misses == known
    assert _bytes(again) == _bytes(fresh)


@given(pipelines=st.lists(aug.pipelines(), min_size=2, max_size=3), shape=aug.shapes(20, 3), key=aug.keys())
def test_pipelines_do_not_see_each_other(
    pipelines: list[T.Compose], shape: tuple[int, int, int], key: tuple[int, int, int]
) -> None:
    def plans() -> list[list[bytes]]:
        return [_bytes(one.plan([shape], [key])) for one in pipelines]

    alone = []
    try:
        for one in pipelines:
            _forget()
            alone.append(_bytes(one.plan([shape], [key])))
    except ArgumentError:
        assume(False)
        raise
    _forget()
    assert plans() == plans() == alone


def test_what_fits_one_number_of_channels_is_still_refused_for_another() -> None:
    normalize = T.Normalize([0.1, 0.2, 0.3], [0.5, 0.5, 0.5])
    normalize.plan([(4, 5, 3)], [KEY])
    with pytest.raises(ArgumentError, match="mean has 3 values, one a channel, but the images have 1 channels"):
        normalize.plan([(4, 5, 1)], [KEY])
    with pytest.raises(ArgumentError, match="the images have 1 or 3 channels"):
        normalize.plan([(4, 5, 3), (4, 5, 1)], [KEY, KEY])
    assert len(normalize.plan([(4, 5, 3)], [KEY])) == 1


@dataclass(frozen=True)
class Framed(T.Transform):
    """A user's, written when a step saw the `Lowering`: its declaration depends on the sizes, and is not hashable."""

    fills: Sequence[float]

    def step(self, draw: T.Draw, seen: T.Lowering) -> T.Geometry:
        fill: Any = list(self.fills) if seen.sizes[0, 0] > 8 else self.fills[0]
        declared = T.Sampling(border=Border.CONSTANT, fill=fill)
        return T.Geometry(np.eye(3)[None].repeat(len(seen), 0), seen.sizes, declared)


def test_a_step_may_declare_something_else_in_each_call() -> None:
    pipeline = T.Compose([T.RandomHorizontalFlip(), Framed((1.0, 2.0, 3.0))])
    for _ in range(2):
        for height, expected in ((4, [1.0, 1.0, 1.0]), (9, [1.0, 2.0, 3.0])):
            rows = pipeline.plan([(height, 5, 3)], [KEY]).passes[0].rows
            assert rows["fill"][0, :3].tolist() == expected


@pytest.mark.parametrize("order", [(0.0, -0.0), (-0.0, 0.0)])
def test_a_negative_zero_is_no_other_zero(order: tuple[float, float]) -> None:
    # They are equal, so what was declared first decides what is remembered.
    _forget()
    plans = [Framed((fill, fill, fill)).plan([(4, 5, 3)], [KEY], dtype="float32") for fill in order]
    assert _bytes(plans[0]) == _bytes(plans[1])
    assert not np.signbit(plans[0].passes[0].rows["fill"]).any()


def test_threads_may_share_what_is_remembered() -> None:
    pipelines = [
        T.Compose(
            [T.RandomCrop(4, padding=pad), T.RandomRotation(9), T.GaussianNoise(sigma=0.1), T.Normalize([m], [1])]
        )
        for pad in range(4)
        for m in (0.25, 0.5)
    ]

    def plan(number: int) -> list[bytes]:
        return _bytes(pipelines[number % 8].plan([(6, 7, 3)], [(0, 0, number)]))

    expected = [plan(number) for number in range(400)]
    _forget()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(plan, range(400))) == expected
