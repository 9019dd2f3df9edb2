"""What every transform is: parameters drawn from keyed bits (`lower`), and the calls users make.

Drawing and working are apart: `lower` turns uniform numbers into steps of a plan, and executors run the plan.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from augsynth import _native
from augsynth.errors import ArgumentError, PlanError
from augsynth.execute import as_arrays, batch_output, execute
from augsynth.images import as_views, common_dtype
from augsynth.layout import DType
from augsynth.lowering import Lowering, Step
from augsynth.plan import Plan, check_rows
from augsynth.rng import Bits, KeysLike, as_keys, bits_to_uniform, keys_from_torch
from augsynth.transforms.params import dtype_named, frozen

Floats = npt.NDArray[np.float64]
STREAM_WORDS = 4


@dataclass(frozen=True)
class Draw:
    """The random numbers of one transform: `u` (n, draws) uniform in [0, 1), `stream` (n, 4) keys per-pixel noise."""

    u: Floats
    stream: Bits

    def between(self, column: int, low: float, high: float) -> Floats:
        """Column `column` of `u`, spread over [low, high)."""
        return low + (high - low) * self.u[:, column]


class Pipeline(ABC):
    """The calls that a single transform and a `Compose` share."""

    @abstractmethod
    def _parts(self) -> tuple[Sequence[Transform], bool]:
        """The transforms in order, and whether they may be fused."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready description; `from_dict` builds the same transform from it."""

    def __call__(self, image: Any, *, key: tuple[int, int, int] | None = None) -> torch.Tensor:
        """Transform one image; returns a tensor (C, H, W).

        `key` = (seed, epoch, index) decides everything that is random; without one, it is drawn from torch's generator.

        >>> from augsynth import transforms as T
        >>> T.CenterCrop(2)(np.zeros((4, 6, 3), np.uint8)).shape
        torch.Size([3, 2, 2])
        """
        return self.batch([image], keys=None if key is None else [key])[0]

    def batch(self, images: Any, *, keys: KeysLike | None = None, out: torch.Tensor | None = None) -> torch.Tensor:
        """Transform many images in one native call a pass; returns a tensor (B, C, H, W).

        `images` is a sequence of images, which may differ in size, or a batch `numpy (B, H, W, C)` or
        `torch (B, C, H, W)`; `keys` one (seed, epoch, index) each. All outputs must have one size;
        `out` is written and returned if given.
        """
        views = as_views(images)
        plan = self._plan(_shapes_of(views), self._keys(keys, len(views)), common_dtype(views))
        result = batch_output(plan, out)
        execute(plan, views, as_arrays(result))
        return result

    def plan(self, shapes: Sequence[Sequence[int]], keys: KeysLike, *, dtype: str = "uint8") -> Plan:
        """Draw the plan for images of the given shapes, (H, W) or (H, W, C) each, and of `dtype`."""
        array = _as_shapes(shapes)
        return self._plan(array, self._keys(keys, len(array)), dtype_named(dtype))

    def apply(self, images: Any, plan: Plan) -> torch.Tensor:
        """Run a plan that was drawn before, or loaded, over the images; returns a tensor (B, C, H, W)."""
        views = as_views(images)
        first = plan.passes[0]
        for number, (view, size, channels) in enumerate(
            zip(views, first["source_size"].tolist(), first["channels"].tolist(), strict=False)
        ):
            if view.shape != (*size, channels):
                raise PlanError(
                    f"images[{number}] has shape (H, W, C) = {view.shape}, the plan was drawn for {(*size, channels)}"
                )
        for number, rows in enumerate(plan.passes):
            check_rows(rows, f"pass {number}")
        result = batch_output(plan, None)
        execute(plan, views, as_arrays(result))
        return result

    def explain(self, shape: Sequence[int] = (1024, 1024, 3), dtype: str = "uint8") -> str:
        """The passes that images of this shape and dtype go through, and why each one begins.

        >>> from augsynth import transforms as T
        >>> print(T.Compose([T.RandomHorizontalFlip(), T.Resize((32, 32))]).explain())
        1 pass
        pass 1: RandomHorizontalFlip + Resize
          one bilinear resampling, antialiased; uint8 in, uint8 out
        """
        lowering = self._lower(_as_shapes([shape]), as_keys([(0, 0, 0)]), dtype_named(dtype))
        lowering.finish()
        return lowering.explain()

    def _keys(self, keys: KeysLike | None, count: int) -> npt.NDArray[np.int64]:
        array = keys_from_torch(count) if keys is None else as_keys(keys)
        if len(array) != count:
            raise ArgumentError(f"there must be one key an image: got {len(array)} keys for {count} images")
        return array

    def _plan(self, shapes: npt.NDArray[np.int64], keys: npt.NDArray[np.int64], dtype: DType) -> Plan:
        return self._lower(shapes, keys, dtype).finish()

    def _lower(self, shapes: npt.NDArray[np.int64], keys: npt.NDArray[np.int64], dtype: DType) -> Lowering:
        transforms, fuse = self._parts()
        lowering = Lowering(shapes[:, :2], shapes[:, 2], dtype, fuse)
        for op, transform in enumerate(transforms):
            bits = _native.draw_bits(keys, op, STREAM_WORDS + 2 * transform.draws)
            draw = Draw(bits_to_uniform(bits[:, STREAM_WORDS:]), bits[:, :STREAM_WORDS])
            lowering.add(type(transform).__name__, transform.step(draw, lowering))
        return lowering


class Transform(Pipeline):
    """Base of the transforms: a frozen dataclass of parameters and one step drawn from them.

    `draws` is how many uniform numbers a sample needs.
    """

    draws: ClassVar[int] = 0

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, one.name, frozen(getattr(self, one.name)))
        self.check()

    def check(self) -> None:
        """Raise `ArgumentError` if a parameter is out of range."""

    @abstractmethod
    def step(self, draw: Draw, seen: Lowering) -> Step:
        """The step for the samples that `seen` describes (`sizes`, `channels`, `dtype` at this point)."""

    def _parts(self) -> tuple[Sequence[Transform], bool]:
        return (self,), True

    def to_dict(self) -> dict[str, Any]:
        values = {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]
        return {"type": type(self).__name__, **values}


def _shapes_of(views: Sequence[npt.NDArray[np.generic]]) -> npt.NDArray[np.int64]:
    return np.array([view.shape for view in views], dtype=np.int64).reshape(-1, 3)


def _as_shapes(shapes: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    rows = [tuple(int(value) for value in shape) for shape in shapes]
    for number, row in enumerate(rows):
        if len(row) not in (2, 3) or min(row) < 1:
            raise ArgumentError(f"shapes[{number}] must be (H, W) or (H, W, C) with positive entries, got {row}")
    return np.array([row if len(row) == 3 else (*row, 1) for row in rows], dtype=np.int64).reshape(-1, 3)
