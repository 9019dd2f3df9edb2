"""A barrier: an operation between two passes, which needs more of an image than a pass sees at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.core.points import POINTS
from augsynth.core.typing import Array, Floats, Ints
from augsynth.errors import PlanError
from augsynth.whole_image import OPERATIONS


@dataclass(frozen=True)
class Barrier:
    """An operation on some images of a batch. Sizes and dtypes stay.

    Args:
        operation: the name of an operation of `augsynth.whole_image` or `augsynth.core.points`.
        active: bool (n,), True for the images that the operation changes.
        parameters: arrays with one entry for each sample, by the operation's parameter names.
        settings: values that are the same for all samples, by the operation's parameter names.
        function: a user's function, which takes the operation's place; such a barrier cannot be stored. None by
            default.
        per_value: True if `function` maps values one by one.
        keeps_positions: True if `function` moves no pixels.
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

    def __getitem__(self, samples: slice | Ints) -> Barrier:
        """The barrier of some of the samples."""
        parameters = {name: values[samples] for name, values in self.parameters.items()}
        return replace(self, active=self.active[samples], parameters=parameters)

    def repeated(self, count: int) -> Barrier:
        """The barrier of `count` samples with the work of the first one."""
        first = np.zeros(count, np.int64)
        parameters = {name: values[first] for name, values in self.parameters.items()}
        return replace(self, active=self.active[first], parameters=parameters)

    @property
    def may_move_pixels(self) -> bool:
        """True if the barrier may move pixels and has no map of coordinates, so that no target can follow."""
        if self.function is not None:
            return not (self.per_value or self.keeps_positions)
        if self.operation in POINTS:
            return False
        operation = OPERATIONS[self.operation]
        return not operation.keeps_positions and operation.coordinate_map is None

    @property
    def channels(self) -> int | None:
        """The number of channels that the barrier leaves of any image; None if it keeps their number."""
        described = OPERATIONS.get(self.operation) if self.function is None else None
        return None if described is None else described.channels

    def coordinate_maps(self, sizes: Ints) -> Floats | None:
        """Return the maps (n, 3, 3) from each image's coordinates to those of its result; None if no pixel moves.

        Args:
            sizes: (n, 2), the height and width of each image.
        """
        if self.function is not None or self.operation in POINTS:
            return None
        coordinate_map = OPERATIONS[self.operation].coordinate_map
        if coordinate_map is None:
            return None
        maps = np.tile(np.eye(3), (len(self), 1, 1))
        for sample in np.flatnonzero(self.active).tolist():
            maps[sample] = coordinate_map(tuple(sizes[sample].tolist()), **self.arguments(sample))
        return maps

    def arguments(self, sample: int) -> dict[str, Any]:
        """The keyword arguments of the operation for one sample."""
        return {**self.settings, **{name: values[sample] for name, values in self.parameters.items()}}
