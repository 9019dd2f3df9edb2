"""A whole run in stages, saved after each answer, so an interrupted run keeps its results."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness import machine
from harness.gpu.cases import GpuCase
from harness.gpu.children import Answer, answers
from harness.gpu.contenders import CONTENDERS
from harness.gpu.parity import PIPELINES
from harness.gpu.tasks import OURS
from harness.gpu.timing import WARM_UP

BENCH = Path(__file__).resolve().parents[2]
TESTS = BENCH.parent / "tests"
TEST_FOLDERS = ("cuda", "differentiable")
TEST_SECONDS = 300
NOT_REACHED = "not reached"

Results = dict[str, Any]
Save = Callable[[Results], None]


@dataclass
class Row:
    """Results of a case: milliseconds a batch of the call, the launch and the peers; the bytes moved; and remarks."""

    case: str
    batch: int
    aim: float | None = None
    call: float | None = None
    launch: float | None = None
    bytes: int | None = None
    peers: dict[str, float] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class Collection:
    """Results of all cases on a device, by torch's name of it; `save` gets all results after each change."""

    def __init__(self, cases: Iterable[GpuCase], device: str, save: Save) -> None:
        self.device = device
        self.save = save
        self.rows = {case.name: Row(case.name, case.batch, case.aim) for case in cases}
        for row in self.rows.values():
            row.missing = dict.fromkeys(CONTENDERS, NOT_REACHED)
        self.found: Results = {
            "machine": machine.describe(),
            "warm_up": WARM_UP,
            "parity": [],
            "failed": {},
            "tests": NOT_REACHED,
        }

    def all(self) -> Results:
        """Every stage in turn; the quick ones and those that say most come first."""
        self._describe()
        self._compare()
        self._measure()
        for name in CONTENDERS:
            self._measure_peer(name)
        if self.device != "cpu":
            self.found["tests"] = run_tests()
        self._keep()
        return self.results()

    def results(self) -> Results:
        """Return all results so far."""
        return self.found | {"rows": [asdict(row) for row in self.rows.values()]}

    def _describe(self) -> None:
        for answer in self._ask("device", ["device"]):
            if answer.failed:
                raise SystemExit(f"no device to measure on: {answer.failed}")
            self.found |= answer.value
            self._keep()

    def _compare(self) -> None:
        for answer in self._ask("parity", PIPELINES):
            if not self._is_failed("parity", answer):
                self.found["parity"] += answer.value
            self._keep()

    def _measure(self) -> None:
        for answer in self._ask(OURS, self.rows):
            if not self._is_failed(OURS, answer):
                row = self.rows[answer.name]
                row.call, row.launch, row.bytes = (answer.value[key] for key in ("call", "launch", "bytes"))
            self._keep()

    def _measure_peer(self, name: str) -> None:
        if lacking := CONTENDERS[name].missing():
            for row in self.rows.values():
                row.missing[name] = lacking
            return
        for answer in self._ask(name, self.rows):
            row = self.rows[answer.name]
            value = answer.value or {"missing": answer.failed}
            if "milliseconds" in value:
                del row.missing[name]
                row.peers[name], row.notes[name] = value["milliseconds"], value["notes"]
            else:
                row.missing[name] = value["missing"]
            self._keep()

    def _ask(self, task: str, names: Iterable[str]) -> Iterable[Answer]:
        print(f"== {task}", flush=True)
        return answers([sys.executable, "-m", "harness.gpu.tasks", self.device, task], names, str(BENCH))

    def _is_failed(self, task: str, answer: Answer) -> bool:
        if answer.failed:
            self.found["failed"][f"{task}, {answer.name}"] = answer.failed
        return bool(answer.failed)

    def _keep(self) -> None:
        self.save(self.results())


def is_good(results: Results) -> bool:
    """Return whether pictures of device and CPU are equal, and all work and tests of augsynth succeeded."""
    differing = any(entry["differing"] for entry in results["parity"])
    return not (differing or results["failed"] or results["tests"].startswith("failed"))


def run_tests(seconds: float = TEST_SECONDS) -> str:
    """Return the outcome of the tests marked `gpu`, in words."""
    lacking = [name for name in ("pytest", "hypothesis") if find_spec(name) is None]
    if lacking:
        return f"not run, as {' and '.join(lacking)} is not installed"
    print("== tests", flush=True)
    # Elsewhere than in the source tree, whose package has no kernels and would be found first.
    folders = [str(TESTS / name) for name in TEST_FOLDERS]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu", *folders]
    try:
        done = subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"failed: not done after {seconds:.0f} seconds"
    print(done.stdout, done.stderr, sep="\n", flush=True)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()[-200:]
    return last if done.returncode == 0 else f"failed: {last}"
