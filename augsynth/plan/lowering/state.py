"""States: everything that the steps of a pass have declared, which no batch changes; the common values of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from augsynth._native.layout import MAX_CHANNELS, DType, Interpolation, NoiseKind
from augsynth.core.typing import Floats, Mask
from augsynth.plan import FULL_SCALE, Rows, new_rows
from augsynth.plan.lowering.extent import Extent
from augsynth.plan.lowering.levels import levels, per_channel
from augsynth.plan.lowering.stage import Stage
from augsynth.plan.lowering.steps import UNDECLARED, PerChannel, Sampling

# True for each parameter of a kind of noise that is a level of an image; the others are ratios.
_LEVELS = {
    NoiseKind.GAUSSIAN: (True, True),
    NoiseKind.EXACT_GAUSSIAN: (True, True),
    NoiseKind.UNIFORM: (True, True),
    NoiseKind.SALT_AND_PEPPER: (False, False, True, True),
    NoiseKind.POISSON: (True,),
    NoiseKind.SPECKLE: (False, False),
}

# Largest error of a level that was scaled to float and back.
_LEVEL_ERROR = 1e-3

_ONES, _ZEROS = np.ones(MAX_CHANNELS), np.zeros(MAX_CHANNELS)


@dataclass(frozen=True, eq=False)
class PassNoise:
    """Noise of an image whose full scale is `full` in the source's units; `everywhere` in all samples."""

    kind: NoiseKind
    full: float
    clips: bool
    everywhere: bool

    @cached_property
    def scales(self) -> Floats:
        """The factors of the parameters of `AddNoise`."""
        return np.where(_LEVELS[self.kind], self.full, 1.0)

    def mark(self, rows: Rows, samples: slice | Mask) -> None:
        """Write the kind of noise and the clamp into the rows of some samples."""
        rows["noise"][samples] = self.kind
        if self.clips:
            rows["clamp"][samples] = (0.0, self.full)


@dataclass(frozen=True, eq=False)
class PassState:
    """A pass over images with one of the channel counts `channels`, from `source_dtype` to `dtype`.

    `gain` and `bias` are (16,), and `fill` is in the source's units. `extent` is that of the values so far. `work`
    lists the work of the pass in words and in order, `why` is the reason for the pass, and `warnings` names transforms
    that clamp.
    """

    source_dtype: DType
    channels: tuple[int, ...]
    dtype: DType
    why: str
    extent: Extent
    warnings: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    work: tuple[str, ...] = ()
    stage: Stage = Stage.MISSING
    moves: bool = False
    sampling: Sampling = UNDECLARED
    fill: tuple[float, ...] | None = None
    clamp: tuple[float, float] | None = None
    whole_frame: bool = True
    projective: bool = False
    displaced: bool = False
    overshoots: bool = False
    clips_colours: bool | None = None
    noise: PassNoise | None = None
    gain: Floats = field(default_factory=lambda: _ONES)
    bias: Floats = field(default_factory=lambda: _ZEROS)
    standardised_from: float = 0.0

    @cached_property
    def row(self) -> Rows:
        """The row (1,) with the values that all samples have in common."""
        row = new_rows(1)
        row["source_dtype"], row["output_dtype"] = self.source_dtype, self.dtype
        row["gain"], row["bias"] = self.gain, self.bias
        row["antialias"] = self.smooths
        common = {
            "fill": self.fill,
            "clamp": self.clamp,
            "interpolation": self.sampling.interpolation,
            "border": self.sampling.border,
        }
        for name, value in common.items():
            if value is not None:
                row[name] = value
        if self.noise is not None and self.noise.everywhere:
            self.noise.mark(row, slice(None))
        return row

    @cached_property
    def smooths(self) -> bool:
        """True if antialiasing makes a difference."""
        return bool(self.sampling.antialias) and self.sampling.interpolation not in (None, Interpolation.NEAREST)

    @property
    def full_scale(self) -> float:
        """The full scale in the source's units."""
        return FULL_SCALE[self.dtype] / self._unit

    def per_channel(self, values: PerChannel, name: str) -> tuple[float, ...]:
        """One value for each channel that a row can have."""
        return per_channel(values, name, self.channels)

    def levels(self, values: PerChannel, name: str) -> tuple[float, ...]:
        """Levels for each channel that a row can have; an integer image has none outside the range of its dtype."""
        return levels(values, name, self.channels, self.dtype)

    def levels_in_source(self, values: PerChannel, name: str) -> tuple[float, ...]:
        """`levels` in the source's units."""
        in_units = self.levels(values, name)
        return in_units if self._unit == 1.0 else tuple(level / self._unit for level in in_units)

    def missing_in_source(self, value: float) -> float:
        """The value that marks missing pixels, as the source holds it: executors compare exactly."""
        value = value / self._unit
        if self.source_dtype == DType.FLOAT32:
            return float(np.float32(value))
        level = float(np.rint(value))
        return level if abs(level - value) < _LEVEL_ERROR else value

    def erased_range(self, fill: PerChannel | None) -> tuple[Floats, Floats]:
        """The lowest and the highest value (16,) of a rectangle, before gain and bias."""
        if fill is None:
            return _ZEROS, np.full(MAX_CHANNELS, self.standardised_from or self.full_scale)
        value = (np.array(self.levels(fill, "value")) - self.bias) / self.gain
        return value, value

    @property
    def _unit(self) -> float:
        """The size of one unit of the source in the user's units: 1/255 once a uint8 image was scaled to float."""
        return float(self.gain[0])
