"""Runs stored plans once each over made-up pictures, on one instruction set after the other.

    python bench/replay.py FOLDER ISA [ISA ...]

`bench/compare.py` starts this under callgrind, where a program runs fifty times slower: neither torch nor the
transforms are imported. The first plan runs once more than the others, before them, to bind the library's symbols.
Prints what ran, in that order, and the compiler, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from augsynth import _native
from augsynth._native.layout import DType
from augsynth.plan import NUMPY_DTYPES, Plan


def run_once(plan: Plan) -> None:
    """Run the plan's only pass over pictures of its size: a gradient, finite in every dtype."""
    (step,) = plan.passes
    sources, outputs = [], []
    for row in step.rows:
        shape = (*row["source_size"].tolist(), int(row["channels"]))
        values = np.arange(np.prod(shape), dtype=np.int64).reshape(shape) % 251
        sources.append(values.astype(NUMPY_DTYPES[DType(int(row["source_dtype"]))]))
        outputs.append(np.empty((shape[2], *row["output_size"]), NUMPY_DTYPES[DType(int(row["output_dtype"]))]))
    _native.run(step.rows, sources, outputs, tables=step.tables, threads=1)


def main(folder: str, *wanted: str) -> None:
    """Run every plan of `folder`, by name, on those of the `wanted` instruction sets that there are."""
    plans = {path.stem: Plan.load(path) for path in sorted(Path(folder).glob("*.npz"))}
    run_once(next(iter(plans.values())))
    calls = []
    for isa in wanted:
        if isa in _native.isas():
            _native.set_isa(isa)
            for name, plan in plans.items():
                run_once(plan)
                calls.append((isa, name))
    print(json.dumps({"calls": calls, "compiler": _native.build_info()["compiler"]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
