"""The rules for valid rows of a pass, which every executor checks first: docs/design/numerics.md lists them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from augsynth._native.layout import MAX_CHANNELS, Border, DType, Interpolation, NoiseKind
from augsynth.core.typing import Mask
from augsynth.errors import PlanError
from augsynth.plan.passes import Rows

Rule = Callable[[Rows], Mask]

LARGEST = 2**24
SMALLEST_DENOMINATOR = 1e-6
MOST_TAPS = 2**28


def check_rows(rows: Rows, where: str = "plan") -> None:
    """Raise `PlanError` for the first row and field that no executor may run (numerics.md lists the rules).

    Args:
        rows: an array (n,) of `layout.ROW`.
        where: the beginning of the message; "plan" by default.
    """
    for field, rule, valid in _RULES:
        bad = np.flatnonzero(~valid(rows))
        if bad.size:
            row = int(bad[0])
            raise PlanError(f"{where}: row {row}: {field} must be {rule}, got {rows[field][row]!r}")


def _every(valid: npt.NDArray[np.bool_]) -> Mask:
    """A mask of the rows (n,) whose entries (n, ...) are all True."""
    result: Mask = np.all(valid, axis=tuple(range(1, valid.ndim)))
    return result


def _within(field: str, low: float, high: float = LARGEST) -> Rule:
    return lambda rows: _every((rows[field] >= low) & (rows[field] <= high))


def _finite(field: str) -> Rule:
    return lambda rows: _every(np.isfinite(rows[field]))


def _finite_in_use(field: str) -> Rule:
    def rule(rows: Rows) -> Mask:
        unused = np.arange(MAX_CHANNELS) >= rows["channels"][:, None]
        return _every(np.isfinite(rows[field]) | unused)

    return rule


def corner_positions(rows: Rows, inset: float = 0.0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Source positions (n, 4, 2) as (x, y) of the four corners of the output, and their denominators (n, 4).

    Args:
        rows: an array (n,) of `layout.ROW`.
        inset: the distance of the points from the corners along both axes, in pixels: 0.5 gives the centres of the
            corner pixels. 0 by default.
    """
    height, width = rows["output_size"][:, 0], rows["output_size"][:, 1]
    left, right = np.full(len(rows), inset), width - inset
    top, bottom = np.full(len(rows), inset), height - inset
    x = np.stack([left, right, left, right], axis=1)
    y = np.stack([top, top, bottom, bottom], axis=1)
    corners = np.stack([x, y, np.ones_like(x)], axis=-1)
    with np.errstate(all="ignore"):
        mapped = np.einsum("nij,nkj->nki", rows["inverse"], corners)
        return mapped[..., :2] / mapped[..., 2:], mapped[..., 2]


def _maps_well(rows: Rows) -> Mask:
    positions, denominators = corner_positions(rows)
    near = np.isfinite(positions) & (np.abs(np.nan_to_num(positions)) <= LARGEST)
    return _every(np.isfinite(rows["inverse"])) & _every(near) & _every(denominators > SMALLEST_DENOMINATOR)


def _filters_in_time(rows: Rows) -> Mask:
    pixels = rows["output_size"].astype(np.float64).prod(axis=1)
    smoothed = (rows["antialias"] == 1) & (rows["interpolation"] != Interpolation.NEAREST)
    in_time: Mask = ~smoothed | (rows["support"].max(axis=1) * pixels <= MOST_TAPS)
    return in_time


def _sound_noise(rows: Rows) -> Mask:
    p = rows["noise_parameters"]
    first, second = p[:, 0], p[:, 1]
    scaled = second >= 0
    sound = {
        NoiseKind.GAUSSIAN: scaled,
        NoiseKind.EXACT_GAUSSIAN: scaled,
        NoiseKind.UNIFORM: first <= second,
        NoiseKind.SALT_AND_PEPPER: (first >= 0) & (first <= second) & (second <= 1),
        NoiseKind.POISSON: first > 0,
        NoiseKind.SPECKLE: scaled,
    }
    result = _every(np.isfinite(p))
    for kind, holds in sound.items():
        result &= (rows["noise"] != kind) | holds
    return result


_SMALLEST = float(np.nextafter(0, 1))
_RULES: tuple[tuple[str, str, Rule], ...] = (
    ("source_dtype", "0 (uint8), 1 (uint16) or 2 (float32)", _within("source_dtype", 0, DType.FLOAT32)),
    ("output_dtype", "0 (uint8) … 4 (bfloat16)", _within("output_dtype", 0, max(DType))),
    ("interpolation", "0 (nearest), 1 (bilinear) or 2 (bicubic)", _within("interpolation", 0, max(Interpolation))),
    ("antialias", "0 or 1", _within("antialias", 0, 1)),
    ("border", "0 (constant) … 4 (wrap)", _within("border", 0, max(Border))),
    ("noise", "0 (none) … 6 (speckle)", _within("noise", 0, max(NoiseKind))),
    ("channels", "1 to 16", _within("channels", 1, MAX_CHANNELS)),
    ("source_size", "1 to 2**24", _within("source_size", 1)),
    ("output_size", "1 to 2**24", _within("output_size", 1)),
    ("inverse", "finite, mapping every output corner to within 2**24 of the origin", _maps_well),
    ("fill", "finite", _finite_in_use("fill")),
    ("gain", "finite", _finite_in_use("gain")),
    ("bias", "finite", _finite_in_use("bias")),
    ("edge", "in (0, 2**24]", _within("edge", _SMALLEST)),
    ("support", "in [1, 2**24]", _within("support", 1)),
    ("support", "at most 2**28 over the output's pixels, where it antialiases", _filters_in_time),
    ("clamp", "low <= high", lambda rows: _every(rows["clamp"][:, 0] <= rows["clamp"][:, 1])),
    ("noise_parameters", "finite and in the range of their kind of noise", _sound_noise),
)
