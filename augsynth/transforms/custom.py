"""A user's function as a transform."""

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

    The result of the function must depend on its argument alone; otherwise keys do not decide the result.

    A description holds only the `name`, and `from_dict(d, functions={name: function})` puts the function back. A
    function of a module can be pickled, as DataLoader workers need it; a lambda cannot.

    Args:
        function: gets a copy of the image, a NumPy array (H, W, C), and returns an array of the same shape and dtype.
            It runs between passes.
        per_pixel: True calls the function with float64 values in the image's units, in an array of any shape, which it
            maps one by one. For integer images it becomes a lookup table, and shares a pass with the other transforms;
            results are rounded and clamped to the range of the dtype. False by default.
        name: the name in descriptions and in `explain()`; by default the function's own.
        keeps_positions: True declares that the function moves no pixels. Otherwise targets are refused, because the
            function of a whole image may move pixels. False by default.

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
    def from_description(cls, values: Mapping[str, Any], functions: Mapping[str, Any]) -> Lambda:
        name: Any = values.get("name")
        if name not in functions:
            raise ArgumentError(
                f"the description calls a function {name!r}: pass from_dict(..., functions={{{name!r}: ...}})"
            )
        return cls(functions[name], **values)
