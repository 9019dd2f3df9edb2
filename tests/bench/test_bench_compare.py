"""The gate on instruction counts: what it lets pass, and what it measures. Counting itself is `make bench-compare`."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def gate(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("compare")


@pytest.mark.parametrize(
    ("now", "passes"),
    [
        ({"baseline": {"a": 100, "b": 200}}, True),
        ({"baseline": {"a": 105, "b": 150}}, True),
        ({"baseline": {"a": 106, "b": 150}}, False),
        ({"baseline": {"a": 100}}, False),
        ({"baseline": {"a": 100, "b": 200, "c": 1}}, False),
        ({"baseline": {"a": 100, "b": 200}, "avx2": {"a": 1, "b": 1}}, False),
    ],
    ids=["equal", "within", "slower", "one is gone", "one is new", "an ISA is new"],
)
def test_only_growth_and_what_cannot_be_compared_fail(
    gate: ModuleType, now: dict[str, dict[str, int]], passes: bool
) -> None:
    before = gate.Result("x86_64", "GNU 12.2.0", {"baseline": {"a": 100, "b": 200}})
    lines, passed = gate.compare(gate.Result("x86_64", "GNU 12.2.0", now), before, tolerance=0.05)
    assert passed is passes
    assert any("SLOWER" in line or "not in both" in line for line in lines) is not passes


@pytest.mark.parametrize(("count", "outdated"), [(94, True), (96, False), (200, False)])
def test_a_baseline_that_hides_what_was_won_is_noticed(gate: ModuleType, count: int, outdated: bool) -> None:
    results = [gate.Result("x86_64", "GNU 12.2.0", {"baseline": {"a": number}}) for number in (count, 100)]
    assert gate.is_outdated(*results, 0.05) is outdated


def test_an_isa_that_this_cpu_lacks_is_named(gate: ModuleType) -> None:
    before = gate.Result("x86_64", "GNU 12.2.0", {"baseline": {"a": 100}, "avx2": {"a": 50}})
    lines, passed = gate.compare(gate.Result("x86_64", "GNU 12.2.0", {"baseline": {"a": 100}}), before, 0.05)
    assert passed
    assert lines[-1].startswith("avx2: not measured")


def test_the_stored_counts_are_of_these_workloads(gate: ModuleType) -> None:
    stored = gate.Result.read(gate.BASELINE)
    for counts in stored.instructions.values():
        assert counts.keys() == gate.WORKLOADS.keys()


def test_workloads_are_the_same_every_time(gate: ModuleType) -> None:
    for name, workload in gate.WORKLOADS.items():
        first, second = (workload.plan().passes[0].rows.tobytes() for _ in range(2))
        assert first == second, name
