"""Value scales: standardising channels and changing the dtype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from augsynth.errors import ArgumentError
from augsynth.plan.lowering import Cast, ImageInfo, PerChannel, Standardise
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import dtype_named, flag, per_channel


@dataclass(frozen=True)
class Normalize(Transform):
    """Standardise each channel: (v - mean) / std, as float32.

    Args:
        mean: a number for all channels, or one number for each channel.
        std: as `mean`, above 0.
        scale: True (the default) first divides integer images by their full scale, 255 or 65535, so that mean and std
            are for values in [0, 1]. Float images are never divided.

    >>> import numpy as np
    >>> Normalize(0.5, 0.5)(np.array([[0, 255]], np.uint8)).tolist()
    [[[-1.0, 1.0]]]
    """

    mean: PerChannel
    std: PerChannel
    scale: bool = True

    def check(self) -> None:
        per_channel(self.mean, "mean")
        if min(_sequence(per_channel(self.std, "std"))) <= 0:
            raise ArgumentError(f"std must be greater than 0, got {self.std!r}")
        flag(self.scale, "scale")

    def step(self, draw: Draw, images: ImageInfo) -> Standardise:
        return Standardise(_sequence(self.mean), _sequence(self.std), self.scale)


def _sequence(values: PerChannel) -> Sequence[float]:
    return values if isinstance(values, tuple) else (float(values),)  # type: ignore[arg-type]


@dataclass(frozen=True)
class ToDtype(Transform):
    """Change the dtype.

    Integers are rounded to nearest and clamped to their range; float16 and bfloat16 are rounded to nearest even.
    Nothing can follow float16 or bfloat16 in a pipeline.

    Args:
        dtype: uint8, uint16, float32 (the default), float16 or bfloat16, by name or as a torch or NumPy dtype.
        scale: True maps the full scale of the old dtype (255, 65535, or 1 for floats) to that of the new one; False
            (the default) keeps values.

    >>> import numpy as np
    >>> ToDtype("float32", scale=True)(np.array([[0, 255]], np.uint8)).tolist()
    [[[0.0, 1.0]]]
    """

    dtype: Any = "float32"
    scale: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", dtype_named(self.dtype).name.lower())
        super().__post_init__()

    def check(self) -> None:
        flag(self.scale, "scale")

    def step(self, draw: Draw, images: ImageInfo) -> Cast:
        return Cast(dtype_named(self.dtype), self.scale)
