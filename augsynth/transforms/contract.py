"""The contract of a transform: parameters in a frozen dataclass, and `step`, which turns random numbers into a step.

`docs/tutorial-custom-transforms.md` writes one. The calls that every transform has are in `pipeline.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from augsynth.plan.lowering import ImageInfo, Lowering, TransformStep
from augsynth.transforms.draw import Draw
from augsynth.transforms.params import frozen
from augsynth.transforms.pipeline import Pipeline

__all__ = ["Draw", "ImageInfo", "Transform"]


class Transform(Pipeline):
    """Base of the transforms: a frozen dataclass of parameters, and one step that is drawn from them.

    A subclass defines `step`, and `check` if a parameter can be wrong. `draws` is the number of random numbers that a
    sample needs.
    """

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, field.name, frozen(getattr(self, field.name)))
        self.check()

    def check(self) -> None:
        """Raise `ArgumentError` if a parameter is out of range."""

    def step(self, draw: Draw, images: ImageInfo) -> TransformStep:
        """The step for a batch.

        Args:
            draw: the random numbers, `draw.u` (n, draws) among them.
            images: the images at this point of the pipeline: their `sizes`, `channels`, `dtype` and `boxes`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define step (or lower, if it has several steps)")

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        lowering.add(type(self).__name__, self.step(next(draws), lowering.images))

    def flattened(self) -> Iterator[Pipeline]:
        yield self

    def to_dict(self) -> dict[str, Any]:
        return {"type": type(self).__name__} | {
            name: _described(getattr(self, name)) for name in self.parameter_names()
        }

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))  # type: ignore[arg-type]


def _described(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_described(entry) for entry in value)
    return value.to_dict() if isinstance(value, Pipeline) else value
