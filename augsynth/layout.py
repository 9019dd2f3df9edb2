"""The layout of a plan's rows: the NumPy mirror of `csrc/plan.h`.

`docs/design/numerics.md` says what each field means. The extension reports its own layout at import,
and `_native.py` refuses to start on any difference.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

PLAN_MAGIC = 0x4E4C5041
PLAN_VERSION = 2
MAX_CHANNELS = 16


class DType(IntEnum):
    """Element types of images; the last two of outputs only."""

    UINT8 = 0
    UINT16 = 1
    FLOAT32 = 2
    FLOAT16 = 3
    BFLOAT16 = 4


class Interpolation(IntEnum):
    """How values between pixel centres are found."""

    NEAREST = 0
    BILINEAR = 1
    BICUBIC = 2


class Border(IntEnum):
    """What lies outside an image."""

    CONSTANT = 0
    REPLICATE = 1
    REFLECT = 2
    REFLECT101 = 3
    WRAP = 4


class Noise(IntEnum):
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
        ("source_dtype", np.uint8),
        ("output_dtype", np.uint8),
        ("interpolation", np.uint8),
        ("antialias", np.uint8),
        ("border", np.uint8),
        ("noise", np.uint8),
    ],
    align=True,
)
