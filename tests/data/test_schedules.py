"""Schedules: their formulas, bounds, comparison and refusals, and the share of each strength."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth.data.schedules import constant, cosine, linear, steps, strengths
from augsynth.errors import ArgumentError, ArgumentTypeError

numbers = st.floats(-10, 10)
epochs = st.integers(0, 10**6)
ramps = st.builds(
    lambda kind, start, end, count: kind(start, end, epochs=count),
    st.sampled_from([linear, cosine]),
    numbers,
    numbers,
    st.integers(2, 300),
)
jumps = st.dictionaries(st.integers(1, 50), numbers, max_size=5).map(lambda values: steps({0: 1.5, **values}))
schedules = st.one_of(numbers.map(constant), ramps, jumps)


@given(schedules, epochs)
def test_a_schedule_stays_within_its_levels_and_pickles(schedule: Any, epoch: int) -> None:
    assert min(schedule.levels()) <= schedule(epoch) <= max(schedule.levels())
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule
    assert again(epoch) == schedule(epoch)
    assert json.loads(json.dumps(schedule.description())) == schedule.description()


@given(ramps)
def test_ramps_are_exact_at_both_ends(ramp: Any) -> None:
    assert ramp(0) == ramp.start
    assert ramp(ramp.epochs - 1) == ramp(ramp.epochs + 7) == ramp.end


@given(numbers, numbers, st.integers(2, 100), st.data())
def test_the_formulas(start: float, end: float, count: int, data: st.DataObject) -> None:
    epoch = data.draw(st.integers(0, 2 * count))
    t = min(epoch / (count - 1), 1)
    assert math.isclose(linear(start, end, count)(epoch), start + (end - start) * t, abs_tol=1e-12)
    curved = end + (start - end) * (1 + math.cos(math.pi * t)) / 2
    assert math.isclose(cosine(start, end, count)(epoch), curved, abs_tol=1e-12)


def test_steps_hold_until_the_next() -> None:
    schedule = steps({10: 0.25, 0: 0.5, 3: 1})
    assert [schedule(epoch) for epoch in (0, 2, 3, 9, 10, 10**9)] == [0.5, 0.5, 1.0, 1.0, 0.25, 0.25]
    assert schedule == steps({0: 0.5, 3: 1.0, 10: 0.25})


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), st.floats(0.05, 1), min_size=1, max_size=5).filter(
        lambda of: len(set(of.values())) == len(of)
    ),
    st.floats(0, 1.2),
    st.floats(0, 1),
)
def test_the_mean_strength_is_the_scheduled_one(of: dict[str, float], target: float, ratio: float) -> None:
    shares = strengths(of, at=target, ratio=ratio)(3)
    assert list(shares) == list(of)
    assert math.isclose(sum(shares.values()), ratio, abs_tol=1e-9)
    mean = sum(shares[name] * strength for name, strength in of.items())
    expected = min(max(target, min(of.values())), max(of.values()))
    assert math.isclose(mean, ratio * expected, abs_tol=1e-9)
    assert sum(share > 0 for share in shares.values()) <= 2
    assert all(share >= 0 for share in shares.values())


def test_strengths_describe_themselves() -> None:
    schedule = strengths({"a": 0.8, "b": 0.2}, at=cosine(0.8, 0.2, 9), ratio=steps({0: 0.5, 5: 0.1}))
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert json.loads(json.dumps(schedule.description())) == schedule.description()
    assert schedule != strengths({"a": 0.8, "b": 0.2}, at=cosine(0.8, 0.2, 9), ratio=0.5)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: constant("half"), ArgumentError, "value of constant must be a finite number"),
        (lambda: linear(0.1, float("nan"), 5), ArgumentError, "end of linear must be a finite number"),
        (lambda: linear(0.1, 0.2, 1), ArgumentError, "epochs must be at least 2, got 1"),
        (lambda: cosine(0.1, 0.2, 2.5), ArgumentError, "epochs must be an integer"),
        (lambda: steps({3: 0.5}), ArgumentError, r"needs a number for epoch 0, got epochs \[3\]"),
        (lambda: steps({}), ArgumentError, "needs a number for epoch 0"),
        (lambda: steps({-1: 0.5, 0: 1}), ArgumentError, "an epoch of steps must be at least 0"),
        (lambda: steps([0.5]), ArgumentTypeError, "steps needs {first epoch: number}"),
        (lambda: strengths({}, at=0.5, ratio=0.5), ArgumentTypeError, "its strength"),
        (lambda: strengths({"a": 0.5, "b": 0.5}, at=0.5, ratio=0.5), ArgumentError, "a different strength"),
        (lambda: strengths({"a": 0.5}, at="strong", ratio=0.5), ArgumentError, "at must be a finite number"),
    ],
)
def test_wrong_parameters_are_refused(build: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        build()
