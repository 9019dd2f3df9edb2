"""Pipelines: a list of transforms, fused into passes; and building transforms from their descriptions."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import torch

from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.transforms.affine import RandomAffine, RandomRotation, RandomScale, RandomShear, RandomTranslate
from augsynth.transforms.base import Pipeline, Transform
from augsynth.transforms.flips import RandomHorizontalFlip, RandomVerticalFlip
from augsynth.transforms.frames import CenterCrop, Pad, RandomCrop, RandomResizedCrop, Resize
from augsynth.transforms.noise import GaussianNoise, PoissonNoise, SaltAndPepperNoise, SpeckleNoise, UniformNoise
from augsynth.transforms.values import Normalize, ToDtype

TRANSFORMS: tuple[type[Transform], ...] = (
    RandomHorizontalFlip,
    RandomVerticalFlip,
    RandomRotation,
    RandomAffine,
    RandomScale,
    RandomTranslate,
    RandomShear,
    RandomCrop,
    CenterCrop,
    RandomResizedCrop,
    Resize,
    Pad,
    GaussianNoise,
    UniformNoise,
    SaltAndPepperNoise,
    PoissonNoise,
    SpeckleNoise,
    Normalize,
    ToDtype,
)
_MEMORY_FORMATS = {"contiguous_format": torch.contiguous_format, "channels_last": torch.channels_last}
_BY_NAME = {one.__name__: one for one in TRANSFORMS}


class Compose(Pipeline):
    """Transforms one after the other, fused into as few native passes as their order allows.

    `fuse=False` gives one pass per transform. `memory_format="channels_last"` gives batches whose channels lie side by
    side, as convolutions on tensor cores like them; the shape stays (B, C, H, W). A `Compose` inside another is taken
    apart: only the order counts.

    >>> import numpy as np
    >>> from augsynth import transforms as T
    >>> t = T.Compose([T.RandomHorizontalFlip(), T.RandomRotation(15), T.Normalize([0.5], [0.5])])
    >>> t(np.zeros((32, 32, 3), np.uint8), key=(0, 0, 0)).shape
    torch.Size([3, 32, 32])
    """

    def __init__(
        self,
        transforms: Sequence[Pipeline],
        fuse: bool = True,
        memory_format: str | torch.memory_format = "contiguous_format",
    ) -> None:
        for number, one in enumerate(transforms):
            if not isinstance(one, Pipeline):
                raise ArgumentTypeError(f"transforms[{number}] must be an augsynth transform, got {one!r}")
        self.transforms: tuple[Transform, ...] = tuple(part for one in transforms for part in one._parts()[0])
        self.fuse = bool(fuse)
        self.memory_format = _memory_format_name(memory_format)

    def _parts(self) -> tuple[Sequence[Transform], bool]:
        return self.transforms, self.fuse

    def _memory_format(self) -> torch.memory_format:
        return _MEMORY_FORMATS[self.memory_format]

    def to_dict(self) -> dict[str, Any]:
        return {
            "type": "Compose",
            "transforms": [one.to_dict() for one in self.transforms],
            "fuse": self.fuse,
            "memory_format": self.memory_format,
        }

    def _state(self) -> tuple[Any, ...]:
        return self.transforms, self.fuse, self.memory_format

    def __repr__(self) -> str:
        inner = ", ".join(repr(one) for one in self.transforms)
        return f"Compose([{inner}], fuse={self.fuse}, memory_format={self.memory_format!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Compose) and self._state() == other._state()

    def __hash__(self) -> int:
        return hash(self._state())


def _memory_format_name(value: str | torch.memory_format) -> str:
    name = str(value).removeprefix("torch.")
    if name not in _MEMORY_FORMATS:
        raise ArgumentError(f"memory_format must be {' or '.join(_MEMORY_FORMATS)}, got {value!r}")
    return name


def from_dict(description: Mapping[str, Any]) -> Pipeline:
    """Build the transform that `to_dict` described; `ArgumentError` names what is unknown.

    >>> from augsynth import transforms as T
    >>> T.from_dict({"type": "RandomHorizontalFlip", "p": 0.25})
    RandomHorizontalFlip(p=0.25)
    """
    if not isinstance(description, Mapping) or not isinstance(description.get("type"), str):
        raise ArgumentError(f"a transform's description must be a mapping with a 'type', got {description!r}")
    values = {key: value for key, value in description.items() if key != "type"}
    name = description["type"]
    if name == "Compose":
        return _compose(values)
    if name not in _BY_NAME:
        raise ArgumentError(f"unknown transform {name!r}{_suggestion(name, [*_BY_NAME, 'Compose'])}")
    kind = _BY_NAME[name]
    _check_names(name, values, [one.name for one in fields(kind)])  # type: ignore[arg-type]
    try:
        return kind(**values)
    except TypeError as error:
        if isinstance(error, ArgumentTypeError):
            raise
        raise ArgumentError(f"{name}: {error}") from error


def _compose(values: dict[str, Any]) -> Compose:
    _check_names("Compose", values, ["transforms", "fuse", "memory_format"])
    inner, fuse = values.pop("transforms", None), values.get("fuse", True)
    if not isinstance(inner, (list, tuple)) or not isinstance(fuse, bool):
        raise ArgumentError("Compose: 'transforms' must be a list of descriptions and 'fuse' true or false")
    return Compose([from_dict(one) for one in inner], **values)


def _check_names(name: str, values: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in values:
        if key not in known:
            raise ArgumentError(f"{name} has no parameter {key!r}{_suggestion(str(key), known)}")


def _suggestion(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f": did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
