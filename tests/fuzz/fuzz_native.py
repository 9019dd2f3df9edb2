"""Plan rows and tables for the compiled core: fields out of range, random bytes, views of any strides.

It refuses what the reference's rules refuse, and nothing else that fits its images. What it writes is all of its
outputs, and no byte beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from fuzz_junk import Rng, pick
from fuzz_trials import RAN

from augsynth import _native
from augsynth._native import layout
from augsynth.errors import PlanError
from augsynth.plan import Pass, check_pass

# The batches are those of the native tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "native"))
from hostile_batches import Batch, hostile_batch, run_and_look
from native_rows import DTYPES, OUTPUT_DTYPES


def native(rng: Rng) -> str:
    """A batch of up to three images with up to two spoiled fields, on any instruction set and up to three threads."""
    _native.set_isa(pick(rng, _native.isas()))
    batch, threads = hostile_batch(rng), int(rng.integers(1, 4))
    unsound = _unsound(batch)
    if run_and_look(batch, threads):
        assert unsound is None, f"the core runs what the rules refuse: {unsound}"
        _check_complete(batch, threads)
        return RAN
    assert unsound is not None or not _fits(batch), "the core refuses what the rules let pass"
    _native.run(batch.rows, batch.sources, batch.outputs, tables=batch.tables)
    raise AssertionError("refused before, and accepted now")


def native_bytes(rng: Rng) -> str:
    """A row of random bytes."""
    row = rng.integers(0, 256, layout.ROW.itemsize, np.uint8).view(layout.ROW)
    _native.run(row, [np.zeros((4, 4, 3), np.uint8)], [np.zeros((3, 4, 4), np.uint8)])
    return RAN


def _unsound(batch: Batch) -> PlanError | None:
    try:
        check_pass(Pass(batch.rows, batch.tables))
    except PlanError as error:
        return error
    return None


def _fits(batch: Batch) -> bool:
    """Return whether the rows describe their images correctly."""
    for row, source, output in zip(batch.rows, batch.sources, batch.outputs, strict=True):
        if (*row["source_size"], row["channels"]) != source.shape or (*row["output_size"],) != output.shape[1:]:
            return False
        if DTYPES.get(row["source_dtype"]) != source.dtype or OUTPUT_DTYPES.get(row["output_dtype"]) != output.dtype:
            return False
    return True


def _check_complete(batch: Batch, threads: int) -> None:
    """Run once more into memory with other contents: the outputs are the same only if all of them was written."""
    first = [output.tobytes() for output in batch.outputs]
    for memory in batch.memories:
        np.bitwise_not(memory, out=memory)
    _native.run(batch.rows, batch.sources, batch.outputs, tables=batch.tables, threads=threads)
    assert first == [output.tobytes() for output in batch.outputs], "an output depends on what its memory held"
