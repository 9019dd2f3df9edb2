"""A pass by the reference, as `docs/design/numerics.md` defines it."""

from __future__ import annotations

import numpy as np

from augsynth._native.layout import DType, Tables
from augsynth.core.typing import Floats, Image, Images
from augsynth.engine.reference.noise import add_noise
from augsynth.engine.reference.rounding import store
from augsynth.engine.reference.sampling import sample
from augsynth.engine.reference.tables import erase, fill_missing, look_up, map_colours, neutral
from augsynth.plan import Pass, Rows, check_pass

_NONE = Tables()


def run(rows: Rows, sources: Images, outputs: Images, *, tables: Tables = _NONE) -> None:
    """Render each source (H, W, C) into its output (C, H, W).

    Args:
        rows: one row for each image.
        sources: n images (H, W, C).
        outputs: n arrays (C, H, W) that are written.
        tables: tables that the rows refer to.
    """
    check_pass(Pass(rows, tables))
    for row, source, output in zip(rows, sources, outputs, strict=True):
        output[...] = store(render(row, source, tables), DType(row["output_dtype"]))


def render(row: np.void, source: Image, tables: Tables = _NONE) -> Floats:
    """Return the float64 output (C, H, W) of one row.

    Args:
        row: row of a plan.
        source: image (H, W, C).
        tables: tables that the row points into; empty by default.
    """
    values = sample(row, fill_missing(row, source, tables), tables)
    return finish(row, map_colours(row, look_up(row, values, tables), tables), tables)


def finish(row: np.void, values: Floats, tables: Tables = _NONE) -> Floats:
    """Return the values (C, H, W) after the last stages of a pass: noise, clamp, erasures, gain and bias.

    Args:
        row: row of a plan.
        values: float64 (C, H, W), in the source's units.
        tables: tables that the row points into; empty by default.
    """
    values = add_noise(row, values)
    values = np.minimum(np.maximum(values, row["clamp"][0]), row["clamp"][1])
    values = erase(row, values, tables)
    channels = int(row["channels"])
    gain = row["gain"][:channels]
    result: Floats = values * gain[:, None, None] + neutral(row["bias"][:channels], gain == 1)[:, None, None]
    return result
