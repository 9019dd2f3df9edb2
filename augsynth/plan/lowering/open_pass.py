"""The open pass of a lowering: it gathers the parameters of steps, and becomes rows when it is closed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from augsynth import _native
from augsynth._native.layout import Border
from augsynth.core.typing import Floats, Ints
from augsynth.plan import Pass, Rows
from augsynth.plan.lowering.merge import Transition
from augsynth.plan.lowering.state import PassNoise, PassState
from augsynth.plan.lowering.steps import (
    AddNoise,
    Displace,
    Erase,
    FillValues,
    Fusible,
    Geometry,
    Lookup,
    MapColours,
)
from augsynth.plan.lowering.tables import Gathered

_UNLIMITED = (-np.inf, np.inf)


@dataclass(eq=False)
class OpenPass:
    """The parameters of the steps so far, for images of `sizes` (n, 2) with `channels` (n,).

    `inverse` (n, 3, 3) maps what the next step sees to the source; `edge` (n, 2) are the source pixels that one pixel
    covered where the border was declared. `displace` is the displacement, if there is one: `after` (n, 3, 3) maps the
    frame that it displaces to the source, and `before` what the next step sees to that frame.
    """

    sizes: Ints
    channels: Ints
    inverse: Floats | None = None
    edge: Floats | None = None
    displace: Displace | None = None
    after: Floats | None = None
    before: Floats | None = None
    noise: AddNoise | None = None
    gathered: Gathered = field(default_factory=Gathered)

    def add(self, step: Fusible, change: Transition) -> None:
        """Gather the parameters of the step that makes a transition."""
        match step:
            case Geometry():  # first, as most steps are
                self._resample(step, change)
            case Displace():
                self._find_edge(change)
                self.displace, self.after = step, self.inverse
            case AddNoise():
                self.noise = step
            case MapColours():
                full = change.before.full_scale
                self.gathered.add_colours(step, full, (0.0, full) if change.after.clips_colours else _UNLIMITED)
            case Lookup():
                self.gathered.add_lookup(step)
            case Erase():
                self.gathered.add_erasures(step, *change.before.erased_range(step.fill))
            case FillValues():
                self._fill_missing(step, change.before)

    def close(self, state: PassState, sizes: Ints) -> Pass:
        """The finished pass, which writes images of `sizes` (n, 2)."""
        stream = None if self.noise is None else self.noise.stream
        rows = _native.make_rows(state.row, self.sizes, sizes, self.channels, self.inverse, stream)
        if self.edge is not None:
            rows["edge"] = self.edge
        if state.smooths:
            extents = _extents(rows["inverse"])
            rows["support"] = np.maximum(extents, 1.0)
            rows["edge"] = np.maximum(rows["edge"], extents)
        if self.noise is not None and state.noise is not None:
            _add_noise(self.noise, state.noise, rows)
        if self.displace is not None:
            self.gathered.add_displacements(self.displace, self.before, self.after)
        return Pass(rows, self.gathered.into(rows, state.source_dtype))

    def _resample(self, step: Geometry, change: Transition) -> None:
        if self.displace is not None:
            self.before = step.inverse if self.before is None else _native.compose(self.before, step.inverse)
        if self.inverse is None:
            self.inverse = step.inverse
            return
        self._find_edge(change)
        self.inverse = _native.compose(self.inverse, step.inverse)

    def _find_edge(self, change: Transition) -> None:
        declared = change.before.sampling.border is None and change.after.sampling.border == Border.CONSTANT
        if declared and self.inverse is not None:
            self.edge = _extents(self.inverse)

    def _fill_missing(self, step: FillValues, state: PassState) -> None:
        low, high = (state.levels_in_source(level, "value") for level in (step.low, step.high))
        self.gathered.add_missing(step, state.missing_in_source(step.value), low, high)


def _add_noise(step: AddNoise, noise: PassNoise, rows: Rows) -> None:
    parameters, scales = rows["noise_parameters"], noise.scales
    if step.active is None:
        parameters[:, : len(scales)] = step.parameters * scales
    else:
        noise.mark(rows, step.active)
        parameters[step.active, : len(scales)] = step.parameters[step.active] * scales


def _extents(inverse: Floats) -> Floats:
    """Source pixels (n, 2) that one output pixel covers along x and y."""
    return np.hypot(inverse[:, :2, 0], inverse[:, :2, 1])
