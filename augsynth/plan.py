"""Plans: what will be done to each sample, as data.

A plan is drawn once (all randomness happens there) and can then be printed, stored, replayed and run by any
executor. It is a sequence of passes; a pass is a structured array of `layout.ROW`, one row a sample.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.errors import CheckpointError, PlanError
from augsynth.layout import MAX_CHANNELS, PLAN_MAGIC, PLAN_VERSION, ROW, Border, DType, Interpolation, Noise

Rows = npt.NDArray[np.void]
Mask = npt.NDArray[np.bool_]
Rule = Callable[[Rows], Mask]

LARGEST = 2**24
SMALLEST_DENOMINATOR = 1e-6

NUMPY_DTYPES: dict[DType, np.dtype[np.generic]] = {
    DType.UINT8: np.dtype(np.uint8),
    DType.UINT16: np.dtype(np.uint16),
    DType.FLOAT32: np.dtype(np.float32),
    DType.FLOAT16: np.dtype(np.float16),
    DType.BFLOAT16: np.dtype(np.uint16),  # its bits: NumPy has no bfloat16
}
FULL_SCALE: dict[DType, float] = {
    DType.UINT8: 255.0,
    DType.UINT16: 65535.0,
    DType.FLOAT32: 1.0,
    DType.FLOAT16: 1.0,
    DType.BFLOAT16: 1.0,
}
OUTPUTS_ONLY = (DType.FLOAT16, DType.BFLOAT16)


@dataclass(frozen=True)
class Plan:
    """The passes to run over a batch of `len(plan)` samples.

    `passes` holds at least one array of `layout.ROW`, all of the same length; the output of a pass is the source
    of the next one.

    >>> from augsynth import transforms as T
    >>> plan = T.RandomHorizontalFlip(p=1.0).plan([(4, 6, 3)], [(0, 0, 0)])
    >>> len(plan), len(plan.passes), plan.passes[0]["inverse"][0].tolist()
    (1, 1, [[-1.0, 0.0, 6.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    """

    passes: tuple[Rows, ...]

    def __post_init__(self) -> None:
        if not self.passes:
            raise PlanError("a plan needs at least one pass, got none")
        for number, rows in enumerate(self.passes):
            if rows.dtype != ROW or rows.ndim != 1:
                raise PlanError(f"pass {number} must be a 1-D array of layout.ROW, got {rows.ndim}-D {rows.dtype.name}")
            if len(rows) != len(self.passes[0]):
                raise PlanError(f"pass {number} has {len(rows)} rows, pass 0 has {len(self.passes[0])}")
        for number, (before, after) in enumerate(zip(self.passes, self.passes[1:], strict=False)):
            _check_joint(before, after, number)

    def __len__(self) -> int:
        return len(self.passes[0])

    def __getitem__(self, samples: slice) -> Plan:
        """The plan of some of the samples."""
        return Plan(tuple(rows[samples] for rows in self.passes))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan to `path` as an .npz archive (no pickle)."""
        arrays: dict[str, Any] = {f"pass_{number}": _as_bytes(rows) for number, rows in enumerate(self.passes)}
        arrays["header"] = np.array([PLAN_MAGIC, PLAN_VERSION, len(self.passes)], np.uint32)
        with open(path, "wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Plan:
        """Read a plan that `save` wrote; `CheckpointError` if it is damaged or of another version."""
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
                header = archive["header"]
                _check_header(header, path)
                plan = cls(tuple(_from_bytes(archive[f"pass_{number}"]) for number in range(int(header[2]))))
        except CheckpointError:
            raise
        except Exception as error:  # a damaged archive makes zipfile and NumPy raise nearly anything
            raise CheckpointError(f"{os.fspath(path)!r} is no plan that can be read: {error}") from error
        for number, rows in enumerate(plan.passes):
            check_rows(rows, f"{os.fspath(path)!r}, pass {number}")
        return plan


def _as_bytes(rows: Rows) -> npt.NDArray[np.uint8]:
    # NumPy leaves the padding of a structured array undefined when it copies field by field; bytes it copies whole.
    return np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), ROW.itemsize)


def _from_bytes(stored: npt.NDArray[np.uint8]) -> Rows:
    if stored.dtype != np.uint8 or stored.ndim != 2 or stored.shape[1] != ROW.itemsize:
        raise ValueError(f"rows are stored as {stored.dtype} {stored.shape}, expected uint8 (n, {ROW.itemsize})")
    return np.ascontiguousarray(stored).view(ROW).reshape(len(stored))


def _check_header(header: npt.NDArray[np.uint32], path: str | os.PathLike[str]) -> None:
    if header.shape != (3,) or int(header[0]) != PLAN_MAGIC:
        raise CheckpointError(f"{os.fspath(path)!r} is no augsynth plan: its header is {header!r}")
    if int(header[1]) != PLAN_VERSION:
        raise CheckpointError(
            f"{os.fspath(path)!r} holds a plan of version {int(header[1])}, this augsynth reads version "
            f"{PLAN_VERSION}: draw the plan again from its keys"
        )


def _check_joint(before: Rows, after: Rows, number: int) -> None:
    pairs = (("output_size", "source_size"), ("output_dtype", "source_dtype"), ("channels", "channels"))
    for left, right in pairs:
        differs = np.flatnonzero((before[left] != after[right]).reshape(len(before), -1).any(axis=1))
        if differs.size:
            row = int(differs[0])
            raise PlanError(
                f"row {row}: pass {number} gives {left} {before[left][row]}, pass {number + 1} expects {right} "
                f"{after[right][row]}"
            )


def new_rows(count: int) -> Rows:
    """Rows that copy: identity matrix, nearest, no noise, no clamp, gain 1. Sizes and dtypes are left at zero."""
    return _COPY.repeat(count)


def _copying_row() -> Rows:
    row = np.zeros(1, dtype=ROW)
    row["inverse"] = np.eye(3)
    row["gain"] = 1.0
    row["edge"] = 1.0
    row["support"] = 1.0
    row["clamp"] = (-np.inf, np.inf)
    row["border"] = Border.REPLICATE
    return row


_COPY = _copying_row()


def check_rows(rows: Rows, where: str = "plan") -> None:
    """Raise `PlanError` naming the first row and field that no executor may run (numerics.md lists the rules)."""
    for field, rule, valid in _RULES:
        bad = np.flatnonzero(~valid(rows))
        if bad.size:
            row = int(bad[0])
            raise PlanError(f"{where}: row {row}: {field} must be {rule}, got {rows[field][row]!r}")


def _every(valid: npt.NDArray[np.bool_]) -> Mask:
    """Which rows (n,) hold throughout, of (n, ...)."""
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


def corner_positions(rows: Rows) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Source positions (n, 4, 2) as (x, y) of the centres of the four corner pixels, and their denominators (n, 4)."""
    height, width = rows["output_size"][:, 0], rows["output_size"][:, 1]
    left, right = np.full(len(rows), 0.5), width - 0.5
    top, bottom = np.full(len(rows), 0.5), height - 0.5
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


def _sound_noise(rows: Rows) -> Mask:
    p = rows["noise_parameters"]
    first, second = p[:, 0], p[:, 1]
    scaled = second >= 0
    sound = {
        Noise.GAUSSIAN: scaled,
        Noise.EXACT_GAUSSIAN: scaled,
        Noise.UNIFORM: first <= second,
        Noise.SALT_AND_PEPPER: (first >= 0) & (first <= second) & (second <= 1),
        Noise.POISSON: first > 0,
        Noise.SPECKLE: scaled,
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
    ("noise", "0 (none) … 6 (speckle)", _within("noise", 0, max(Noise))),
    ("channels", "1 to 16", _within("channels", 1, MAX_CHANNELS)),
    ("source_size", "1 to 2**24", _within("source_size", 1)),
    ("output_size", "1 to 2**24", _within("output_size", 1)),
    ("inverse", "finite, mapping every output corner to within 2**24 of the origin", _maps_well),
    ("fill", "finite", _finite_in_use("fill")),
    ("gain", "finite", _finite_in_use("gain")),
    ("bias", "finite", _finite_in_use("bias")),
    ("edge", "in (0, 2**24]", _within("edge", _SMALLEST)),
    ("support", "in [1, 2**24]", _within("support", 1)),
    ("clamp", "low <= high", lambda rows: _every(rows["clamp"][:, 0] <= rows["clamp"][:, 1])),
    ("noise_parameters", "finite and in the range of their kind of noise", _sound_noise),
)
