"""What `bench/gpu.py` measures and how it tells it; measuring itself is `make bench-gpu`, where a GPU is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module", autouse=True)
def harness() -> Iterator[None]:
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


def test_every_case_is_one_pass_over_images_of_its_size() -> None:
    from harness.gpu.cases import CASES
    from harness.gpu.contenders import keys_of, pipeline

    assert {(case.batch, case.side) for case in CASES} == {(256, 224), (256, 256), (4096, 32)}
    for case in CASES:
        plan = pipeline(case).plan([(case.side, case.side, 3)] * 2, keys_of(case)[:2])
        assert len(plan.steps) == 1, case.name
        assert plan.passes[0].rows["output_size"][0].tolist() in ([224, 224], [32, 32])


def test_bytes_are_those_that_are_looked_at() -> None:
    from harness.gpu.cases import CASES, bytes_moved
    from harness.gpu.contenders import pipeline

    plan = pipeline(CASES[0]).plan([(256, 256, 3)] * 2, [(0, 0, 0), (0, 0, 1)])
    output = torch.empty(2, 3, 224, 224)
    assert bytes_moved(plan, output) == 2 * 3 * 224 * 224 * (1 + 4)
    plan.passes[0].rows["inverse"][:, 0, 0] = 1000
    assert bytes_moved(plan, output) == 2 * 3 * (256 * 256 + 4 * 224 * 224)


def test_peers_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.gpu import contenders
    from harness.gpu.cases import CASES

    monkeypatch.setitem(sys.modules, "kornia.augmentation", None)
    monkeypatch.setitem(sys.modules, "torchvision.transforms", None)
    monkeypatch.setitem(sys.modules, "harness.peers.torchvision_v2", None)
    monkeypatch.setitem(sys.modules, "harness.peers.kornia_batched", None)
    found, missing = contenders.peers(CASES[0], torch.zeros(1, 3, 256, 256, dtype=torch.uint8))
    assert found == {}
    assert {"torchvision", "torchvision, one draw a batch", "kornia", "DALI", "CV-CUDA"} == missing.keys()


def test_parity_finds_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.gpu import parity

    monkeypatch.setattr(parity, "CHANNELS", (3,))
    same = parity.compare(torch.device("cpu"))
    assert len(same) == len(parity.PIPELINES) * len(parity.DTYPES)
    assert all(one.values > 0 and one.differing == 0 for one in same)
    picture, calls = parity._picture, iter(range(1000))
    monkeypatch.setattr(parity.torch, "from_numpy", lambda image: torch.tensor(np.roll(image, next(calls) % 2)))
    monkeypatch.setattr(parity, "PIPELINES", parity.PIPELINES[:1])
    assert picture((4, 4, 3), "uint8", 0).dtype == np.uint8
    assert all(one.differing > 0 and one.largest > 0 for one in parity.compare(torch.device("cpu")))


def test_the_table_has_all_that_was_found() -> None:
    from harness.gpu.measure import GpuRow
    from harness.gpu.report import markdown

    one = GpuRow("a case", 256, call=2.0, launch=0.1, bytes=200_000_000, aim=0.7, peers={"kornia": 30.0})
    other = GpuRow("another", 8, call=1.0, launch=0.5, bytes=100_000_000, missing={"kornia": "no such operation"})
    page = markdown(
        {
            "device": {"name": "a device"},
            "machine": {"date": "today", "commit": ""},
            "versions": {"torch": "2.11"},
            "warm_up": 10,
            "copy_bandwidth": 2.5e12,
            "rows": [one.as_json(), other.as_json()],
            "parity": [{"name": "flip", "dtype": "uint8", "values": 1000, "differing": 3, "largest": 1.0}],
            "tests": "38 passed",
        }
    )
    assert "| a case | 256 | 0.100 | 2.000 | 128,000 | 2000 | 80% | 70% | 30.00 | 15.0 |" in page
    assert "| another | 8 | 0.500 | 1.000 | 8,000 | 200 | 8% |  | - | - |" in page
    assert "* Not measured: kornia: no such operation" in page
    assert "flip, uint8: 3 of 1000 values, by 1 at most" in page
    assert "Copying 1 GiB within the device: 2500 GB/s" in page


def test_what_it_measures_without_a_device_is_an_error_in_words(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    pytest.importorskip("augsynth._cuda", reason="augsynth._cuda was not built: no nvcc was found then")
    command = [sys.executable, BENCH / "gpu.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "NativeError" in done.stderr
    assert "CUDA" in done.stderr


def test_a_pattern_that_matches_nothing_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("augsynth._cuda", reason="augsynth._cuda was not built: no nvcc was found then")
    command = [sys.executable, BENCH / "gpu.py", "--only", "nothing like it"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "no case matches 'nothing like it': there are crop" in done.stderr
