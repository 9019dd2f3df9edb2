"""Several processes under torchrun fit one generator, as one process with the same global batch would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from generators.ranks_script import Stepping
from generators.toy import ClassMean
from safetensors.torch import load_file
from torch.utils.data import TensorDataset

from augsynth.errors import PluginError

SCRIPT = Path(__file__).parent / "ranks_script.py"


def _run(folder: Path, *launcher: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder.mkdir()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "AUGSYNTH_PLUGINS": "off"}
    done = subprocess.run(
        [sys.executable, *launcher, str(SCRIPT), str(folder)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Results of two gloo processes, and what they printed."""
    pytest.importorskip("accelerate")
    module = ("-m", "torch.distributed.run", "--nproc-per-node=2")
    rendezvous = ("--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0")
    folder, done = _run(tmp_path_factory.mktemp("together") / "out", *module, *rendezvous)
    return folder, done.stdout + done.stderr


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of one process."""
    return _run(tmp_path_factory.mktemp("alone") / "out")[0]


def _facts(folder: Path, rank: int) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / f"facts-{rank}.json").read_text())
    return facts


@pytest.mark.parametrize("name", ["clipped", "stepping"])
def test_all_processes_have_equal_weights_averages_and_buffers(together: tuple[Path, str], name: str) -> None:
    first, second = (load_file(together[0] / f"{name}-{rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any("running_mean" in key for key in first) == (name == "clipped")
    assert _facts(together[0], 0)[f"{name} digest"]
    assert _facts(together[0], 1)[f"{name} digest"]


@pytest.mark.parametrize("name", ["clipped", "stepping"])
def test_losses_are_those_of_one_process(together: tuple[Path, str], alone: Path, name: str) -> None:
    histories = [_facts(folder, 0)[name] for folder in (together[0], alone)]
    losses = [torch.tensor([entry["loss"] for entry in history]) for history in histories]
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-5, atol=0)
    assert losses[0][-1] < 0.9 * losses[0][0]
    assert _facts(together[0], 1)[name] == histories[0]


@pytest.mark.parametrize("name", ["clipped", "stepping"])
def test_weights_are_those_of_one_process(together: tuple[Path, str], alone: Path, name: str) -> None:
    ours, theirs = (load_file(folder / f"{name}-0.safetensors") for folder in (together[0], alone))
    weights = {key: value for key, value in theirs.items() if not key.startswith("statistics")}  # of half the images
    for key, value in weights.items():
        torch.testing.assert_close(ours[key], value, rtol=1e-3, atol=1e-4)


def test_one_process_continues_the_run_of_two(
    together: tuple[Path, str], alone: Path, images: TensorDataset, tmp_path: Path
) -> None:
    losses = []
    for folder in (together[0], alone):
        shutil.copytree(folder / "stepping-model", tmp_path / folder.parent.name)
        generator = Stepping()
        report = generator.fit(
            images, steps=24, batch_size=8, device="cpu", checkpoint_dir=tmp_path / folder.parent.name, resume=True,
            progress=False,
        )  # fmt: skip
        assert (report.resumed_at, report.steps) == (20, 24)
        losses.append(report.history[-1]["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_first_process_alone_reports(together: tuple[Path, str]) -> None:
    assert (_facts(together[0], 0)["seen"], _facts(together[0], 1)["seen"]) == (40, 0)
    assert together[1].count("fitting stepping: about") == 1


def test_what_cannot_be_shared_is_refused(together: tuple[Path, str], alone: Path) -> None:
    for rank in (0, 1):
        facts = _facts(together[0], rank)
        assert facts["odd"] == "batch_size is 7, and 2 processes share every batch: give a multiple of 2"
        assert "weights differ between the 2 processes of the fit: network.embedding.weight" in facts["wilful"]
    assert not {"odd", "wilful"} & _facts(alone, 0).keys()


def test_a_missing_accelerate_is_named(images: TensorDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(PluginError, match=r'several processes.*pip install "augsynth\[distributed\]"'):
        ClassMean().fit(images, steps=1, batch_size=8, device="cpu", progress=False)
