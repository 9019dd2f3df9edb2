"""The description of an operation that needs the whole picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from augsynth.core.typing import Floats, Image


@dataclass(frozen=True)
class WholeImageOperation:
    """An operation that runs on whole images, between two passes.

    Size and dtype of an image do not change.

    Args:
        name: The name in plans. Stored plans hold it, so it never changes.
        function: `function(image, **parameters)` takes an image (H, W, C) of uint8, uint16 or float32, and gives a new
            one.
        parameters: The parameters that a plan must give, each with a valid example, with which the tests run it.
        torch_function: The same in torch's operations, to the bit, without waiting for the device. Without one, a
            device's images are copied to the CPU and back.
        keeps_positions: True if every pixel stays where it is.
        coordinate_map: `coordinate_map((height, width), **parameters)` gives the matrix (3, 3) that takes a point
            (x, y, 1) of the image to its place in the result; for an operation that moves pixels. Targets follow it.
            Without it and without `keeps_positions`, targets are refused.
        clamps_floats_to: The largest value that it leaves of a float image; None if it does not clamp.
        channels: The number of channels that it leaves of any image; None if it keeps their number.
    """

    name: str
    function: Callable[..., Image]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    torch_function: Callable[..., torch.Tensor] | None = None
    keeps_positions: bool = False
    coordinate_map: Callable[..., Floats] | None = None
    clamps_floats_to: float | None = None
    channels: int | None = None

    def __post_init__(self) -> None:
        if self.keeps_positions and self.coordinate_map is not None:
            raise ValueError(f"{self.name!r} both keeps positions and has a coordinate_map: give one of the two")
