"""Time of augmentations, for augsynth and its peers: one table of transforms and pipelines.

    AUGSYNTH_DATA=folder python bench/augment.py                          everything: ten to fifteen minutes
    AUGSYNTH_DATA=folder python bench/augment.py --quick                  few rounds over few images: two minutes
    AUGSYNTH_DATA=folder python bench/augment.py --only noise --isas avx2

Results go to bench/results/augment.json, .md and .svg; a run that leaves something out writes to build/bench instead.
bench/README.md explains the measurements and the table.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harness.cases import Case
    from harness.images import ImageSet
    from harness.peers import Peer
    from harness.peers.ours import Augsynth
    from harness.suite import Row

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"
PARTIAL = ROOT / "build" / "bench"
THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "AUGSYNTH_NUM_THREADS")
QUICK_WINDOW = {"photos": 16, "even": 16, "cifar": 256, "mnist": 256}
THREADS_CASE = "rotated crop + noise"


@dataclass(frozen=True)
class Scope:
    """Work that a run measures."""

    cases: list[Case]
    sets: dict[str, ImageSet]
    ours: list[Augsynth]
    peers: list[Peer]
    rounds: int

    @property
    def batched(self) -> list[Augsynth]:
        """Batched contenders of augsynth, the best instruction set first."""
        return [contender for contender in self.ours if not contender.single]

    def turns(self) -> int:
        """Return an upper limit of the number of turns, for the progress bar."""
        entrants = len(self.ours) + len(self.peers)
        each = (self.rounds + 1) * (2 * (entrants + 1))
        loaders = sum(case.loader for case in self.cases) * (self.rounds + 1) * entrants
        return len(self.cases) * each + loaders + 6 * (3 * self.rounds + 1)


def main(
    quick: Annotated[bool, typer.Option(help="Few rounds over few images: a trial, not a result.")] = False,
    only: Annotated[str, typer.Option(help="A regular expression: cases whose names it matches.")] = "",
    isas: Annotated[
        str, typer.Option(help="Instruction sets of ours, best first, by commas; all but scalar by default.")
    ] = "",
    peers: Annotated[str, typer.Option(help="Libraries to compare, by commas; all by default, '-' for none.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median of them counts.")] = 7,
    output: Annotated[Path | None, typer.Option(help="Folder for the results.")] = None,
) -> None:
    """Measure augsynth and its peers on the same work."""
    for name in THREAD_SETTINGS:
        os.environ[name] = "1"
    if not (_data() / "photos100.tar").exists():
        raise typer.BadParameter(f"no file photos100.tar in {str(_data())!r}: set AUGSYNTH_DATA to its folder")
    from harness.peers import MODULES, load_peers

    wanted = [name for name in re.split(r"[,\s]+", peers) if name not in ("", "-")] or list(MODULES)
    for name in set(wanted) - set(MODULES):
        raise typer.BadParameter(f"no library {name!r}: there are {', '.join(MODULES)}")
    found, left_out = load_peers([] if peers == "-" else wanted)
    scope = _scope(found, isas, only, rounds, quick)
    results = _measure(scope, left_out)
    complete = not (quick or only or isas or peers)
    _write(results, output or (RESULTS if complete else PARTIAL))


def _data() -> Path:
    return Path(os.environ.get("AUGSYNTH_DATA", "."))


def _scope(peers: list[Peer], isas: str, only: str, rounds: int, quick: bool) -> Scope:
    import torch
    from harness.cases import CASES
    from harness.images import load_set
    from harness.peers.ours import Augsynth

    torch.set_num_threads(1)
    cases = [case for case in CASES if re.search(only, case.name)]
    if not cases:
        raise typer.BadParameter(f"no case matches {only!r}: there are {', '.join(case.name for case in CASES)}")
    sets = {name: load_set(name, _data()) for name in sorted({case.images for case in cases})}
    if quick:
        sets = {name: replace(images, window=QUICK_WINDOW[name]) for name, images in sets.items()}
        cases = [replace(case, batch=min(case.batch, QUICK_WINDOW[case.images])) for case in cases]
    best = _isas(isas)
    ours = [Augsynth(isa) for isa in best] + [Augsynth(best[0], single=True)]
    return Scope(cases, sets, ours, peers, min(rounds, 2) if quick else rounds)


def _isas(names: str) -> list[str]:
    from augsynth import _native

    ours = [isa for isa in _native.isas() if isa != "scalar"]  # which is for tests
    wanted = [name for name in re.split(r"[,\s]+", names) if name] or ours
    for name in set(wanted) - set(_native.isas()):
        raise typer.BadParameter(f"this build and processor have no {name!r}, but {', '.join(_native.isas())}")
    return wanted


def _measure(scope: Scope, left_out: dict[str, str]) -> dict[str, Any]:
    from harness import machine

    from augsynth.progress import progress_bar

    before = machine.load()
    rows = []
    with progress_bar("measuring", scope.turns()) as advance:
        for case in scope.cases:
            rows += _rows(scope, case, lambda name=case.name: advance(1, name))
        threads = _threads(scope, lambda: advance(1, "threads"))
    return {
        "machine": machine.describe(),
        "load": {"before": before, "after": machine.load()},
        "versions": machine.versions(["torch", "numpy", *(peer.distribution for peer in scope.peers)]),
        "settings": _settings(scope),
        "left_out": left_out,
        "rows": [row.as_json() for row in rows],
        "threads": threads,
    }


def _rows(scope: Scope, case: Case, advance: Any) -> list[Row]:
    """Return all measurements of a case."""
    from harness.suite import inspect, measure_case, measure_loader

    images = scope.sets[case.images]
    remarks = inspect(case, images, scope.ours, scope.peers)
    rows = measure_case(case, images, [*scope.ours, *scope.peers], remarks, scope.rounds, advance)
    if case.loader:
        rows.append(measure_loader(case, images, [*scope.batched, *scope.peers], remarks, scope.rounds, advance))
    return rows


def _settings(scope: Scope) -> dict[str, Any]:
    return {
        "rounds": scope.rounds,
        "isas": [contender.isa for contender in scope.batched],
        "ours": [contender.name for contender in scope.ours],
        "peers": [peer.name for peer in scope.peers],
        "windows": {name: images.window for name, images in scope.sets.items()},
        "megabytes": {name: round(images.megabytes, 1) for name, images in scope.sets.items()},
        "operations": {case.name: [repr(op) for op in case.ops] for case in scope.cases},
        "process clock": [peer.name for peer in scope.peers if peer.clock.__name__ == "process_time"],
    }


def _threads(scope: Scope, advance: Any) -> dict[str, Any]:
    """Compare one thread with two, if this case is measured and there are two cores."""
    from harness import machine
    from harness.suite import measure_threads

    chosen = [case for case in scope.cases if case.name == THREADS_CASE]
    if not chosen or (os.cpu_count() or 1) < 2:
        return {}
    case, load = chosen[0], machine.load()
    rounds = 3 * scope.rounds
    found = measure_threads(case, scope.sets[case.images], scope.ours[0].isa, rounds, advance)
    return {
        "case": case.name,
        "batch": scope.sets[case.images].window,
        "rounds": rounds,
        "cores": os.cpu_count(),
        "load": load,
        "times": {
            name: {str(number): asdict(timing) for number, timing in times.items()} for name, times in found.items()
        },
    }


def _write(results: dict[str, Any], folder: Path) -> None:
    """Write the results as JSON, as a table and as a picture, and print the table."""
    from harness.plot import draw
    from harness.report import markdown

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "augment.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    table = markdown(results)
    (folder / "augment.md").write_text(table)
    draw(results, folder / "augment.svg")
    print(table)
    print(f"written to {folder}: augment.json, augment.md, augment.svg")


if __name__ == "__main__":
    typer.run(main)
