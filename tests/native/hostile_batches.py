"""Batches for the compiled core with a few spoiled fields, and running them with an eye on all memory around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from native_rows import DTYPES, OUTPUT_DTYPES, Array, make_rows, picture
from native_tables import colours, displacements, erasures, missing

from augsynth import _native
from augsynth._native import layout
from augsynth._native.layout import DType, NoiseKind, Tables
from augsynth.errors import ArgumentTypeError, PlanError

EXTREMES = [0.0, -0.0, 1e-300, -1.0, 0.5, 300.0, 2.0**24, 2.0**25, 1e300, -1e300, np.inf, -np.inf, np.nan]
# A filter as wide as 2**24 pixels is sound, and takes minutes.
SUPPORTS = [value for value in EXTREMES if value != 2.0**24]
SIZES = [0, 1, -1, 5, 2**24, 2**24 + 1, 2**31 - 1, -(2**31)]


def affine(rng: np.random.Generator) -> Any:
    """A map that leads anywhere near a small source, upright or not, affine or not."""
    matrix = np.eye(3)
    matrix[:2, :2] = rng.normal(size=(2, 2)) * 4.0 ** rng.uniform(-2, 2)
    matrix[:2, 2] = rng.uniform(-20, 20, 2)
    if rng.random() < 0.5:
        matrix[[0, 1], [1, 0]] = 0.0
    if rng.random() < 0.3:
        matrix[2] = [*rng.uniform(-0.1, 0.3, 2), rng.uniform(0.01, 2)]
    return matrix


def noise(rng: np.random.Generator) -> dict[str, Any]:
    """Noise of any kind, with parameters that suit it."""
    kind = rng.choice(list(NoiseKind))
    if kind == NoiseKind.SALT_AND_PEPPER:
        return {"noise": kind, "noise_parameters": [0.2, rng.choice([0.2, 1.0]), 0.0, 1e300]}
    lowest = rng.choice([5e-324, 1.0, 1e300]) if kind == NoiseKind.POISSON else 0.0
    return {"noise": kind, "noise_parameters": [lowest, rng.choice([0.0, 10.0, 1e300]), 0.0, 0.0]}


def valid_row(rng: np.random.Generator, source: Array, output: Array, kind: DType) -> Array:
    fields = {
        "output_dtype": kind,
        "inverse": affine(rng),
        "support": rng.choice([1.0, 1.7, 30.0], 2),
        "edge": rng.uniform(0.01, 2, 2),
        "stream": rng.integers(0, 2**32, 4),
        "interpolation": rng.integers(0, 3),
        "antialias": rng.integers(0, 2),
        "border": rng.integers(0, 5),
        **noise(rng),
    }
    return make_rows(source, output, **fields)


def any_tables(rng: np.random.Generator, rows: Array) -> Tables:
    """Tables for a batch, and rows that point anywhere into those that suit them."""
    levels = int(rng.choice(list(layout.LUT_LEVELS.values())))
    tables = Tables(
        rng.integers(0, levels, (2, levels), np.uint16),
        np.concatenate([colours(layout.MAX_CHANNELS, 255.0, seed, of_mean=bool(seed)) for seed in range(2)]),
        np.concatenate([erasures(row["output_size"].tolist(), 255.0, seed) for seed, row in enumerate(rows)]),
        np.concatenate([missing(rng.choice([0.0, 7.0, np.nan]), 255.0, seed, bool(seed)) for seed in range(2)]),
        **displacements((20, 30), int(rng.integers(100)), rng.choice([0.0, 4.0, 1e6]), count=2),
    )
    rows["colour"], rows["missing"], rows["displacement"] = rng.integers(-1, 2, (3, len(rows)))
    for i, row in enumerate(rows):
        fits = layout.LUT_LEVELS.get(DType(row["source_dtype"])) == levels
        rows["lut"][i] = rng.integers(-1, 2) if fits else -1
        rows["erasures"][i] = (2 * i, 2 * i + rng.integers(0, 3))
    return tables


def spoil(rng: np.random.Generator, row: Array) -> None:
    """Give one element of one field of a row or of a table's entry an extreme value, or random bytes."""
    field = str(rng.choice(list(row.dtype.fields or ())))
    cells = row[field].reshape(-1)
    cell = cells[rng.integers(cells.size) :][:1]
    if cell.dtype.kind == "f" and (field == "support" or rng.random() < 0.7):
        # Random bytes in `support` could ask for hours of work.
        cell[...] = rng.choice(SUPPORTS if field == "support" else EXTREMES)
    elif cell.dtype == np.int32 and rng.random() < 0.7:
        cell[...] = rng.choice(SIZES)
    else:
        cell.view(np.uint8)[...] = rng.integers(0, 256, cell.nbytes)
    row[field] = cells.reshape(row[field].shape)


