"""A barrier: an operation between two passes, which needs more of an image than a pass sees of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.core.points import POINTS
from augsynth.core.typing import Array
from augsynth.errors import PlanError
from augsynth.whole_image import OPERATIONS


@dataclass(frozen=True)
class Barrier:
    """`operation`, of `augsynth.whole_image` or a point operation, on those of n images that `active` (n,) names.

    `parameters` hold one entry a sample, `settings` are the same for all. A user's own `function` stands in for the
    operation where there is one, and cannot be stored; `per_value` says that it maps values one by one, and
    `keeps_positions` that it moves no pixels. Neither size, channels nor dtype change.
    """

    operation: str
    active: npt.NDArray[np.bool_]
    parameters: Mapping[str, Array] = field(default_factory=dict)
    settings: Mapping[str, Array] = field(default_factory=dict)
    function: Callable[..., Any] | None = None
    per_value: bool = False
    keeps_positions: bool = False

    def __post_init__(self) -> None:
        if self.function is None and self.operation not in OPERATIONS and self.operation not in POINTS:
            known = ", ".join(sorted({*OPERATIONS, *POINTS}))
            raise PlanError(f"unknown operation {self.operation!r} in a plan; known are {known}")
        for name, values in self.parameters.items():
            if values.ndim < 1 or len(values) != len(self.active):
                raise PlanError(
                    f"{self.operation}: {name} must have one entry for each of {len(self.active)} samples, got shape "
                    f"{values.shape}"
                )

    def __len__(self) -> int:
        return len(self.active)

    def __getitem__(self, samples: slice) -> Barrier:
        """The barrier of some of the samples."""
        parameters = {name: values[samples] for name, values in self.parameters.items()}
        return replace(self, active=self.active[samples], parameters=parameters)

    @property
    def may_move_pixels(self) -> bool:
        """Whether nothing tells where the pixels go, so that no target can follow."""
        if self.function is not None:
            return not (self.per_value or self.keeps_positions)
        return self.operation not in POINTS and not OPERATIONS[self.operation].keeps_positions

    def arguments(self, sample: int) -> dict[str, Any]:
        """What the operation takes beside the image of one sample."""
        return {**self.settings, **{name: values[sample] for name, values in self.parameters.items()}}
