"""Layers: the parts that source images have in the outputs of a composition, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from augsynth._native.layout import Border
from augsynth.core.typing import Array, Floats, Ints, Mask
from augsynth.errors import PlanError
from augsynth.plan.passes import Pass, new_rows
from augsynth.plan.plan import Plan

WHOLE = -1
"""The number of an object that stands for the whole image."""
SMOOTHEST = 100.0
_KINDS = {"outputs": 1, "sources": 1, "corners": 2, "objects": 1, "keeps": 1}  # and the axes of each


@dataclass(frozen=True)
class Layer:
    """One image in each of some outputs: its source, its plan, its place, and the object that is cut out of it.

    The layer has n entries, at most one for each output. Layers lie one upon the other in the order of the composition.

    Args:
        plan: the plan of the n images; the sizes of its outputs are those of the rectangles that the layer writes.
        outputs: int64 (n,), the number of the output of each entry, in increasing order.
        sources: int64 (n,), the number of the source image of each entry.
        corners: int64 (n, 2), the (top, left) of each rectangle in its output.
        objects: int64 (n,), the number of the object of the source's target that is cut out; -1 for the whole image.
        keeps: float64 (n,), the share that the layers below keep, in [0, 1]; 0 hides them.
        feather: the standard deviation, in pixels, by which the edges of objects are blurred; 0 (the default) for sharp
            edges.
    """

    plan: Plan
    outputs: Ints
    sources: Ints
    corners: Ints
    objects: Ints
    keeps: Floats
    feather: float = 0.0

    def __post_init__(self) -> None:
        for name, axes in _KINDS.items():
            shape = (len(self.plan), 2) if axes == 2 else (len(self.plan),)
            array, kind = getattr(self, name), np.float64 if name == "keeps" else np.int64
            if not isinstance(array, np.ndarray) or array.dtype != kind or array.shape != shape:
                raise PlanError(f"{name} of a layer must be {np.dtype(kind)} {shape}, got {_form(array)}")
        if (np.diff(self.outputs) <= 0).any():
            raise PlanError("a layer has one entry for each of its outputs, in their order")
        if (
            (self.corners < 0).any()
            or (self.objects < WHOLE).any()
            or not ((self.keeps >= 0) & (self.keeps <= 1)).all()
        ):
            raise PlanError("a layer has corners of at least 0, objects of at least -1, and keeps in [0, 1]")
        if not (math.isfinite(self.feather) and 0 <= self.feather <= SMOOTHEST):
            raise PlanError(f"feather must be in [0, {SMOOTHEST:g}], got {self.feather!r}")

    @classmethod
    def placed(cls, plan: Plan, outputs: Ints, sources: Ints, **others: Any) -> Layer:
        """A layer of whole images that begin at the corner of their outputs and hide what is below.

        Args:
            plan, outputs, sources: as in the class.
            others: further arguments of the class, in place of these.
        """
        count = len(plan)
        usual = {
            "corners": np.zeros((count, 2), np.int64),
            "objects": np.full(count, WHOLE),
            "keeps": np.zeros(count),
        }
        return cls(plan, outputs, sources, **{**usual, **others})

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, entries: Ints) -> Layer:
        """The layer of some of the entries."""
        return self._of(entries, self.outputs[entries])

    def _of(self, entries: Ints, outputs: Ints) -> Layer:
        arrays = {name: getattr(self, name)[entries] for name in _KINDS}
        return Layer(self.plan[entries], **{**arrays, "outputs": outputs}, feather=self.feather)

    def renumbered(self, numbers: Ints) -> Layer:
        """The entries of some outputs, in the order of their new numbers.

        Args:
            numbers: for each output its new number, or -1 to leave its entry out.
        """
        places = numbers[self.outputs]
        order = np.argsort(places, kind="stable")
        order = order[places[order] >= 0]
        return self._of(order, places[order])

    @cached_property
    def sizes(self) -> Ints:
        """The (height, width) (n, 2) of the rectangles."""
        sizes: Ints = self.plan.passes[-1].rows["output_size"].astype(np.int64)
        return sizes

    @cached_property
    def boxes(self) -> Ints:
        """The rectangles (n, 4) as (top, left, bottom, right)."""
        return np.concatenate([self.corners, self.corners + self.sizes], axis=1)

    @property
    def hides(self) -> Mask:
        """bool (n,), True for the entries that hide a part of what is below."""
        hides: Mask = self.keeps == 0
        return hides

    def movements(self, size: tuple[int, int]) -> tuple[Pass, ...]:
        """The movements of the plan, and a pass that moves coordinates from the rectangles to the outputs.

        Args:
            size: (H, W) of the outputs.
        """
        last = self.plan.passes[-1].rows
        rows = new_rows(len(self))
        rows["inverse"][:, 0, 2], rows["inverse"][:, 1, 2] = -self.corners[:, 1], -self.corners[:, 0]
        rows["source_size"], rows["output_size"] = last["output_size"], size
        rows["source_dtype"] = rows["output_dtype"] = last["output_dtype"]
        rows["channels"], rows["border"] = last["channels"], Border.CONSTANT
        return (*self.plan.movements, Pass(rows))

    def arrays(self) -> dict[str, Array]:
        """The numbers of the layer by their names, without the plan."""
        return {**{name: getattr(self, name) for name in _KINDS}, "feather": np.array(self.feather, np.float64)}

    @classmethod
    def of_arrays(cls, plan: Plan, arrays: dict[str, Array]) -> Layer:
        """The layer of a plan and the numbers that `arrays` gave."""
        names = {field.name for field in fields(cls)} - {"plan"}
        if arrays.keys() != names or arrays["feather"].shape != ():
            raise PlanError(f"a layer has {', '.join(sorted(names))}, got {', '.join(sorted(arrays))}")
        return cls(plan, **{**arrays, "feather": float(arrays["feather"])})  # type: ignore[arg-type]


def _form(value: Any) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
