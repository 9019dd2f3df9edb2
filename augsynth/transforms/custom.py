"""A function of the user's as a transform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan.lowering import ImageInfo, Operate
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import flag


@dataclass(frozen=True)
class Lambda(Transform):
    """Call a function of yours.

    `function` gets a copy of the image, a NumPy array (H, W, C), and returns one of the same shape and dtype: it runs
    between passes. With `per_pixel` it gets float64 values in the image's units, in an array of any shape, and maps
    them one by one. Then it becomes a lookup table for integer images, and shares a pass with all else; results are
    rounded and clamped to the dtype's range. What it returns must depend on its argument alone, or keys no longer
    decide.

    Nothing tells where a function of the whole image takes its pixels. So targets are refused beside it, unless
    `keeps_positions` says that it moves none.

    A description holds only the `name`, the function's own by default; `from_dict(d, functions={name: function})` puts
    the function back. It is pickled, as DataLoader workers need it, if it can be: a function of a module, not a lambda.

    >>> import numpy as np
    >>> Lambda(np.sqrt, per_pixel=True)(np.array([[16, 100, 255]], np.uint8)).tolist()
    [[[4, 10, 16]]]
    >>> Lambda(np.flipud)(np.array([[1], [2]], np.uint8)).tolist()
    [[[2], [1]]]
    """

    function: Callable[..., Any] = field(repr=False)
    per_pixel: bool = False
    name: str = ""
    keeps_positions: bool = False

    def __post_init__(self) -> None:
        if self.name is None or (isinstance(self.name, str) and not self.name):
            object.__setattr__(self, "name", getattr(self.function, "__name__", type(self.function).__name__))
        super().__post_init__()

    def check(self) -> None:
        if not callable(self.function):
            raise ArgumentTypeError(f"function must be callable, got {shown(self.function)}")
        flag(self.per_pixel, "per_pixel")
        flag(self.keeps_positions, "keeps_positions")
        if not isinstance(self.name, str):
            raise ArgumentTypeError(f"name must be a string, got {self.name!r}")

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        return Operate(
            f"Lambda({self.name})",
            function=self.function,
            per_value=self.per_pixel,
            keeps_positions=self.keeps_positions,
        )

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        return "name", "per_pixel", "keeps_positions"

    @classmethod
    def from_description(cls, values: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> Lambda:
        name: Any = values.get("name")
        if name not in functions:
            raise ArgumentError(
                f"the description calls a function {name!r}: pass from_dict(..., functions={{{name!r}: ...}})"
            )
        return cls(functions[name], **values)
