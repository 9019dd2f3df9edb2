"""What every transform is: parameters drawn from keyed bits (`step`), and the calls users make.

Drawing and working are apart: `step` turns uniform numbers into a step of a plan, and executors run the plan.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar, NamedTuple, overload

import numpy as np
import torch

from augsynth import _native
from augsynth._native.layout import DType
from augsynth.core.images import ImageBatch, as_batch, plain_arrays
from augsynth.core.rng import Keys, KeysLike, as_keys, keys_from_torch
from augsynth.core.typing import Bits, Floats, Ints
from augsynth.engine import batch_output, moved, recorded_batch, run_batch, run_recorded
from augsynth.engine.memory import MEMORY_FORMATS
from augsynth.errors import ArgumentError, ArgumentTypeError, PlanError, shown
from augsynth.plan import LARGEST, Plan, check_pass
from augsynth.plan.lowering import Lowering, Step
from augsynth.targets import Reading, TargetRules, object_boxes, place_targets, read_targets, tv_tensors
from augsynth.transforms.params import dtype_named, frozen, integer

STREAM_WORDS = 4


class Draw(NamedTuple):
    """The random numbers of one transform, the `op`-th of its pipeline: `u` (n, draws) uniform in [0, 1)."""

    u: Floats
    keys: Keys
    op: int

    @property
    def stream(self) -> Bits:
        """Words (n, 4) that key per-pixel noise."""
        return _native.draw_bits(self.keys, self.op, STREAM_WORDS)

    def between(self, column: int, low: float, high: float) -> Floats:
        """Column `column` of `u`, spread over [low, high)."""
        return _native.spread(self.u, column, low, high)


class Prepared(NamedTuple):
    """The result of `Pipeline.prepare`: a batch as far as it is known without its pixels.

    Args:
        plan: what will be done to each image.
        readings: the targets as they were read, None where none were given. `place_targets(readings, plan)` of
            `augsynth.targets` gives those in the outputs.
    """

    plan: Plan
    readings: list[Reading] | None


class Pipeline(ABC):
    """The calls that a single transform and a `Compose` share.

    `memory_format` names how a fresh batch lies in memory: "contiguous_format" or "channels_last".
    """

    memory_format: str = "contiguous_format"

    @abstractmethod
    def _parts(self) -> tuple[Sequence[Transform], bool]:
        """The transforms in order, and whether they may be fused."""

    def _device(self) -> torch.device | None:
        """Where images are moved first; None leaves them where they are."""
        return None

    def _rules(self) -> TargetRules:
        """By which rules targets follow their images."""
        return TargetRules()

    @property
    def passthrough(self) -> tuple[str, ...]:
        """The names of the fields of targets that stay as they are; see `Compose`."""
        return self._rules().passthrough

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready description; `from_dict` builds the same transform from it."""

    @classmethod
    @abstractmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """What a description may say of it."""

    @classmethod
    def from_description(cls, values: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> Pipeline:
        """Build it from what `to_dict` says; `functions` are those that a description may name."""
        return cls(**values)

    @overload
    def __call__(self, image: Any, target: None = None, *, key: tuple[int, int, int] | None = None) -> torch.Tensor: ...

    @overload
    def __call__(
        self, image: Any, target: Any, *, key: tuple[int, int, int] | None = None
    ) -> tuple[torch.Tensor, Any]: ...

    def __call__(self, image: Any, target: Any = None, *, key: tuple[int, int, int] | None = None) -> Any:
        """Transform one image; returns a tensor (C, H, W), or (tensor, target) if a target was given.

        `key` = (seed, epoch, index) decides everything that is random; without one, it is drawn from torch's generator.
        A target is a dict with any of `boxes` (N, 4) as XYXY, `labels` (N,), `masks` (..., H, W) and `keypoints`
        (N, 2), or has another of the forms in `docs/targets.md`.

        >>> from augsynth import transforms as T
        >>> image, target = T.CenterCrop(2)(np.zeros((4, 6, 3), np.uint8), {"boxes": [[0.0, 0, 3, 4]], "labels": [7]})
        >>> image.shape, target
        (torch.Size([3, 2, 2]), {'boxes': [[0.0, 0.0, 1.0, 2.0]], 'labels': [7]})
        """
        keys = None if key is None else [key]
        if target is None:
            return tv_tensors.image_like(self.batch([image], keys=keys)[0], image)
        images, targets = self.batch([image], [target], keys=keys)
        return tv_tensors.image_like(images[0], image), targets[0]

    @overload
    def batch(
        self, images: Any, targets: None = None, *, keys: KeysLike | None = None, out: torch.Tensor | None = None
    ) -> torch.Tensor: ...

    @overload
    def batch(
        self, images: Any, targets: Sequence[Any], *, keys: KeysLike | None = None, out: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, list[Any]]: ...

    def batch(
        self,
        images: Any,
        targets: Sequence[Any] | None = None,
        *,
        keys: KeysLike | None = None,
        out: torch.Tensor | None = None,
    ) -> Any:
        """Transform many images in one native call a pass; returns a tensor (B, C, H, W), with `targets` also a list.

        `images` is a sequence of images, which may differ in size, or a batch `numpy (B, H, W, C)` or
        `torch (B, C, H, W)`, all on one device: those of a CUDA device give a batch there, on its current stream.
        `targets` one each, as in a single call; `keys` one (seed, epoch, index) each. All
        outputs must have one size;
        `out` is written and returned if given, contiguous or in `torch.channels_last`.

        The tensor's memory is its own for as long as it or a view of it is held. Then a later batch may use it.

        Gradients go through where an image requires one: float32 or float64 tensors of one shape, on any device. A
        pipeline through which none can go is refused then (`docs/gradients.md`).
        """
        sources, recorded = self._incoming(images)
        prepared = self._prepared(sources.shapes, keys, sources.dtype, targets)
        return self._run(prepared, sources, recorded, out)

    def plan(
        self,
        shapes: Sequence[Sequence[int]],
        keys: KeysLike,
        *,
        dtype: str = "uint8",
        targets: Sequence[Any] | None = None,
    ) -> Plan:
        """Draw the plan for images of the given shapes, (H, W) or (H, W, C) each, and of `dtype`.

        Only transforms with `min_visible` look at the `targets`.
        """
        return self.prepare(shapes, keys, dtype=dtype, targets=targets).plan

    def prepare(
        self,
        shapes: Sequence[Sequence[int]] | Ints,
        keys: KeysLike | None = None,
        *,
        dtype: str = "uint8",
        targets: Sequence[Any] | None = None,
    ) -> Prepared:
        """Draw the plan for images that are not there yet, and read their targets; returns (plan, readings).

        Args:
            shapes: (H, W) or (H, W, C) of each image.
            keys: one (seed, epoch, index) for each image; drawn from torch's generator by default.
            dtype: that of the images.
            targets: one for each image, in any form that a call takes.

        >>> from augsynth import transforms as T
        >>> plan, readings = T.CenterCrop(2).prepare([(4, 6)], [(0, 0, 0)], targets=[{"boxes": [[0.0, 0, 3, 4]]}])
        >>> len(plan), readings[0].boxes.tolist()
        (1, [[0.0, 0.0, 3.0, 4.0]])
        """
        return self._prepared(_as_shapes(shapes), keys, dtype_named(dtype), targets)

    @overload
    def apply(self, images: Any, plan: Plan, targets: None = None) -> torch.Tensor: ...

    @overload
    def apply(self, images: Any, plan: Plan, targets: Sequence[Any]) -> tuple[torch.Tensor, list[Any]]: ...

    def apply(self, images: Any, plan: Plan, targets: Sequence[Any] | None = None) -> Any:
        """Run a plan that was drawn before, or loaded; returns a tensor (B, C, H, W), with `targets` also a list."""
        if not isinstance(plan, Plan):
            raise ArgumentTypeError(f"plan must be a Plan, got {type(plan).__name__}")
        sources, recorded = self._incoming(images)
        readings = self._read(targets, sources.shapes)
        if len(sources) != len(plan):
            raise PlanError(f"the plan is for {len(plan)} images, got {len(sources)}")
        first = plan.passes[0].rows
        drawn_for = np.column_stack([first["source_size"], first["channels"]])
        differs = np.flatnonzero((sources.shapes != drawn_for).any(axis=1))
        if differs.size:
            shape, expected = (tuple(rows[differs[0]].tolist()) for rows in (sources.shapes, drawn_for))
            raise PlanError(f"images[{differs[0]}] has shape (H, W, C) = {shape}, the plan was drawn for {expected}")
        for number, one in enumerate(plan.passes):
            check_pass(one, f"pass {number}")
        return self._run(Prepared(plan, readings), sources, recorded, None)

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

    def _read(self, targets: Any, shapes: Ints) -> list[Reading] | None:
        return None if targets is None else read_targets(targets, shapes[:, :2], self._rules())

    def _prepared(self, shapes: Ints, keys: KeysLike | None, dtype: DType, targets: Any) -> Prepared:
        readings = self._read(targets, shapes)
        boxes = None if readings is None else object_boxes(readings)
        return Prepared(self._lower(shapes, _one_a_sample(keys, len(shapes)), dtype, boxes).finish(), readings)

    def _incoming(self, images: Any) -> tuple[ImageBatch, torch.Tensor | None]:
        """The images where they lie; or what a plan has to know of those that torch records, and these."""
        batch = plain_arrays(images)
        if batch is None:
            recorded = recorded_batch(images)
            if recorded is not None:
                return _shapes_alone(recorded), recorded
            batch = as_batch(images)
        there = self._device()
        return batch if there is None else moved(batch, there), None

    def _run(
        self, prepared: Prepared, sources: ImageBatch, recorded: torch.Tensor | None, out: torch.Tensor | None
    ) -> Any:
        if recorded is not None:
            return self._run_recorded(prepared, recorded, out)
        plan, readings = prepared
        result = batch_output(plan, out, self.memory_format, sources.device)
        # Targets go first, so that one that is refused leaves a batch of the caller's as it was.
        targets = None if readings is None else place_targets(readings, plan)
        run_batch(plan, sources.views, result)
        return result if targets is None else (result, targets)

    def _run_recorded(self, prepared: Prepared, images: torch.Tensor, out: torch.Tensor | None) -> Any:
        if out is not None:
            raise ArgumentError("out cannot be given with images that require gradients: torch keeps what they become")
        plan, readings = prepared
        made = run_recorded(plan, images.to(self._device() or images.device))
        result = made.contiguous(memory_format=MEMORY_FORMATS[self.memory_format])
        return result if readings is None else (result, place_targets(readings, plan))

    @property
    def draws_numbers(self) -> bool:
        """Whether anything is random: a pipeline that draws nothing treats an image alike whatever the key."""
        return any(self._counts)

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        """How many numbers each transform draws for a sample."""
        return tuple(one.draws for transform in self._parts()[0] for one in transform.flattened())

    def _lower(self, shapes: Ints, keys: Keys, dtype: DType, boxes: Sequence[Floats] | None = None) -> Lowering:
        transforms, fuse = self._parts()
        lowering = Lowering(shapes[:, :2], shapes[:, 2], dtype, fuse, boxes)
        draws = (Draw(u, keys, op) for op, u in enumerate(_native.draw_pipeline(keys, self._counts)))
        for transform in transforms:
            transform.lower(draws, lowering)
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

    def step(self, draw: Draw, seen: Lowering) -> Step:
        """The step for the samples that `seen` describes (`sizes`, `channels`, `dtype`, `boxes` at this point)."""
        raise NotImplementedError(f"{type(self).__name__} must define step (or lower, if it has several steps)")

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        """Add this transform's steps to `lowering`, taking one of `draws` for each of `flattened()`."""
        lowering.add(type(self).__name__, self.step(next(draws), lowering))

    def flattened(self) -> Iterator[Transform]:
        """This transform and all those inside it, in the order in which they take their draws."""
        yield self

    def _parts(self) -> tuple[Sequence[Transform], bool]:
        return (self,), True

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready description; `from_dict` builds the same transform from it."""
        return {"type": type(self).__name__} | {
            name: _described(getattr(self, name)) for name in self.parameter_names()
        }

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        return tuple(one.name for one in fields(cls))  # type: ignore[arg-type]


def check_inner_rules(transforms: Sequence[Pipeline], kept: TargetRules) -> None:
    """Raise `ArgumentError` if rules for targets of an inner pipeline would be lost, as the outer one's are `kept`."""
    for number, one in enumerate(transforms):
        if one._rules() not in (TargetRules(), kept):
            raise ArgumentError(
                f"transforms[{number}] has rules for targets of its own, {one._rules()}, which would be lost: "
                "give them to the outermost Compose"
            )


def _described(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_described(one) for one in value)
    return value.to_dict() if isinstance(value, Pipeline) else value


def _shapes_alone(images: torch.Tensor) -> ImageBatch:
    """What a plan has to know of a batch (B, C, H, W) that torch records."""
    channels, *size = images.shape[1:]
    return ImageBatch((), np.tile(np.array([*size, channels], np.int64), (len(images), 1)), DType.FLOAT32)


def _one_a_sample(keys: KeysLike | None, count: int) -> Keys:
    array = keys_from_torch(count) if keys is None else as_keys(keys)
    if len(array) != count:
        raise ArgumentError(f"there must be one key an image: got {len(array)} keys for {count} images")
    return array


def _as_shapes(shapes: Sequence[Sequence[int]] | Ints) -> Ints:
    if isinstance(shapes, np.ndarray) and shapes.dtype == np.int64 and shapes.shape[1:] == (3,) and (shapes > 0).all():
        return shapes  # those of images that have been looked at, without the time that a look at each takes
    plain = _plain_shapes(shapes)
    if plain is not None:
        return plain
    given = frozen(list(shapes) if isinstance(shapes, Iterator) else shapes)
    if not isinstance(given, tuple):
        raise ArgumentTypeError(f"shapes must be a sequence of (H, W) or (H, W, C), got {shown(shapes)}")
    rows = [_as_shape(row, f"shapes[{number}]") for number, row in enumerate(given)]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _plain_shapes(shapes: Any) -> Ints | None:
    """A list of tuples (H, W, C) of Python's integers, read at once, as one by one takes 4 us each; None for others."""
    if type(shapes) is not list or set(map(type, shapes)) != {tuple} or set(map(len, shapes)) != {3}:
        return None
    if set(map(type, chain.from_iterable(shapes))) != {int}:
        return None
    array = np.array(shapes)
    return array if array.dtype == np.int64 and array.min() >= 1 and array.max() <= LARGEST else None


def _as_shape(row: Any, name: str) -> tuple[int, ...]:
    if not isinstance(row, tuple) or len(row) not in (2, 3):
        raise ArgumentError(f"{name} must be (H, W) or (H, W, C) with positive entries, got {shown(row)}")
    sides = tuple(integer(value, f"{name}[{axis}]", 1) for axis, value in enumerate(row))
    return sides if len(sides) == 3 else (*sides, 1)
