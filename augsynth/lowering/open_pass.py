"""The pass that is open while steps are lowered: it takes steps in, and becomes rows and tables when it is closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from augsynth.geometry import compose
from augsynth.layout import MAX_CHANNELS, Border, DType, Interpolation, Noise
from augsynth.lowering.seen import Seen
from augsynth.lowering.stage import Stage
from augsynth.lowering.steps import (
    UNDECLARED,
    AddNoise,
    Cast,
    Erase,
    FillValues,
    Floats,
    Geometry,
    Lookup,
    MapColours,
    PerChannel,
    Sampling,
    Standardise,
    Step,
)
from augsynth.lowering.tables import Gathered
from augsynth.plan import FULL_SCALE, Pass, Rows, new_rows

# Which parameters of a kind of noise are levels of an image; the others are ratios.
_LEVELS = {
    Noise.GAUSSIAN: (True, True),
    Noise.EXACT_GAUSSIAN: (True, True),
    Noise.UNIFORM: (True, True),
    Noise.SALT_AND_PEPPER: (False, False, True, True),
    Noise.POISSON: (True,),
    Noise.SPECKLE: (False, False),
}

# How far a level may be off that was scaled to float and back.
_LEVEL_ERROR = 1e-3


_ONES, _ZEROS = np.ones(MAX_CHANNELS), np.zeros(MAX_CHANNELS)


@dataclass(eq=False)
class OpenPass:
    """The rows so far, and what the steps have declared.

    `inverse`, and `gain` and `bias` (16,), which are the same for all samples, reach the rows when the pass is closed.
    `work` says in words what it does, in order.
    """

    rows: Rows
    source_dtype: DType
    why: str
    inverse: Floats | None = None
    gain: Floats = field(default_factory=lambda: _ONES)
    bias: Floats = field(default_factory=lambda: _ZEROS)
    names: list[str] = field(default_factory=list)
    work: list[str] = field(default_factory=list)
    stage: Stage = Stage.MISSING
    declared: Sampling = UNDECLARED
    fill: tuple[float, ...] | None = None
    whole_frame: bool = True
    projective: bool = False
    overshoots: bool = False
    gathered: Gathered = field(default_factory=Gathered)
    standardised_from: float = 0.0

    @classmethod
    def of(cls, seen: Seen, why: str) -> OpenPass:
        rows = new_rows(len(seen.sizes))
        rows["source_size"] = seen.sizes
        rows["channels"] = seen.channels
        rows["source_dtype"] = seen.dtype
        return cls(rows, seen.dtype, why)

    def take(self, step: Step, seen: Seen) -> None:
        """Merge a step that has no conflict with this pass; `seen` becomes what follows the step."""
        match step:
            case Geometry():  # first, as most steps are
                self._resample(step, seen)
            case AddNoise():
                self._add_noise(step, seen)
            case Standardise():
                self._standardise(step, seen)
            case MapColours():
                self._map_colours(step, seen)
            case Lookup():
                self._look_up(step)
            case Erase():
                self._erase(step, seen)
            case Cast():
                self._cast(step, seen)
            case FillValues():
                self._fill_missing(step, seen)

    def close(self, seen: Seen) -> Pass:
        """The pass, writing images as `seen` says."""
        rows, declared = self.rows, self.declared
        rows["output_size"], rows["output_dtype"] = seen.sizes, seen.dtype
        if self.gain is not _ONES:
            rows["gain"], rows["bias"] = self.gain, self.bias
        if self.inverse is not None:
            rows["inverse"] = self.inverse
        if declared.interpolation is not None:
            rows["interpolation"] = declared.interpolation
        if declared.border is not None:
            rows["border"] = declared.border
        if declared.antialias and declared.interpolation not in (None, Interpolation.NEAREST):
            rows["antialias"] = 1
            extents = _extents(rows["inverse"])
            rows["support"] = np.maximum(extents, 1.0)
            rows["edge"] = np.maximum(rows["edge"], extents)
        return Pass(rows, self.gathered.into(rows, self.source_dtype))

    def fill_in_source(self, fill: PerChannel, seen: Seen) -> tuple[float, ...]:
        """A fill in the source's units."""
        return _divided(seen.levels(fill, "fill"), self._unit())

    def _fill_missing(self, step: FillValues, seen: Seen) -> None:
        unit = self._unit()
        low, high = (_divided(seen.levels(level, "value"), unit) for level in (step.low, step.high))
        self.gathered.add_missing(step, self._as_in_source(step.value / unit), low, high)
        self._reach(Stage.GEOMETRY, "missing values are filled")

    def _as_in_source(self, value: float) -> float:
        """The value as the source holds it, which executors compare exactly."""
        if self.source_dtype == DType.FLOAT32:
            return float(np.float32(value))
        level = float(np.rint(value))
        return level if abs(level - value) < _LEVEL_ERROR else value

    def _resample(self, step: Geometry, seen: Seen) -> None:
        if step.sampling != UNDECLARED:
            self._declare(step.sampling, seen)
        self.inverse = step.inverse if self.inverse is None else compose(self.inverse, step.inverse)
        self.whole_frame &= step.keeps_frame
        self.projective |= step.projective
        self.stage = Stage.GEOMETRY
        seen.sizes = step.sizes

    def _declare(self, new: Sampling, seen: Seen) -> None:
        old = self.declared
        if old.border is None and new.border == Border.CONSTANT:
            self.fill = self.fill_in_source(new.fill, seen)
            self.rows["fill"] = self.fill
            if self.inverse is not None:
                self.rows["edge"] = _extents(self.inverse)
        self.declared = Sampling(
            old.interpolation if new.interpolation is None else new.interpolation,
            old.antialias if new.antialias is None else new.antialias,
            old.border if new.border is None else new.border,
        )
        if new.interpolation == Interpolation.BICUBIC and seen.dtype != DType.FLOAT32:
            self.rows["clamp"] = (0.0, FULL_SCALE[seen.dtype])
            self.overshoots = True

    def _look_up(self, step: Lookup) -> None:
        self.gathered.add_lookup(step)
        self.overshoots = False  # a level is clamped before it is looked up
        self._reach(Stage.LOOKUP, "one lookup table")

    def _map_colours(self, step: MapColours, seen: Seen) -> None:
        self.gathered.add_colours(step, self._full_scale(seen))
        self._reach(Stage.COLOUR, "one colour matrix")

    def _add_noise(self, step: AddNoise, seen: Seen) -> None:
        full, rows = self._full_scale(seen), self.rows
        active = slice(None) if step.active is None else step.active
        scales = _scales(step.kind, full)
        rows["noise"][active] = step.kind
        rows["noise_parameters"][active, : len(scales)] = (step.parameters * scales)[active]
        rows["stream"] = step.stream
        # An integer image cannot leave its range, clipped or not.
        if step.clip or seen.dtype != DType.FLOAT32:
            rows["clamp"][active] = (0.0, full)
        self._reach(Stage.NOISE, f"{step.kind.name.lower().replace('_', ' ')} noise")

    def _erase(self, step: Erase, seen: Seen) -> None:
        if step.fill is None:
            low, high = np.zeros(MAX_CHANNELS), np.full(MAX_CHANNELS, self.standardised_from or self._full_scale(seen))
        else:
            low = high = (np.array(seen.levels(step.fill, "value")) - self.bias) / self.gain
        self.gathered.add_erasures(step, low, high)
        self._reach(max(self.stage, Stage.ERASE), "rectangles are erased")

    def _standardise(self, step: Standardise, seen: Seen) -> None:
        self.standardised_from = self.standardised_from or self._full_scale(seen)
        full = FULL_SCALE[seen.dtype] if step.scale else 1.0
        mean, std = _array(seen.per_channel(step.mean, "mean")), _array(seen.per_channel(step.std, "std"))
        self.gain = self.gain / (full * std)
        self.bias = (self.bias / full - mean) / std
        self.stage = Stage.AFFINE
        seen.dtype = DType.FLOAT32

    def _cast(self, step: Cast, seen: Seen) -> None:
        if step.dtype == seen.dtype:
            return
        factor = FULL_SCALE[step.dtype] / FULL_SCALE[seen.dtype] if step.scale else 1.0
        self.gain, self.bias = self.gain * factor, self.bias * factor
        seen.dtype = step.dtype
        if step.dtype != DType.FLOAT32:
            self.stage = Stage.CAST

    def _reach(self, stage: Stage, work: str) -> None:
        self.stage = stage
        if work not in self.work:
            self.work.append(work)

    def _unit(self) -> float:
        """What one unit of the source is worth to the user: 1/255 once a uint8 image was scaled to float."""
        return float(self.gain[0])

    def _full_scale(self, seen: Seen) -> float:
        """The full scale in units of the source."""
        return FULL_SCALE[seen.dtype] / self._unit()


@lru_cache(maxsize=256)
def _scales(kind: Noise, full: float) -> Floats:
    return np.where(_LEVELS[kind], full, 1.0)


@lru_cache(maxsize=256)
def _array(values: tuple[float, ...]) -> Floats:
    return np.array(values)


def _divided(values: tuple[float, ...], unit: float) -> tuple[float, ...]:
    return values if unit == 1.0 else tuple(value / unit for value in values)


def _extents(inverse: Floats) -> Floats:
    """Source pixels (n, 2) that one output pixel covers along x and y."""
    return np.hypot(inverse[:, :2, 0], inverse[:, :2, 1])
