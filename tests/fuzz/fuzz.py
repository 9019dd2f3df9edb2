"""Feed augsynth hostile inputs: each has to run, or to be refused in words. `make fuzz` does so under AddressSanitizer.

    python tests/fuzz/fuzz.py --inputs 20000              20,000 inputs a subject, and a table of what became of them
    python tests/fuzz/fuzz.py --only images --first 1234 --inputs 1

Subjects run in processes of their own. One that crashes, or hangs over an input, ends, and another goes on behind it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fuzz_checkpoints import checkpoints
from fuzz_data import archives, pictures, pools
from fuzz_descriptions import descriptions, parameters
from fuzz_files import damaged_plans, hostile_plans, jpegs
from fuzz_images import batches, images
from fuzz_native import native, native_bytes
from fuzz_targets import inversions, targets
from fuzz_trials import FOUND, RAN, REFUSED, TOO_LARGE, Subject, trials

SUBJECTS: dict[str, Subject] = {
    "native": native,
    "native-bytes": native_bytes,
    "images": images,
    "batches": batches,
    "targets": targets,
    "inversions": inversions,
    "descriptions": descriptions,
    "parameters": parameters,
    "damaged-plans": damaged_plans,
    "hostile-plans": hostile_plans,
    "jpegs": jpegs,
    "checkpoints": checkpoints,
    "pictures": pictures,
    "archives": archives,
    "pools": pools,
}
PROGRAM = Path(__file__).resolve()
_LONGEST = 3000


@dataclass
class Tally:
    """Outcome of the inputs of a subject; `findings` has each message once, with the first number and the count."""

    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    findings: dict[str, tuple[int, int, str]] = field(default_factory=dict)

    def add(self, number: int, outcome: str, detail: str) -> None:
        self.outcomes[outcome] += 1
        if outcome == REFUSED:
            self.refusals[detail] += 1
        if outcome == FOUND:
            where = detail.partition("\n\n")[0]
            first, count, story = self.findings.get(where, (number, 0, detail))
            self.findings[where] = (first, count + 1, story)


def campaign(name: str, seed: int, numbers: range, limit: float) -> Tally:
    """Try a subject's inputs in child processes, each going on where the last one died."""
    tally, number = Tally(), numbers.start
    while number < numbers.stop:
        arguments = ["--child", "--only", name, "--seed", str(seed), "--first", str(number), "--limit", str(limit)]
        command = [sys.executable, str(PROGRAM), *arguments, "--inputs", str(numbers.stop - number)]
        with (
            tempfile.TemporaryFile("w+") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as child,
        ):
            assert child.stdout is not None
            for line in child.stdout:
                tally.add(number, *json.loads(line))
                number += 1
            status = child.wait()
            if number < numbers.stop:
                errors.seek(0)
                tally.add(number, FOUND, _obituary(status, errors.read()))
                number += 1
    return tally


def _obituary(status: int, said: str) -> str:
    summary = [line for line in said.splitlines() if line.startswith(("SUMMARY", "Timeout"))]
    report = said[max(said.find("ERROR: "), 0) :][:_LONGEST]  # a sanitizer's begins so, and is long
    return "\n".join([f"the process ended with {status}", *summary, "", report])


def table(tallies: dict[str, Tally]) -> str:
    """One line a subject, and their sum."""
    total = sum((tally.outcomes for tally in tallies.values()), Counter[str]())
    rows = {**{name: tally.outcomes for name, tally in tallies.items()}, "all": total}
    names = (RAN, REFUSED, TOO_LARGE, FOUND)
    lines = [f"{'subject':15}{'tried':>10}" + "".join(f"{name:>12}" for name in names)]
    for name, outcomes in rows.items():
        counts = "".join(f"{outcomes[kind]:>12,}" for kind in names)
        lines.append(f"{name:15}{outcomes.total():>10,}{counts}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1000, help="how many for each subject")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--only", choices=SUBJECTS, nargs="*", default=list(SUBJECTS), help="these subjects only")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds after which an input counts as a hang")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    numbers = range(given.first, given.first + given.inputs)
    if given.child:
        for outcome in trials(SUBJECTS[given.only[0]], given.only[0], given.seed, numbers, given.limit):
            print(json.dumps(outcome), flush=True)
        return 0
    tallies = {}
    for name in given.only:
        tallies[name] = tally = campaign(name, given.seed, numbers, given.limit)
        print(f"{name}: {dict(tally.outcomes)}, refused with {dict(tally.refusals)}", flush=True)
        for first, count, story in tally.findings.values():
            again = f"--only {name} --seed {given.seed} --first {first} --inputs 1"
            print(f"\nFOUND {count} times, first {again}\n{story}\n")
    print(f"\n{table(tallies)}")
    return int(any(tally.findings for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
