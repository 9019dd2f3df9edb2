"""Gate on speed: counts the instructions of fixed workloads, and compares them with a stored baseline.

    python bench/compare.py             exit status 1 if any workload takes more instructions than the baseline allows
    python bench/compare.py --update    store what is counted now as the baseline

callgrind counts instructions only inside `augsynth::run`, on one thread. So the speed of the machine, its load and
Python have no effect. Valgrind emulates a CPU without AVX-512, so the baseline and AVX2 stand for all instruction sets.
The count depends on the compiler: if it differs from that of the stored baseline, the tolerance is wider.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from augsynth import transforms as T
from augsynth.plan import Plan

BASELINE = Path(__file__).parent / "results" / "instructions.json"
REPLAY = Path(__file__).with_name("replay.py")
ISAS = ("baseline", "avx2")
TOLERANCE = 0.05
OTHER_COMPILER_TOLERANCE = 0.25

NORMALIZE = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
FLIP = T.RandomHorizontalFlip(p=1.0)
ROTATION = T.RandomRotation((15, 15), border="reflect")
NOISE = T.GaussianNoise(sigma=0.02)

Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Workload:
    """One kind of work.

    Args:
        transforms: transforms of one pass.
        shape: (H, W, C) of the images.
        dtype: dtype of the images.
        batch: number of images.
        tilt: perspective term of the maps.
    """

    transforms: tuple[T.Transform, ...]
    shape: tuple[int, int, int] = (256, 320, 3)
    dtype: str = "uint8"
    batch: int = 1
    tilt: float = 0.0

    def plan(self) -> Plan:
        """Return the plan, of one pass, which is always the same."""
        keys = [(0, 0, index) for index in range(self.batch)]
        plan = T.Compose(self.transforms).plan([self.shape] * self.batch, keys, dtype=self.dtype)
        (step,) = plan.passes
        step.rows["inverse"][:, 2, 0] = self.tilt
        return plan


WORKLOADS = {
    "crop, flip, normalize": Workload((T.CenterCrop(224), FLIP, NORMALIZE)),
    "resize": Workload((T.Resize((224, 224), antialias=False), FLIP, NORMALIZE)),
    "resize, antialiased": Workload((T.Resize((128, 128)), FLIP, NORMALIZE)),
    "rotation": Workload((ROTATION, T.CenterCrop(224), NORMALIZE)),
    "rotation, noise": Workload((ROTATION, T.CenterCrop(224), NOISE, NORMALIZE)),
    "rotation, noise, float32": Workload((ROTATION, T.CenterCrop(224), NOISE, NORMALIZE), dtype="float32"),
    "rotation, bicubic": Workload(
        (T.RandomRotation((15, 15), border="reflect", interpolation="bicubic"), T.CenterCrop(224), NORMALIZE)
    ),
    "perspective": Workload((ROTATION, T.CenterCrop(224), NORMALIZE), tilt=1e-4),
    "flip of bytes": Workload((FLIP,)),
    "colours": Workload((T.ColorJitter((1.2, 1.2), (0.8, 0.8), (0.7, 0.7), (0.1, 0.1)), NORMALIZE)),
    "lookup table": Workload((T.RandomPosterize(4, p=1.0), NORMALIZE)),
    "erasing by noise": Workload((T.RandomErasing(1.0, value="random"), NORMALIZE)),
    "missing values": Workload((T.FillMissing("mean", missing=0), NORMALIZE)),
    "28x28, batch of 64": Workload(
        (T.RandomCrop(28, padding=4), T.RandomHorizontalFlip(), T.RandomRotation(15), NOISE, T.Normalize([0.5], [0.5])),
        shape=(28, 28, 1),
        batch=64,
    ),
}


@dataclass(frozen=True)
class Result:
    """Instructions by instruction set and workload, with the machine and the compiler that they depend on."""

    machine: str
    compiler: str
    instructions: Counts

    @classmethod
    def read(cls, path: Path) -> Result:
        """Read a stored result."""
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """Store as JSON."""
        path.write_text(json.dumps(vars(self), indent=2) + "\n")


def count() -> Result:
    """Run every workload under callgrind."""
    with tempfile.TemporaryDirectory() as folder:
        for name, workload in WORKLOADS.items():
            workload.plan().save(Path(folder) / f"{name}.npz")
        # Two spellings of one pattern, because callgrind keeps a single option for each.
        options = ["--toggle-collect=augsynth::run(*", "--dump-after=augsynth::run(std*"]
        command = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={folder}/counts", *options]
        finished = subprocess.run(
            [*command, sys.executable, REPLAY, folder, *ISAS],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        if finished.returncode:
            raise SystemExit(f"{REPLAY.name} failed under callgrind with exit status {finished.returncode}")
        ran = json.loads(finished.stdout)
        totals = [_total(Path(folder) / f"counts.{number}") for number in range(2, len(ran["calls"]) + 2)]
    counts: Counts = {}
    for (isa, name), total in zip(ran["calls"], totals, strict=True):
        counts.setdefault(isa, {})[name] = total
    return Result(platform.machine(), ran["compiler"], counts)


def _total(dump: Path) -> int:
    found = re.search(r"^totals: (\d+)$", dump.read_text(), re.MULTILINE) if dump.exists() else None
    if found is None:
        raise SystemExit("callgrind did not see augsynth::run: was the extension stripped of its symbols?")
    return int(found[1])


def compare(now: Result, before: Result, tolerance: float) -> tuple[list[str], bool]:
    """Return a table of both, and whether no count grew; a workload without a baseline fails."""
    lines = [f"{'instructions':40}{'baseline':>14}{'now':>14}{'change':>9}"]
    passed = True
    for isa, counts in now.instructions.items():
        stored = before.instructions.get(isa, {})
        for name in [*counts, *(stored.keys() - counts.keys())]:
            old, new = stored.get(name), counts.get(name)
            row = f"{isa + ': ' + name:40}{old or '-':>14}{new or '-':>14}"
            if old is None or new is None:
                lines.append(f"{row}{'':9}  not in both")
                passed = False
                continue
            grew = new > old * (1 + tolerance)
            lines.append(f"{row}{new / old - 1:>+9.1%}{'  SLOWER' if grew else ''}")
            passed &= not grew
    missing = before.instructions.keys() - now.instructions.keys()
    return [*lines, *(f"{isa}: not measured, this CPU does not have it" for isa in sorted(missing))], passed


def is_outdated(now: Result, before: Result, tolerance: float) -> bool:
    """Return whether a workload became so much faster that the baseline would hide a later loss."""
    return any(
        counts[name] < old * (1 - tolerance)
        for isa, counts in now.instructions.items()
        for name, old in before.instructions.get(isa, {}).items()
        if name in counts
    )


def main(
    update: Annotated[bool, typer.Option("--update", help="Store the counts as the new baseline.")] = False,
    tolerance: Annotated[float, typer.Option(min=0, help="The growth allowed, as a fraction.")] = TOLERANCE,
) -> None:
    """Count instructions, and compare them with the baseline."""
    if not shutil.which("valgrind"):
        typer.echo("SKIPPED: instruction counts need valgrind, which is not installed")
        return
    now = count()
    if update:
        now.write(BASELINE)
        typer.echo(f"{BASELINE} written: {now.compiler}, {', '.join(now.instructions)}")
        return
    before = Result.read(BASELINE)
    if now.machine != before.machine:
        typer.echo(f"SKIPPED: this is {now.machine}, and the baseline was counted on {before.machine}")
        return
    if now.compiler != before.compiler:
        tolerance = max(tolerance, OTHER_COMPILER_TOLERANCE)
        typer.echo(f"built by {now.compiler}, the baseline by {before.compiler}: {tolerance:.0%} allowed")
    lines, passed = compare(now, before, tolerance)
    typer.echo("\n".join(lines))
    if is_outdated(now, before, tolerance):
        typer.echo("quicker than the baseline: store that with bench/compare.py --update")
    if not passed:
        typer.echo(f"more than {tolerance:.0%} slower, or not comparable; if that is meant: bench/compare.py --update")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