def any_view(rng: np.random.Generator, height: int, width: int, channels: int, dtype: Any) -> Array:
    """A source of that shape: steps, flips, any order of the axes, zero strides."""
    axes = rng.permutation(3)
    steps = rng.choice([1, 2, -1, -3], 3)
    shape = np.array([height, width, channels])[axes] * np.abs(steps)
    image = picture(tuple(shape), dtype)[tuple(slice(None, None, step) for step in steps)]
    image = image.transpose(np.argsort(axes))
    return np.broadcast_to(image[:1], image.shape) if rng.random() < 0.2 else image


def window(rng: np.random.Generator, memory: Array, shape: tuple[int, int, int], dtype: Any) -> Array:
    """An output in the middle of `memory`, its lines perhaps with gaps or upside down; in planes, line by line, or
    interleaved."""
    channels, height, width = shape
    item, gap = np.dtype(dtype).itemsize, int(rng.integers(0, 3))
    line = width * item + gap
    layouts = [
        (line * height, line, item),
        (line, line * channels, item),
        (item, width * channels * item + gap, channels * item),
    ]
    start = 100 + int(rng.integers(0, 4))
    view: Array = np.ndarray(shape, dtype, memory.data, start, layouts[rng.integers(len(layouts))])
    return view[:, ::-1] if rng.random() < 0.3 else view


@dataclass(frozen=True)
class Batch:
    """Arguments of one run; each of the `outputs` lies in the middle of one of the `memories`."""

    rows: Array
    sources: Sequence[Array]
    memories: Sequence[Array]
    outputs: Sequence[Array]
    tables: Tables


def hostile_batch(rng: np.random.Generator) -> Batch:
    """One to three images, whose rows and tables have up to two spoiled fields."""
    rows, sources, memories, outputs = [], [], [], []
    for _ in range(rng.integers(1, 4)):
        height, width, new_height, new_width = rng.integers(1, 9, 4).tolist()
        channels = int(rng.integers(1, 6))
        kind = DType(rng.integers(0, len(OUTPUT_DTYPES)))
        sources.append(any_view(rng, height, width, channels, DTYPES[DType(rng.integers(0, len(DTYPES)))]))
        memories.append(rng.integers(0, 256, 8 * channels * (new_height + 1) * (new_width + 1) + 300, np.uint8))
        outputs.append(window(rng, memories[-1], (channels, new_height, new_width), OUTPUT_DTYPES[kind]))
        rows.append(valid_row(rng, sources[-1], outputs[-1], kind))
    batch = np.concatenate(rows)
    tables = any_tables(rng, batch)
    for _ in range(rng.integers(0, 3)):
        structures = (batch, batch, batch, tables.colours, tables.erasures, tables.missing, tables.displacements)
        spoiled = structures[rng.integers(len(structures))]
        spoil(rng, spoiled[rng.integers(len(spoiled)) :][:1])
    return Batch(batch, sources, memories, outputs, tables)


def run_and_look(batch: Batch, threads: int) -> bool:
    """Return whether the core accepts a batch; `AssertionError` if it wrote beside the outputs or before a refusal."""
    before = [memory.copy() for memory in batch.memories], [source.copy() for source in batch.sources]
    try:
        _native.run(batch.rows, batch.sources, batch.outputs, tables=batch.tables, threads=threads)
    except (PlanError, ArgumentTypeError):
        accepted = False
    else:
        accepted = True
        for memory, old, output in zip(batch.memories, before[0], batch.outputs, strict=True):
            offset = output.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
            np.ndarray(output.shape, output.dtype, old.data, offset, output.strides)[...] = output
    for now, then in zip((*batch.memories, *batch.sources), (*before[0], *before[1]), strict=True):
        np.testing.assert_array_equal(now, then)
    return accepted
