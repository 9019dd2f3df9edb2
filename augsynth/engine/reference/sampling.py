"""Sampling in float64: positions, taps and borders, as `docs/design/numerics.md` defines them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from augsynth._native.layout import Border, DType, Interpolation, Tables
from augsynth.core.typing import Floats, Image, Ints
from augsynth.engine.reference.rounding import store
from augsynth.plan.splines import control_grid, offsets_at

_NONE = Tables()


def positions(row: np.void, tables: Tables) -> tuple[Floats, Floats]:
    """Return the source coordinates (x, y), each (H, W), of the centres of the output's pixels."""
    height, width = row["output_size"]
    x = np.arange(width) + 0.5
    y = (np.arange(height) + 0.5)[:, None]
    if row["displacement"] < 0:
        return _transformed(row["inverse"], x, y)
    entry = tables.displacements[row["displacement"]]
    px, py = _transformed(entry["before"], x, y)
    grid = control_grid(entry, tables.offsets)
    dx, dy = offsets_at(grid, entry["origin"], entry["spacing"], px, py)
    return _transformed(entry["after"], px + dx, py + dy)


def _transformed(m: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return points after a projective map (3, 3)."""
    sx = (m[0, 0] * x + m[0, 1] * y) + m[0, 2]
    sy = (m[1, 0] * x + m[1, 1] * y) + m[1, 2]
    if m[2, 0] == 0 and m[2, 1] == 0 and m[2, 2] == 1:
        return sx, sy
    w = (m[2, 0] * x + m[2, 1] * y) + m[2, 2]
    return sx / w, sy / w


@np.errstate(invalid="ignore")  # infinities may meet
def sample(row: np.void, source: Image, tables: Tables = _NONE) -> Floats:
    """Return the values (C, H, W) at the row's positions in the source, with the border.

    Args:
        row: row of a plan.
        source: image (H, W, C).
        tables: tables that the row points into; empty by default.
    """
    if row["antialias"] and not keeps_axes(row) and row["interpolation"] != Interpolation.NEAREST:
        if np.any(reduced_size(row) != row["source_size"]):
            source = store(sample(reduction_of(row), source), DType(row["source_dtype"])).transpose(1, 2, 0)
        row, tables = warp_of(row, tables)
    source = source.astype(np.float64)
    sx, sy = positions(row, tables)
    height, width = source.shape[:2]
    x_index, x_weight = taps(row, sx, width, axis=0)
    y_index, y_weight = taps(row, sy, height, axis=1)
    total = np.full((*sx.shape, source.shape[2]), -0.0)
    for j in range(y_index.shape[-1]):
        line = np.full_like(total, -0.0)
        for i in range(x_index.shape[-1]):
            line += weighed(x_weight[..., i, None], source[y_index[..., j], x_index[..., i]])
        total += weighed(y_weight[..., j, None], line)
    values = np.moveaxis(total, -1, 0)
    if row["border"] != Border.CONSTANT:
        return values
    fill = row["fill"][: source.shape[2], None, None]
    k = coverage(row, sx, width, axis=0) * coverage(row, sy, height, axis=1)
    return np.where(k == 0, fill, np.where(k == 1, values, fill * (1 - k) + values * k))


def weighed(weight: Floats, values: Floats) -> Floats:
    """Return `weight` times `values`; -0 where the weight is 0, whatever the values are."""
    return np.where(weight == 0, -0.0, weight * values)  # -0 changes no sum, and 0 makes -0 a 0


def reduced_size(row: np.void) -> Ints:
    """Return the (height, width) to which antialiasing reduces the source before it is turned."""
    size = np.floor(row["source_size"] / row["support"][::-1] + 0.5)
    whole: Ints = np.maximum(size, 1).astype(np.int64)
    return whole


def keeps_axes(row: np.void) -> bool:
    """Return whether the row's map takes the axes of the output to those of the source, in either order.

    Args:
        row: row of a plan.
    """
    m = row["inverse"]
    affine = row["displacement"] < 0 and m[2, 0] == 0 and m[2, 1] == 0 and m[2, 2] == 1
    return bool(affine and (m[0, 1] == m[1, 0] == 0 or m[0, 0] == m[1, 1] == 0))


def reduction_of(row: np.void) -> np.void:
    """Return the row that makes the source smaller, in its own dtype."""
    size = reduced_size(row)
    scale = (row["source_size"] / size)[::-1]
    reduction: np.void = np.zeros(1, row.dtype)[0]
    for field in ("source_size", "channels", "source_dtype", "interpolation", "antialias", "border"):
        reduction[field] = row[field]
    reduction["lut"] = reduction["colour"] = reduction["missing"] = reduction["displacement"] = -1
    reduction["output_size"], reduction["output_dtype"] = size, row["source_dtype"]
    reduction["inverse"], reduction["support"] = np.diag([*scale, 1.0]), scale
    reduction["gain"], reduction["edge"], reduction["clamp"] = 1.0, 1.0, (-np.inf, np.inf)
    if row["border"] == Border.CONSTANT:
        reduction["border"] = Border.REPLICATE
    return reduction


def warp_of(row: np.void, tables: Tables = _NONE) -> tuple[np.void, Tables]:
    """Return the row that renders the output from the smaller picture, without antialiasing, and its tables.

    Args:
        row: row of a plan.
        tables: tables that the row points into; empty by default.
    """
    size = reduced_size(row)
    ratio = (size / row["source_size"])[::-1]
    warp: np.void = row.copy()
    warp["source_size"], warp["antialias"], warp["support"] = size, 0, 1.0
    warp["inverse"][:2] *= ratio[:, None]
    warp["edge"] *= ratio
    displacements = tables.displacements.copy()
    displacements["after"][:, :2] *= ratio[:, None]
    return warp, replace(tables, displacements=displacements)


def taps(row: np.void, s: Floats, size: int, axis: int) -> tuple[Ints, Floats]:
    """Return the indices and weights (H, W, taps) along one axis.

    Args:
        row: row of the plan.
        s: positions (H, W) in the source.
        size: length of the source in pixels.
        axis: 0 for x, 1 for y.
    """
    interpolation = Interpolation(row["interpolation"])
    if interpolation == Interpolation.NEAREST:
        return mapped(np.floor(s)[..., None], size, Border(row["border"])), np.ones((*s.shape, 1))
    if row["antialias"]:
        return _filter_taps(row, s, size, float(row["support"][axis]))
    u = s - 0.5
    base = np.floor(u)
    f = u - base
    if interpolation == Interpolation.BILINEAR:
        index = np.stack([base, base + 1], axis=-1)
        weight = np.stack([1 - f, f], axis=-1)
    else:
        index = np.stack([base - 1, base, base + 1, base + 2], axis=-1)
        weight = np.stack(
            [
                keys_cubic(f + 1, -0.75),
                keys_cubic(f, -0.75),
                keys_cubic(1 - f, -0.75),
                keys_cubic(2 - f, -0.75),
            ],
            axis=-1,
        )
    return mapped(index, size, Border(row["border"])), weight


def _filter_taps(row: np.void, s: Floats, size: int, support: float) -> tuple[Ints, Floats]:
    linear = row["interpolation"] == Interpolation.BILINEAR
    border = Border(row["border"])
    drops = border in (Border.CONSTANT, Border.REPLICATE)
    if drops:
        s = np.clip(s, 0, size)
    radius = support if linear else 2 * support
    first = np.floor(s - radius)
    index = first[..., None] + np.arange(int(np.ceil(2 * radius)) + 2)
    offset = (index + 0.5 - s[..., None]) / support
    distance = np.abs(offset)
    weight = np.maximum(1 - distance, 0) if linear else keys_cubic(distance, -0.5)
    kept = distance < (1 if linear else 2)
    if drops:
        kept &= (index >= 0) & (index < size)
    weight = np.where(kept, weight, 0.0)
    # 0 times NaN is NaN. So a tap that is left out reads the pixel of a tap that counts.
    index = np.where(kept, index, np.take_along_axis(index, weight.argmax(axis=-1)[..., None], axis=-1))
    return mapped(index, size, border), weight / weight.sum(axis=-1, keepdims=True)


def keys_cubic(t: Floats, a: float) -> Floats:
    """Keys' cubic convolution kernel at distances t >= 0 (Keys 1981, eq. 4)."""
    inner = ((a + 2) * t - (a + 3)) * t * t + 1
    outer = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, inner, np.where(t < 2, outer, 0.0))


def mapped(index: Floats | Ints, size: int, border: Border) -> Ints:
    """Return indices inside [0, size) for taps at any position, by the rule of the border."""
    i = index.astype(np.int64)
    if border in (Border.CONSTANT, Border.REPLICATE):
        return np.clip(i, 0, size - 1)
    if border == Border.WRAP:
        return i % size
    if border == Border.REFLECT:
        i = i % (2 * size)
        return np.where(i < size, i, 2 * size - 1 - i)
    period = max(2 * (size - 1), 1)
    i = i % period
    return np.where(i < size, i, period - i)


def coverage(row: np.void, s: Floats, size: int, axis: int) -> Floats:
    """Return the share of the source that a position sees along one axis, 0 to 1."""
    if row["interpolation"] == Interpolation.NEAREST:
        return np.where((s >= 0) & (s < size), 1.0, 0.0)
    edge = float(row["edge"][axis])
    return np.clip(0.5 + s / edge, 0, 1) * np.clip(0.5 + (size - s) / edge, 0, 1)
