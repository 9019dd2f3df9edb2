"""The time that a fit takes is known after ten steps."""

from __future__ import annotations

import time
from typing import Any

import pytest
from generators.toy import ClassMean
from torch.utils.data import TensorDataset

FIT: dict[str, Any] = {"batch_size": 8, "device": "cpu"}


@pytest.fixture
def _two_seconds_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that advances by 18 seconds whenever it is read: nine steps between two readings."""
    readings = iter(range(0, 1_000_000, 18))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(readings)))


@pytest.mark.usefixtures("_two_seconds_a_step")
def test_the_estimate_comes_after_ten_steps(images: TensorDataset, capsys: pytest.CaptureFixture[str]) -> None:
    from augsynth.generators.training.pace import Pace
    from augsynth.generators.training.steps import StepReport

    pace = Pace("fitting cvae", "cpu")
    for step in range(1, 10):
        pace(StepReport(step, 2000, {}))
    assert capsys.readouterr().err == ""
    for step in range(10, 40):
        pace(StepReport(step, 2000, {}))
    assert capsys.readouterr().err == "fitting cvae: about 67 min for 2,000 steps (2 s a step on cpu)\n"


def test_fit_prints_it_with_its_bars_alone(images: TensorDataset, capsys: pytest.CaptureFixture[str]) -> None:
    ClassMean().fit(images, steps=11, progress=True, **FIT)
    assert "fitting class-mean: about 1 s for 11 steps (" in capsys.readouterr().err
    ClassMean().fit(images, steps=10, progress=True, **FIT)
    ClassMean().fit(images, steps=11, progress=False, **FIT)
    assert capsys.readouterr().err == ""


def test_a_resumed_run_counts_what_is_left(
    images: TensorDataset, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    ClassMean().fit(images, steps=5, checkpoint_dir=tmp_path, progress=False, **FIT)
    ClassMean().fit(images, steps=30, checkpoint_dir=tmp_path, resume=True, progress=True, **FIT)
    assert "for 25 steps" in capsys.readouterr().err
