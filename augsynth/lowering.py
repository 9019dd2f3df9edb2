"""Lowering: a list of steps becomes as few passes as their meaning allows.

A pass works in a fixed order: geometry (one matrix, one resampling), noise, clamp, gain and bias, cast. `Lowering`
takes the steps of a pipeline in the user's order, merges each into the open pass where that changes nothing of its
meaning, and opens a new pass, noting why, where it would.

Which passes there are depends on the pipeline and the dtype alone, never on the values drawn or on the other samples
of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from augsynth.errors import ArgumentError
from augsynth.layout import MAX_CHANNELS, Border, DType, Interpolation, Noise
from augsynth.plan import FULL_SCALE, OUTPUTS_ONLY, Plan, Rows, new_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
PerChannel = float | Sequence[float]


# Which parameters of a kind of noise are levels of an image; the others are ratios.
_LEVELS = {
    Noise.GAUSSIAN: (True, True),
    Noise.EXACT_GAUSSIAN: (True, True),
    Noise.UNIFORM: (True, True),
    Noise.SALT_AND_PEPPER: (False, False, True, True),
    Noise.POISSON: (True,),
    Noise.SPECKLE: (False, False),
}


class Stage(IntEnum):
    """The order of work inside a pass."""

    GEOMETRY = 0
    NOISE = 1
    AFFINE = 2
    CAST = 3


@dataclass(frozen=True)
class Sampling:
    """How a geometry step reads pixels; None where the step gives the same result with any choice.

    A step that moves whole pixels declares nothing, a step that never looks outside declares no border.
    """

    interpolation: Interpolation | None = None
    antialias: bool | None = None
    border: Border | None = None
    fill: PerChannel = 0.0


@dataclass(frozen=True)
class Geometry:
    """Resample: `inverse` (n, 3, 3) maps output to input coordinates, `sizes` (n, 2) are the outputs' (height, width).

    `keeps_frame` says that the output shows exactly what the input showed (a flip, a resize); `pads` that what lies
    outside the input must show the border, and never pixels that an earlier step had cut off.
    """

    inverse: Floats
    sizes: Ints
    sampling: Sampling = Sampling()
    keeps_frame: bool = False
    pads: bool = False


@dataclass(frozen=True)
class AddNoise:
    """Add noise: `stream` (n, 4) keys the bits, and `parameters` (n, k) are what numerics.md says for the kind.

    Those that are levels of an image, as most are, are given as fractions of the full scale.
    """

    kind: Noise
    parameters: Floats
    stream: npt.NDArray[np.uint32]
    clip: bool


@dataclass(frozen=True)
class Standardise:
    """(v - mean) / std for each channel; integer images are first divided by their full scale where `scale` is set."""

    mean: Sequence[float]
    std: Sequence[float]
    scale: bool


@dataclass(frozen=True)
class Cast:
    """Change the dtype; `scale` maps the full scale of one dtype to that of the other."""

    dtype: DType
    scale: bool


Step = Geometry | AddNoise | Standardise | Cast


@dataclass
class _Pass:
    """The pass that is open: the rows so far, and what its steps have declared.

    `inverse`, and `gain` and `bias` (16,), which are the same for all samples, reach the rows when the pass is closed.
    """

    rows: Rows
    why: str
    inverse: Floats | None = None
    gain: Floats = field(default_factory=lambda: np.ones(MAX_CHANNELS))
    bias: Floats = field(default_factory=lambda: np.zeros(MAX_CHANNELS))
    names: list[str] = field(default_factory=list)
    stage: Stage = Stage.GEOMETRY
    declared: Sampling = Sampling()
    fill: tuple[float, ...] | None = None
    whole_frame: bool = True
    overshoots: bool = False


class Lowering:
    """Collects the steps of `n` samples into passes.

    `sizes` (n, 2) are the images' (height, width), `channels` (n,) their channel counts. While steps are added,
    `sizes`, `channels` and `dtype` say what the next step sees.
    """

    def __init__(self, sizes: Ints, channels: Ints, dtype: DType, fuse: bool = True) -> None:
        self.sizes = sizes
        self.channels = channels
        self.dtype = dtype
        self._fuse = fuse
        self._passes = [self._new_pass("the image comes in")]

    def __len__(self) -> int:
        return len(self.sizes)

    def add(self, name: str, step: Step) -> None:
        """Merge the step of transform `name` into the open pass, or open a new one for it."""
        reason = self._conflict(step)
        if reason is not None:
            self._close()
            self._passes.append(self._new_pass(reason))
        current = self._passes[-1]
        current.names.append(name)
        if isinstance(step, Geometry):
            self._add_geometry(current, step)
        elif isinstance(step, AddNoise):
            self._add_noise(current, step)
        elif isinstance(step, Standardise):
            self._add_standardise(current, step)
        else:
            self._add_cast(current, step)

    def finish(self) -> Plan:
        """The plan of all passes."""
        self._close()
        return Plan(tuple(one.rows for one in self._passes))

    def explain(self) -> str:
        """The passes in words: what runs in each, and why the next one had to begin."""
        lines = [f"{len(self._passes)} pass{'es' if len(self._passes) > 1 else ''}"]
        for number, one in enumerate(self._passes, start=1):
            lines.append(f"pass {number}: {' + '.join(one.names) or 'copy'}")
            if number > 1:
                lines.append(f"  begins because {one.why}")
            lines.append(f"  {_describe(one)}")
        return "\n".join(lines)

    def _new_pass(self, why: str) -> _Pass:
        if self.dtype in OUTPUTS_ONLY:
            name = self.dtype.name.lower()
            raise ArgumentError(f"{name} images can only be written, not read: let ToDtype({name!r}) come last")
        rows = new_rows(len(self.sizes))
        rows["source_size"] = self.sizes
        rows["channels"] = self.channels
        rows["source_dtype"] = self.dtype
        return _Pass(rows, why)

    def _close(self) -> None:
        current = self._passes[-1]
        rows, declared = current.rows, current.declared
        rows["output_size"], rows["output_dtype"] = self.sizes, self.dtype
        rows["gain"], rows["bias"] = current.gain, current.bias
        if current.inverse is not None:
            rows["inverse"] = current.inverse
        if declared.interpolation is not None:
            rows["interpolation"] = declared.interpolation
        if declared.border is not None:
            rows["border"] = declared.border
        if declared.antialias and declared.interpolation not in (None, Interpolation.NEAREST):
            rows["antialias"] = 1
            extents = _extents(rows["inverse"])
            rows["support"] = np.maximum(extents, 1.0)
            rows["edge"] = np.maximum(rows["edge"], extents)

    def _conflict(self, step: Step) -> str | None:
        current = self._passes[-1]
        if not self._fuse:
            return "fusion is switched off" if current.names else None
        if current.stage == Stage.CAST:
            return f"values have been rounded to {self.dtype.name.lower()}"
        if isinstance(step, Geometry):
            if current.stage > Stage.GEOMETRY:
                return f"geometry would have to run after {current.names[-1]}, and a pass resamples first"
            if step.pads and not current.whole_frame:
                return f"padding needs the exact frame, and {current.names[-1]} has cut or moved it"
            return self._sampling_conflict(current, step.sampling)
        if isinstance(step, AddNoise) and current.overshoots:
            return "bicubic sampling of an integer image is clamped before noise, and a pass clamps after it"
        if isinstance(step, AddNoise) and current.stage >= Stage.NOISE:
            return f"noise would have to run after {current.names[-1]}, and a pass adds noise once, before normalising"
        return None

    def _sampling_conflict(self, current: _Pass, new: Sampling) -> str | None:
        old = current.declared
        for what in ("interpolation", "antialias", "border"):
            before, after = getattr(old, what), getattr(new, what)
            if before is not None and after is not None and before != after:
                return f"{what} changes from {_word(before)} to {_word(after)}"
        if old.border == new.border == Border.CONSTANT and self._fill(current, new.fill) != current.fill:
            return "the constant border changes its fill"
        return None

    def _add_geometry(self, current: _Pass, step: Geometry) -> None:
        old, new = current.declared, step.sampling
        rows = current.rows
        if old.border is None and new.border == Border.CONSTANT:
            current.fill = self._fill(current, new.fill)
            rows["fill"] = current.fill
            if current.inverse is not None:
                rows["edge"] = _extents(current.inverse)
        current.declared = Sampling(
            old.interpolation if new.interpolation is None else new.interpolation,
            old.antialias if new.antialias is None else new.antialias,
            old.border if new.border is None else new.border,
        )
        if new.interpolation == Interpolation.BICUBIC and self.dtype != DType.FLOAT32:
            rows["clamp"] = (0.0, FULL_SCALE[self.dtype])
            current.overshoots = True
        current.inverse = step.inverse if current.inverse is None else current.inverse @ step.inverse
        current.whole_frame &= step.keeps_frame
        self.sizes = step.sizes

    def _add_noise(self, current: _Pass, step: AddNoise) -> None:
        full = FULL_SCALE[self.dtype] / self._unit(current)
        rows = current.rows
        rows["noise"] = step.kind
        levels = _LEVELS[step.kind]
        rows["noise_parameters"][:, : len(levels)] = step.parameters * np.where(levels, full, 1.0)
        rows["stream"] = step.stream
        # An integer image cannot leave its range, clipped or not.
        if step.clip or self.dtype != DType.FLOAT32:
            rows["clamp"] = (0.0, full)
        current.stage = Stage.NOISE

    def _add_standardise(self, current: _Pass, step: Standardise) -> None:
        full = FULL_SCALE[self.dtype] if step.scale else 1.0
        mean, std = np.array(self._per_channel(step.mean, "mean")), np.array(self._per_channel(step.std, "std"))
        current.gain = current.gain / (full * std)
        current.bias = (current.bias / full - mean) / std
        self.dtype = DType.FLOAT32
        current.stage = Stage.AFFINE

    def _add_cast(self, current: _Pass, step: Cast) -> None:
        if step.dtype == self.dtype:
            return
        factor = FULL_SCALE[step.dtype] / FULL_SCALE[self.dtype] if step.scale else 1.0
        current.gain, current.bias = current.gain * factor, current.bias * factor
        self.dtype = step.dtype
        if step.dtype != DType.FLOAT32:
            current.stage = Stage.CAST

    def _unit(self, current: _Pass) -> float:
        """What one unit of the source is worth to the user: 1/255 once a uint8 image was scaled to float."""
        return float(current.gain[0])

    def _fill(self, current: _Pass, fill: PerChannel) -> tuple[float, ...]:
        """The fill in the source's units; an integer image can only show what its dtype holds."""
        values, unit, full = self._per_channel(fill, "fill"), self._unit(current), FULL_SCALE[self.dtype]
        if self.dtype != DType.FLOAT32 and (min(values) < 0 or max(values) > full):
            raise ArgumentError(f"fill must be in [0, {full:g}] for {self.dtype.name.lower()} images, got {fill!r}")
        return tuple(value / unit for value in values)

    def _per_channel(self, values: PerChannel, what: str) -> tuple[float, ...]:
        """One value for each channel that a row can have."""
        given = (values,) if isinstance(values, (int, float)) else tuple(values)
        if len(given) > 1 and np.any(self.channels != len(given)):
            raise ArgumentError(
                f"{what} has {len(given)} values, one a channel, but the images have {_listed(self.channels)} channels"
            )
        return (given * MAX_CHANNELS)[:MAX_CHANNELS]


def _extents(inverse: Floats) -> Floats:
    """Source pixels (n, 2) that one output pixel covers along x and y."""
    return np.hypot(inverse[:, :2, 0], inverse[:, :2, 1])


def _listed(values: Ints) -> str:
    return " or ".join(str(value) for value in np.unique(values))


def _word(value: Interpolation | Border | bool) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value.name.lower()


def _describe(one: _Pass) -> str:
    declared = one.declared
    parts = []
    if declared.interpolation is not None:
        smooth = ", antialiased" if declared.antialias else ""
        border = f", border {_word(declared.border)}" if declared.border is not None else ""
        parts.append(f"one {_word(declared.interpolation)} resampling{smooth}{border}")
    elif one.inverse is not None:
        parts.append("whole pixels are moved")
    if one.stage >= Stage.NOISE and len(one.rows) and one.rows["noise"][0]:
        parts.append(f"{Noise(int(one.rows['noise'][0])).name.lower()} noise")
    if len(one.rows):
        source, output = DType(int(one.rows["source_dtype"][0])), DType(int(one.rows["output_dtype"][0]))
        parts.append(f"{source.name.lower()} in, {output.name.lower()} out")
    return "; ".join(parts)
