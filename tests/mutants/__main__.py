"""Break the code on purpose, one place at a time, and demand that the tests notice: `make mutants`.

    python tests/mutants            all of them
    python tests/mutants noise      those that have the word in what they break or in their file's name

Each mutant changes one line in a copy of the repository; a native one is compiled. The tests named beside it must then
fail. A mutant that survives, or whose line is no longer there, makes the run fail.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from native_mutants import NATIVE
from python_mutants import PYTHON
from working_copy import WorkingCopy

# Mutants that need no compiler come first, while the extension of the copy is whole.
MUTANTS = PYTHON + NATIVE


def main(word: str = "") -> int:
    """Try the mutants; the number of survivors."""
    chosen = [mutant for mutant in MUTANTS if word in mutant.breaks or word in mutant.file]
    if not chosen:
        raise SystemExit(f"no mutant has {word!r} in what it breaks or in its file's name")
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = WorkingCopy(Path(folder))
        for number, mutant in enumerate(chosen, start=1):
            with copy.broken(mutant):
                survives = copy.passes(*mutant.tests)
            survivors += survives
            print(f"[{number}/{len(chosen)}] {'SURVIVED' if survives else 'noticed'}: {mutant.breaks}", flush=True)
    print(f"{len(chosen) - survivors} noticed, {survivors} survived")
    return survivors


if __name__ == "__main__":
    sys.exit(min(main(*sys.argv[1:]), 1))
