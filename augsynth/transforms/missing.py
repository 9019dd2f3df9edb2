"""Missing values: NaN, a nodata value, or the pixels of a mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from augsynth._native.layout import DType
from augsynth.core.checks import check_choice
from augsynth.core.typing import Mask
from augsynth.errors import ArgumentError
from augsynth.plan import FULL_SCALE
from augsynth.plan.lowering import FillValues, ImageInfo, Operate, PerChannel
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import frozen, interval, number, per_channel

STRATEGIES = ("constant", "random", "mean", "nearest", "inpaint")
_FUSED = STRATEGIES[:3]
_NAN = "nan"


@dataclass(frozen=True)
class FillMissing(Transform):
    """Fill missing values, each channel alone.

    Where a whole channel is missing, "mean", "nearest" and "inpaint" put `value`. "constant", "random" and "mean" are
    the first work of a pass, unless `missing` is a mask; the others run between passes. "nearest" and "inpaint" need
    scipy and scikit-image: `pip install "augsynth[missing]"`. An integer image has no NaN, and its fillings are
    rounded.

    Args:
        strategy: the filling: "constant" (the default) puts `value`; "random" puts levels drawn uniformly; "mean" puts
            the mean of the channel's other values; "nearest" puts the value of the nearest pixel that has one, in
            Euclidean distance; "inpaint" continues the image smoothly, by biharmonic equations (Damelin and Hoang,
            2018).
        missing: NaN (the default), another value (nodata), or a mask (H, W) that is True where pixels are missing.
        value: a level in the image's units: a number, or one for each channel; 0 by default.
        between: the range (lowest, highest) of "random", in the image's units; by default the full scale.

    >>> import numpy as np
    >>> FillMissing("mean", missing=0)(np.array([[10, 0, 13]], np.uint8)).tolist()
    [[[10, 12, 13]]]
    """

    strategy: str = "constant"
    missing: Any = math.nan
    value: PerChannel = 0.0
    between: Sequence[float] | None = None

    def __post_init__(self) -> None:
        missing = frozen(self.missing)
        # NaN equals nothing, and JSON has none: by its name, a description and its transform stay comparable.
        if isinstance(missing, float) and math.isnan(missing):
            object.__setattr__(self, "missing", _NAN)
        super().__post_init__()

    def check(self) -> None:
        check_choice("strategy", self.strategy, STRATEGIES)
        per_channel(self.value, "value")
        if self.between is not None:
            interval(self.between, "between")
            if self.strategy != "random":
                raise ArgumentError(f'between is for strategy="random", got strategy={self.strategy!r}')
        if self._mask is None and self.missing != _NAN:
            number(self.missing, "missing")

    def step(self, draw: Draw, images: ImageInfo) -> FillValues | Operate:
        low, high = self._levels(images)
        if self._mask is None and self.strategy in _FUSED:
            return FillValues(float(self.missing), low, high, draw.stream, by_mean=self.strategy == "mean")
        # An image compares with what its dtype can hold.
        held = np.float32 if images.dtype == DType.FLOAT32 else np.float64
        which = {"missing": np.float64(held(self.missing))} if self._mask is None else {"mask": self._mask}
        name = f"fill_missing_{self.strategy}"
        if self.strategy == "random":
            return Operate(name, {"stream": draw.stream}, {**which, "low": np.array(low), "high": np.array(high)})
        return Operate(name, {}, {**which, "value": np.array(low)})

    def _levels(self, images: ImageInfo) -> tuple[PerChannel, PerChannel]:
        """The lowest and the highest level of the fillings; `ArgumentError` if the images cannot have them."""
        low, high = self.value, self.value
        if self.strategy == "random":
            low, high = (0.0, FULL_SCALE[images.dtype]) if self.between is None else interval(self.between, "between")
        for level in (low, high):
            images.levels(level, "value" if self.between is None else "between")
        return low, high

    @cached_property
    def _mask(self) -> Mask | None:
        if not isinstance(self.missing, tuple):
            return None
        lengths = {len(row) if isinstance(row, tuple) else 0 for row in self.missing}
        if len(lengths) != 1 or 0 in lengths or not all(isinstance(flag, bool) for row in self.missing for flag in row):
            raise ArgumentError("a mask of missing pixels must be true and false in (H, W), rows of one length")
        return np.array(self.missing, bool)
