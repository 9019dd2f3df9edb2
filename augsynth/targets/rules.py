"""Rules for targets: the objects that are kept, and the reading of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from augsynth.core.checks import check_flag, check_number
from augsynth.errors import ArgumentTypeError


@dataclass(frozen=True)
class TargetRules:
    """Rules for the objects of a target that are kept, and for reading its numbers.

    Args:
        min_area: boxes with less area in the output, in square pixels and after clipping, are dropped; default 0.
        min_visibility: boxes with a smaller visible fraction of their area are dropped; in [0, 1], default 0.
        pixel_center: keypoints name pixels by their centres: x stands for the position x + 1/2. Default False.
        mask_fill: value of masks outside the image, with the border "constant"; default 0. Boolean masks and masks
            of single objects show 0 there.
        passthrough: names of fields that stay as they are; default none.

    >>> TargetRules(min_visibility=0.25)
    TargetRules(min_area=0.0, min_visibility=0.25, pixel_center=False, mask_fill=0, passthrough=())
    """

    min_area: float = 0.0
    min_visibility: float = 0.0
    pixel_center: bool = False
    mask_fill: float = 0
    passthrough: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, low, high in (
            ("min_area", 0.0, math.inf),
            ("min_visibility", 0.0, 1.0),
            ("mask_fill", -math.inf, math.inf),
        ):
            check_number(name, getattr(self, name), low, high, type_error=ArgumentTypeError)
        check_flag("pixel_center", self.pixel_center)
        object.__setattr__(self, "passthrough", field_names(self.passthrough))

    @property
    def offset(self) -> float:
        """Difference between a keypoint's position and its number, in pixels."""
        return 0.5 if self.pixel_center else 0.0


def field_names(passthrough: Any) -> tuple[str, ...]:
    """Return names of fields as a tuple; `ArgumentTypeError` if they are not a sequence of texts.

    Args:
        passthrough: names of fields.
    """
    if isinstance(passthrough, str) or not isinstance(passthrough, (Sequence, Set)):
        raise ArgumentTypeError(f"passthrough must be a sequence of the names of fields, got {passthrough!r}")
    for name in passthrough:
        if not isinstance(name, str):
            raise ArgumentTypeError(f"passthrough must hold the names of fields, got {name!r}")
    return tuple(passthrough)
