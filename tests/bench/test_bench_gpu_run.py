"""A GPU run as a whole: in processes that may crash or hang, saved as it goes."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("harness")

CHILD = """
import os, sys, time
sys.path.insert(0, {bench!r})
from harness.gpu.children import answer_for

def work(name):
    if name == "dies":
        os.abort()
    if name == "hangs":
        time.sleep(60)
    if name == "fails":
        raise ValueError("no luck\\nat all")
    print("a line of its own")
    return {{"name": name, "process": os.getpid()}}

if sys.argv[1:] == ["silent"]:
    sys.exit()
answer_for(sys.argv[1:], work)
"""


@pytest.fixture
def ask(harness: Path, tmp_path: Path) -> Callable[..., list[Any]]:
    from harness.gpu.children import answers

    script = tmp_path / "child.py"
    script.write_text(CHILD.format(bench=str(harness)))
    return lambda *names, patience=30.0: list(answers([sys.executable, str(script)], names, str(tmp_path), patience))


def test_what_dies_or_fails_costs_one_answer(ask: Callable[..., list[Any]], capfd: pytest.CaptureFixture[str]) -> None:
    found = ask("a", "dies", "b", "fails", "c", "silent")
    assert [one.name for one in found] == ["a", "dies", "b", "fails", "c", "silent"]
    assert [one.value and one.value["name"] for one in found] == ["a", None, "b", None, "c", "silent"]
    assert len({one.value["process"] for one in found if one.value}) == 3
    assert found[1].failed == "its process ended with status -6"
    assert found[3].failed == "no luck"
    assert "a line of its own" in capfd.readouterr().out
    assert ask("silent")[0].failed == "its process ended with status 0"


def test_what_hangs_costs_one_answer(ask: Callable[..., list[Any]]) -> None:
    found = ask("hangs", "a", patience=3.0)
    assert [one.failed for one in found] == ["no answer within 3 seconds", ""]
    assert found[1].value["name"] == "a"


@pytest.fixture
def bench_gpu(harness: Path) -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("bench_gpu", harness / "gpu.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DEVICE = {
    "device": {"name": "a device"},
    "build": {},
    "versions": {"torch": "2.11"},
    "torch_cuda": "13.0",
    "copy_bandwidth": 1e12,
}


Played = tuple[int, dict[str, Any], str]
"""The exit status, what gpu.json has, and gpu.md."""


def reply(task: str, name: str) -> dict[str, Any]:
    """Return the output of a child: kornia dies in one case, and augsynth in another."""
    if task == "device":
        return {"value": DEVICE}
    if task == "parity":
        return {"value": [{"name": name, "dtype": "uint8", "values": 10, "differing": 0, "largest": 0.0}]}
    if task == "augsynth":
        measured = {"call": 1, "launch": 0.1, "bytes": 10**8}
        return {"failed": "lost"} if name.startswith("affine") else {"value": measured}
    if task == "kornia" and name.startswith("colour"):
        return {"failed": "its process ended with status -11"}
    return {"value": {"milliseconds": 30.0, "notes": ["a note"]}}


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, bench_gpu: Any, tmp_path: Path) -> Callable[..., Played]:
    """Run the command with children that answer as above, or end it all `before` a task, and read what it wrote."""
    from harness.gpu import collect
    from harness.gpu.children import Answer
    from harness.gpu.contenders import Contender

    def play_it(before: str = "") -> Played:
        def answers(command: list[str], names: Iterable[str], folder: str) -> Iterator[Answer]:
            assert command[1:4] == ["-m", "harness.gpu.tasks", "cuda"]
            if command[4] == before:
                raise KeyboardInterrupt
            return iter([Answer(name, **reply(command[4], name)) for name in names])

        monkeypatch.setattr(collect, "answers", answers)
        monkeypatch.setattr(Contender, "missing", lambda self: "not installed" * (self.package == "cvcuda"))
        monkeypatch.setattr(collect, "run_tests", lambda: "3 passed")
        monkeypatch.setattr(bench_gpu, "_has_kernels", lambda: True)
        monkeypatch.setattr(sys, "argv", ["gpu.py", "--only", "32", "--output", str(tmp_path)])
        try:
            status = bench_gpu.main()
        except KeyboardInterrupt:
            status = -1
        return status, json.loads((tmp_path / "gpu.json").read_text()), (tmp_path / "gpu.md").read_text()

    return play_it


def test_one_failure_leaves_the_rest(play: Callable[..., Played]) -> None:
    status, found, page = play()
    rows = {row["case"]: row for row in found["rows"]}
    assert status == 1
    assert list(found["failed"]) == ["augsynth, affine + noise + normalise, 32"]
    assert rows["affine + noise + normalise, 32"]["call"] is None
    assert rows["affine + noise + normalise, 32"]["peers"]["kornia"] == 30.0
    assert rows["colour + normalise, 32"]["missing"]["kornia"] == "its process ended with status -11"
    assert rows["colour + normalise, 32"]["peers"]["torchvision"] == 30.0
    assert {row["missing"]["CV-CUDA"] for row in rows.values()} == {"not installed"}
    assert found["tests"] == "3 passed"
    assert "* crop + flip + normalise, 32, 70% of copying: met, 100%" in page


def test_a_run_that_is_cut_off_leaves_what_it_had(play: Callable[..., Played]) -> None:
    status, found, page = play(before="kornia")
    rows = {row["case"]: row for row in found["rows"]}
    assert status == -1
    assert len(found["parity"]) == 24
    assert rows["colour + normalise, 32"]["call"] == 1
    assert rows["colour + normalise, 32"]["missing"]["kornia"] == "not reached"
    assert "* Not measured: kornia: not reached" in page
    assert "Tests marked `gpu`: not reached." in page


def test_exit_status_says_whether_ours_is_good() -> None:
    from harness.gpu.collect import is_good

    good: dict[str, Any] = {"parity": [{"differing": 0}], "failed": {}, "tests": "3 passed"}
    assert is_good(good)
    assert not is_good(good | {"parity": [{"differing": 2}]})
    assert not is_good(good | {"failed": {"parity, flip": "lost"}})
    assert not is_good(good | {"tests": "failed: 1 failed, 2 passed"})


def test_tests_are_run_and_ended_when_they_take_too_long(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from harness.gpu import collect

    (tmp_path / "cuda").mkdir()
    (tmp_path / "differentiable").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu: here\n")
    test = tmp_path / "cuda" / "test_one.py"
    monkeypatch.setattr(collect, "TESTS", tmp_path)
    for body, outcome in (("pass", "1 passed"), ("assert False", "failed: 1 failed")):
        test.write_text(f"import pytest\n\n@pytest.mark.gpu\ndef test_it():\n    {body}\n")
        assert collect.run_tests().startswith(outcome)
    test.write_text("import pytest, time\n\n@pytest.mark.gpu\ndef test_it():\n    time.sleep(60)\n")
    assert collect.run_tests(seconds=1.0) == "failed: not done after 1 seconds"


def test_a_build_is_for_the_devices_that_are_here(bench_gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_gpu.shutil, "which", lambda name: None)
    assert bench_gpu._architectures() == {}
    monkeypatch.setattr(bench_gpu.shutil, "which", lambda name: name)
    for said, found in (("9.0\n9.0\n8.0\n", "80;90"), ("No devices were found\n", "")):
        done = subprocess.CompletedProcess([], 0, stdout=said)
        monkeypatch.setattr(bench_gpu.subprocess, "run", lambda *a, done=done, **k: done)
        assert bench_gpu._architectures().get("cmake.define.AUGSYNTH_CUDA_ARCHITECTURES", "") == found


def test_it_builds_first_where_there_are_no_kernels(bench_gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run then starts itself again, once."""
    commands: list[tuple[list[str], dict[str, Any]]] = []
    statuses = [0, 7, 1]

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append((command, options))
        return subprocess.CompletedProcess(command, statuses.pop(0))

    monkeypatch.setattr(bench_gpu, "_has_kernels", lambda: False)
    monkeypatch.setattr(bench_gpu, "_architectures", dict)
    monkeypatch.setattr(bench_gpu.subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--only", "32"])
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert bench_gpu.main() == 7
    with pytest.raises(SystemExit, match="could not be built"):
        bench_gpu.main()
    (build, _), (again, options), _ = commands
    assert "-Ccmake.define.AUGSYNTH_CUDA=ON" in build
    assert again == [sys.executable, "gpu.py", "--only", "32"]
    assert options["env"]["PYTHONPATH"] == f"{bench_gpu.BUILT}:/elsewhere"
    monkeypatch.setenv("PYTHONPATH", options["env"]["PYTHONPATH"])
    with pytest.raises(SystemExit, match="has no CUDA kernels there"):
        bench_gpu.main()


def test_the_command_tries_itself_without_a_device(harness: Path, tmp_path: Path) -> None:
    """The tasks of the children, one name each."""
    pytest.importorskip("augsynth._native._cuda", reason="augsynth._native._cuda was not built: no nvcc was found then")
    from harness.gpu.children import answers

    command = [sys.executable, "-m", "harness.gpu.tasks", "cpu"]
    (parity,) = answers([*command, "parity"], ["flip"], str(harness))
    assert [one["dtype"] for one in parity.value] == ["uint8", "uint16", "float32"]
    (unknown,) = answers([*command, "augsynth"], ["no such case"], str(harness))
    assert "no such case" in unknown.failed
