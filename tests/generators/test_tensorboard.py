"""`log_dir`: curves of the metrics, which TensorBoard reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from generators.toy import ClassMean
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, PluginError

FIT = {"batch_size": 8, "device": "cpu", "progress": False}


def _curve(folder: Path, name: str) -> list[tuple[int, float]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(name)]


def test_the_history_is_written_as_scalars(images: TensorDataset, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    report = ClassMean().fit(images, steps=301, log_dir=tmp_path / "new" / "logs", **FIT)
    assert _curve(tmp_path / "new" / "logs", "seen") == [(entry["step"], entry["seen"]) for entry in report.history]


def test_a_resumed_run_replaces_what_it_does_again(images: TensorDataset, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    logged: dict[str, Any] = {"log_dir": tmp_path / "logs", **FIT}
    ClassMean().fit(images, steps=4, checkpoint_dir=tmp_path / "model", **FIT)
    ClassMean().fit(images, steps=6, **logged)
    ClassMean().fit(images, steps=8, checkpoint_dir=tmp_path / "model", resume=True, **logged)
    assert [step for step, _ in _curve(tmp_path / "logs", "seen")] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_missing_tensorboard_is_named_before_the_fit(
    images: TensorDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(PluginError, match=r'log_dir needs tensorboard: pip install "augsynth\[tensorboard\]"'):
        ClassMean().fit(images, steps=1, log_dir=tmp_path, **FIT)


def test_a_file_is_no_log_dir(images: TensorDataset, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    (tmp_path / "file").touch()
    with pytest.raises(ArgumentError, match=r"log_dir=.*file is a file; name a folder"):
        ClassMean().fit(images, steps=1, log_dir=tmp_path / "file" / "logs", **FIT)
