"""Tests of the measurements and reports of `bench/gpu.py`; `make bench-gpu` measures, on a machine with a GPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

pytestmark = pytest.mark.usefixtures("harness")

CPU = torch.device("cpu")


def test_every_case_is_one_pass_over_images_of_its_size() -> None:
    from harness.gpu.cases import CASES
    from harness.gpu.contenders import pipeline
    from harness.peers.ours import keys_of

    assert {(case.batch, case.side) for case in CASES.values()} == {(256, 224), (256, 256), (4096, 32)}
    for case in CASES.values():
        plan = pipeline(case.ops).plan([(case.side, case.side, 3)] * 2, keys_of(range(2)))
        assert len(plan.steps) == 1, case.name
        assert plan.passes[0].rows["output_size"][0].tolist() in ([224, 224], [32, 32])


def test_bytes_are_those_that_are_looked_at() -> None:
    from harness.gpu.cases import CASES, bytes_moved
    from harness.gpu.contenders import pipeline

    plan = pipeline(CASES["crop + flip + normalise, 224"].ops).plan([(256, 256, 3)] * 2, [(0, 0, 0), (0, 0, 1)])
    output = torch.empty(2, 3, 224, 224)
    assert bytes_moved(plan, output) == 2 * 3 * 224 * 224 * (1 + 4)
    plan.passes[0].rows["inverse"][:, 0, 0] = 1000
    assert bytes_moved(plan, output) == 2 * 3 * (256 * 256 + 4 * 224 * 224)


# ---- Measuring --------------------------------------------------------------------------------------------------


def test_slow_runs_are_repeated_less_often() -> None:
    from harness.gpu.timing import LEAST, WARM_UP, milliseconds, rounds

    assert rounds(0.1, repeats=50) == (WARM_UP, 50)
    assert rounds(200.0, repeats=50) == (5, 20)
    assert rounds(60_000.0, repeats=50) == (0, LEAST)
    runs: list[int] = []
    assert milliseconds(lambda: runs.append(1), 5, CPU) >= 0
    assert len(runs) == 2 + WARM_UP + 5


def test_the_launch_that_is_measured_gives_the_pictures_of_the_call() -> None:
    pytest.importorskip("augsynth._native._cuda", reason="augsynth._native._cuda was not built: no nvcc was found then")
    from harness.gpu.cases import CASES, GpuCase
    from harness.gpu.contenders import ours
    from harness.gpu.measure import launch_alone, measure_ours, plan_of

    ops = CASES["affine + noise + normalise, 32"].ops
    case = GpuCase("a small one", ops, batch=6, side=32)
    images, output = case.images(CPU), torch.empty(6, 3, 32, 32)
    launch_alone(plan_of(case), images, output)()
    torch.testing.assert_close(output, ours(ops, images)(), rtol=0, atol=0)
    found = measure_ours(case, CPU)
    assert found.call > 0
    assert found.launch > 0
    assert found.bytes > output.numel() * 4


def test_parity_finds_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.gpu import parity

    monkeypatch.setattr(parity, "CHANNELS", (3,))
    same = [one for name in parity.PIPELINES for one in parity.compare(name, CPU)]
    assert len(same) == len(parity.PIPELINES) * len(parity.DTYPES)
    assert all(one.values > 0 and one.differing == 0 for one in same)
    calls = iter(range(1000))
    monkeypatch.setattr(parity.torch, "from_numpy", lambda image: torch.tensor(np.roll(image, next(calls) % 2)))
    assert all(one.differing > 0 and one.largest > 0 for one in parity.compare("flip", CPU))


# ---- Other libraries --------------------------------------------------------------------------------------------


def test_a_library_that_does_other_work_is_told_of() -> None:
    from harness.gpu.cases import CASES
    from harness.gpu.check import OnDevice, differences
    from harness.gpu.contenders import ours

    ops = CASES["crop + flip + normalise, 32"].ops
    same, dark = OnDevice("same", ours, CPU), OnDevice("dark", lambda ops, images: ours(ops, images // 2), CPU)
    assert differences(same, same, ops, 32) == []
    assert any("grey levels" in one for one in differences(dark, same, ops, 32))


def test_one_draw_for_all_is_compared_image_by_image() -> None:
    from harness.gpu.cases import CASES
    from harness.gpu.check import OnDevice, on_processor, pictures
    from harness.images import ImageSet

    counts = []

    def make(ops: Any, images: torch.Tensor) -> Any:
        counts.append(len(images))
        return lambda: images

    images = pictures(32, count=3)
    for singly in (False, True):
        (run,) = OnDevice("any", make, CPU, singly).ways(
            CASES["colour + normalise, 32"].ops, ImageSet(images, 3, True), 3
        )
        assert np.concatenate(list(run(0))).shape == (3, 3, 32, 32)
    assert counts == [3, 1, 1, 1]
    array = np.ones(2)
    dali = (SimpleNamespace(as_cpu=lambda: SimpleNamespace(as_array=lambda: array)),)
    assert on_processor(dali) is array


def test_a_library_is_measured_and_its_remarks_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.gpu import contenders, tasks
    from harness.gpu.cases import CASES, GpuCase
    from harness.peers.base import Unsupported

    def refuses(ops: Any, images: torch.Tensor) -> Any:
        raise Unsupported("no such operation")

    known = {
        "ours again": contenders.Contender("torch", contenders.ours, lambda ops: ["a note"]),
        "poor": contenders.Contender("torch", refuses, lambda ops: []),
        "absent": contenders.Contender("no.such.package", refuses, lambda ops: []),
    }
    monkeypatch.setattr(contenders, "CONTENDERS", known)
    ops = CASES["crop + flip + normalise, 32"].ops
    monkeypatch.setitem(CASES, "small", GpuCase("small", ops, batch=2, side=32))
    found = tasks.work_of("ours again", CPU)("small")
    assert found["milliseconds"] > 0
    assert found["notes"] == ["a note"]
    assert tasks.work_of("poor", CPU)("small") == {"missing": "no such operation"}
    assert [one.missing() for one in known.values()] == ["", "", "not installed"]


def test_versions_are_those_of_the_libraries_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.gpu import contenders

    there = {
        "torch": "2.11.0",
        "nvidia-cublas": "13",
        "cvcuda-cu13": "0.19.0",
        "nvidia-dali-cuda120": "2.4.0",
        "numpy": "2",
    }
    known = [SimpleNamespace(name=name, version=version) for name, version in there.items()]
    monkeypatch.setattr(contenders, "distributions", lambda: known)
    assert contenders.versions() == {"cvcuda-cu13": "0.19.0", "nvidia-dali-cuda120": "2.4.0", "torch": "2.11.0"}


def test_every_contender_can_be_asked_whether_it_is_there() -> None:
    from harness.gpu.contenders import CONTENDERS

    names = {"torchvision", "torchvision, one draw a batch", "kornia", "DALI", "CV-CUDA"}
    assert {name: one.missing() in ("", "not installed") for name, one in CONTENDERS.items()} == dict.fromkeys(
        names, True
    )


# ---- The report -------------------------------------------------------------------------------------------------


def results(*rows: Any, **others: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "device": {"name": "a device"},
        "machine": {"date": "today", "commit": ""},
        "versions": {"torch": "2.11"},
        "warm_up": 10,
        "copy_bandwidth": 2.5e12,
        "rows": [asdict(row) for row in rows],
        "parity": [{"name": "flip", "dtype": "uint8", "values": 1000, "differing": 3, "largest": 1.0}],
        "failed": {},
        "tests": "38 passed",
    } | others


def test_the_table_has_all_that_was_found() -> None:
    from harness.gpu.collect import Row
    from harness.gpu.report import markdown

    one = Row("a case", 256, 0.7, call=2.0, launch=0.1, bytes=200_000_000, peers={"kornia": 30.0})
    one.notes = {"kornia": ["less work"]}
    other = Row("another", 8, 0.5, call=1.0, launch=0.5, bytes=100_000_000, missing={"kornia": "no such operation"})
    page = markdown(results(one, other, failed={"parity, blur": "an illegal address"}))
    assert "| a case | 256 | 0.100 | 2.000 | 128,000 | 2000 | 80% | 30.00 | 15.0 |" in page
    assert "| another | 8 | 0.500 | 1.000 | 8,000 | 200 | 8% | - | - |" in page
    assert "* a case, 70% of copying: met, 80%" in page
    assert "* another, 50% of copying: missed, 8%" in page
    assert "* a case, 20 times as fast as kornia: missed, 15.0 times" in page
    assert "* another, 20 times as fast as kornia: not measured" in page
    assert "* kornia: less work (a case)" in page
    assert "* Not measured: kornia: no such operation (another)" in page
    assert "flip, uint8: 3 of 1000 values, by 1 at most" in page
    assert "* Failed: parity, blur: an illegal address" in page
    assert "Copying 1 GiB within the device: 2500 GB/s" in page


def test_a_run_that_has_only_begun_has_a_page() -> None:
    from harness.gpu.collect import Row
    from harness.gpu.report import markdown

    rows = [Row(name, 256, 0.7, missing={"kornia": "not reached"}) for name in ("one", "two")]
    page = markdown(results(*rows, parity=[], tests="not reached"))
    assert "| one | 256 | - | - | - | - | - |" in page
    assert "* one, 70% of copying: not measured" in page
    assert "* Not measured: kornia: not reached\n" in page
    assert "Tests marked `gpu`: not reached." in page


# ---- The command ------------------------------------------------------------------------------------------------


def command(tmp_path: Path, harness: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("augsynth._native._cuda", reason="augsynth._native._cuda was not built: no nvcc was found then")
    words = [sys.executable, str(harness / "gpu.py"), "--output", str(tmp_path / "out"), *arguments]
    return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_what_it_measures_without_a_device_is_an_error_in_words(tmp_path: Path, harness: Path) -> None:
    done = command(tmp_path, harness)
    assert done.returncode == 1
    assert "NativeError" in done.stderr
    assert "no device to measure on" in done.stderr
    assert "CUDA" in done.stderr


def test_a_pattern_that_matches_nothing_is_refused(tmp_path: Path, harness: Path) -> None:
    done = command(tmp_path, harness, "--only", "nothing like it")
    assert "no case matches 'nothing like it': there are crop" in done.stderr
