"""The layout of a plan's rows and of the tables they point into: the NumPy mirror of `csrc/core/plan.h`.

`docs/design/numerics.md` says what each field means. The extension reports its own layout at import,
and `_native` refuses to start on any difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

PLAN_MAGIC = 0x4E4C5041
PLAN_VERSION = 4
MAX_CHANNELS = 16


class DType(IntEnum):
    """Element types of images. The last two are for outputs only."""

    UINT8 = 0
    UINT16 = 1
    FLOAT32 = 2
    FLOAT16 = 3
    BFLOAT16 = 4


class Interpolation(IntEnum):
    """The way in which values between pixel centres are found."""

    NEAREST = 0
    BILINEAR = 1
    BICUBIC = 2


class Border(IntEnum):
    """The pixels outside an image."""

    CONSTANT = 0
    REPLICATE = 1
    REFLECT = 2
    REFLECT101 = 3
    WRAP = 4


class NoiseKind(IntEnum):
    """The kind of noise a pass adds."""

    NONE = 0
    GAUSSIAN = 1
    EXACT_GAUSSIAN = 2
    UNIFORM = 3
    SALT_AND_PEPPER = 4
    POISSON = 5
    SPECKLE = 6


ROW = np.dtype(
    [
        ("inverse", np.float64, (3, 3)),
        ("fill", np.float64, (MAX_CHANNELS,)),
        ("gain", np.float64, (MAX_CHANNELS,)),
        ("bias", np.float64, (MAX_CHANNELS,)),
        ("edge", np.float64, (2,)),
        ("support", np.float64, (2,)),
        ("clamp", np.float64, (2,)),
        ("noise_parameters", np.float64, (4,)),
        ("stream", np.uint32, (4,)),
        ("source_size", np.int32, (2,)),
        ("output_size", np.int32, (2,)),
        ("channels", np.int32),
        ("lut", np.int32),
        ("colour", np.int32),
        ("missing", np.int32),
        ("displacement", np.int32),
        ("erasures", np.int32, (2,)),
        ("source_dtype", np.uint8),
        ("output_dtype", np.uint8),
        ("interpolation", np.uint8),
        ("antialias", np.uint8),
        ("border", np.uint8),
        ("noise", np.uint8),
    ],
    align=True,
)

COLOUR = np.dtype(
    [
        ("matrix", np.float64, (MAX_CHANNELS, MAX_CHANNELS)),
        ("of_mean", np.float64, (MAX_CHANNELS, MAX_CHANNELS)),
        ("offset", np.float64, (MAX_CHANNELS,)),
        ("clamp", np.float64, (2,)),
    ],
    align=True,
)

ERASURE = np.dtype(
    [
        ("low", np.float64, (MAX_CHANNELS,)),
        ("high", np.float64, (MAX_CHANNELS,)),
        ("stream", np.uint32, (4,)),
        ("box", np.int32, (4,)),
    ],
    align=True,
)

MISSING = np.dtype(
    [
        ("value", np.float64),
        ("low", np.float64, (MAX_CHANNELS,)),
        ("high", np.float64, (MAX_CHANNELS,)),
        ("stream", np.uint32, (4,)),
        ("by_mean", np.uint8),
    ],
    align=True,
)

DISPLACEMENT = np.dtype(
    [
        ("before", np.float64, (3, 3)),
        ("after", np.float64, (3, 3)),
        ("origin", np.float64, (2,)),
        ("spacing", np.float64, (2,)),
        ("first", np.int64),
        ("grid", np.int32, (2,)),
    ],
    align=True,
)

LUT_LEVELS = {DType.UINT8: 2**8, DType.UINT16: 2**16}


def _none_of(dtype: np.dtype[Any]) -> Callable[[], Any]:
    return lambda: np.zeros(0, dtype)


@dataclass(frozen=True)
class Tables:
    """Tables of a pass. Its rows point into them; a pass whose rows point nowhere has empty tables.

    Args:
        luts: uint16 (n, 256) or (n, 65536), a new level for each level of the source; field `lut` of a row.
        colours: array (n,) of `COLOUR`; field `colour` of a row.
        erasures: array (n,) of `ERASURE`; field `erasures` of a row.
        missing: array (n,) of `MISSING`; field `missing` of a row.
        displacements: array (n,) of `DISPLACEMENT`; field `displacement` of a row.
        offsets: float64 (m, 2), the control points (x, y) of all displacements, in pixels.
    """

    luts: npt.NDArray[np.uint16] = field(default_factory=lambda: np.zeros((0, 2**8), np.uint16))
    colours: npt.NDArray[np.void] = field(default_factory=_none_of(COLOUR))
    erasures: npt.NDArray[np.void] = field(default_factory=_none_of(ERASURE))
    missing: npt.NDArray[np.void] = field(default_factory=_none_of(MISSING))
    displacements: npt.NDArray[np.void] = field(default_factory=_none_of(DISPLACEMENT))
    offsets: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))

    def are_empty(self) -> bool:
        """Return whether no row can point into any of the tables."""
        return not any(map(len, (self.luts, self.colours, self.erasures, self.missing, self.displacements)))
