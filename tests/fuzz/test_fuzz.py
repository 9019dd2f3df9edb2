"""A few hundred hostile inputs of each kind, and what the program that tries many more is to notice."""

from __future__ import annotations

import faulthandler
from collections.abc import Callable
from pathlib import Path

import fuzz
import fuzz_trials
import numpy as np
import pytest
from fuzz_junk import Rng
from fuzz_trials import FOUND, RAN, REFUSED, TOO_LARGE

from augsynth import _native
from augsynth.errors import ArgumentError

INPUTS = 40


@pytest.mark.parametrize("name", fuzz.SUBJECTS)
def test_hostile_inputs_run_or_are_refused_in_words(name: str) -> None:
    before, tally = _native.isa(), fuzz.Tally()
    for number, outcome in enumerate(fuzz_trials.trials(fuzz.SUBJECTS[name], name, 0, range(INPUTS), limit=60.0)):
        tally.add(number, *outcome)
    _native.set_isa(before)
    assert not tally.findings
    assert tally.outcomes[REFUSED] > INPUTS // 20
    assert tally.outcomes[RAN] >= INPUTS // 20 or name == "native-bytes"


def _runs(rng: Rng) -> str:
    return RAN


def _is_large(rng: Rng) -> str:
    return TOO_LARGE


def _refuses(rng: Rng) -> str:
    raise ArgumentError("the number must be less than one")


def _mutters(rng: Rng) -> str:
    raise ArgumentError("no")


def _fails(rng: Rng) -> str:
    raise TypeError("unhashable type: 'list'")


def _depends_on_memory(rng: Rng) -> str:
    fuzz_trials.same_twice(lambda: np.empty(5000, np.uint8))
    return RAN


@pytest.mark.parametrize(
    ("subject", "outcome"),
    [
        (_runs, (RAN, "")),
        (_is_large, (TOO_LARGE, "")),
        (_refuses, (REFUSED, "ArgumentError")),
        (_mutters, (FOUND, "a message too short or too long")),
        (_fails, (FOUND, "TypeError")),
        (_depends_on_memory, (FOUND, "AssertionError")),
    ],
)
def test_what_counts_as_a_finding(subject: Callable[[Rng], str], outcome: tuple[str, str]) -> None:
    [(kind, detail)] = fuzz_trials.trials(subject, "toy", 0, range(1), limit=60.0)
    assert (kind, detail.partition("\n")[0]) == outcome


def test_a_slow_reader_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock runs while an input is tried, and not while its outcome is told."""
    clock: list[str] = []
    monkeypatch.setattr(faulthandler, "dump_traceback_later", lambda *_, **__: clock.append("started"))
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: clock.append("stopped"))
    told = fuzz_trials.trials(_runs, "toy", 0, range(1), limit=60.0)
    assert next(told) == (RAN, "")
    assert clock == ["started", "stopped"]


def test_inputs_depend_on_their_number_alone() -> None:
    drawn: list[int] = []

    def subject(rng: Rng) -> str:
        drawn.append(int(rng.integers(2**62)))
        return RAN

    assert len(list(fuzz_trials.trials(subject, "toy", 0, range(5), limit=60.0))) == 5
    list(fuzz_trials.trials(subject, "toy", 0, range(3, 4), limit=60.0))
    list(fuzz_trials.trials(subject, "toy", 1, range(3, 4), limit=60.0))
    assert drawn[5] == drawn[3]
    assert len(set(drawn)) == 6


DYING = """
import os, sys, time
sys.path.insert(0, {folder!r})
import fuzz
def dies(rng):
    if rng.random() < 0.2:
        {death}
    return "ran"
fuzz.SUBJECTS = {{"images": dies}}
fuzz.main()
"""


@pytest.mark.parametrize(("death", "words"), [("os.abort()", "ended with -6"), ("time.sleep(60)", "Timeout")])
def test_crashes_and_hangs_are_findings_and_the_rest_is_tried(
    death: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dying.py"
    program.write_text(DYING.format(folder=str(Path(fuzz.__file__).parent), death=death))
    monkeypatch.setattr(fuzz, "PROGRAM", program)
    tally = fuzz.campaign("images", 0, range(8), limit=0.2)
    assert tally.outcomes.total() == 8
    assert 0 < tally.outcomes[FOUND] < 8
    assert any(words in story for _, _, story in tally.findings.values())
