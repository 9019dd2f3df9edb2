"""The calls that a single transform and a `Compose` share: draw a plan from keys, and run it on images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, overload

import numpy as np
import torch

from augsynth import _native
from augsynth._native.layout import DType
from augsynth.core.images import ImageBatch, as_batch, plain_arrays
from augsynth.core.rng import Keys, KeysLike, as_keys, keys_from_torch, single_key
from augsynth.core.typing import Ints
from augsynth.engine import batch_output, moved, recorded_batch, run_batch, run_recorded
from augsynth.engine.memory import MEMORY_FORMATS
from augsynth.errors import ArgumentError, ArgumentTypeError, PlanError
from augsynth.plan import Plan, check_pass
from augsynth.plan.lowering import Lowering
from augsynth.targets import Objects, Reading, TargetRules, objects_of, place_targets, read_targets, tv_tensors
from augsynth.transforms.draw import Draw
from augsynth.transforms.explained import ExplainedImages, images_between
from augsynth.transforms.params import dtype_named
from augsynth.transforms.shapes import as_shapes


class Prepared(NamedTuple):
    """The result of `Pipeline.prepare`: everything about a batch that does not depend on its pixels.

    Args:
        plan: the plan of the images.
        readings: the targets as they were read, None without targets. `place_targets(readings, plan)` of
            `augsynth.targets` moves them into the outputs.
    """

    plan: Plan
    readings: list[Reading] | None


class Pipeline(ABC):
    """The calls that a single transform and a `Compose` share.

    `memory_format` is the layout of a new batch: "contiguous_format" or "channels_last".
    """

    memory_format: str = "contiguous_format"
    draws: ClassVar[int] = 0

    @abstractmethod
    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        """Add the steps of this pipeline to `lowering`.

        Args:
            draws: one `Draw` for each transform of `flattened()`, in the same order; all of them are taken.
            lowering: collects steps; `lowering.images` describes the images that the next step sees.
        """

    @abstractmethod
    def flattened(self) -> Iterator[Pipeline]:
        """The transforms in this pipeline that take a `Draw`, in the order in which they take it."""

    def _fuses(self) -> bool:
        """True if steps may share a pass."""
        return True

    def _device(self) -> torch.device | None:
        """The device to which images are moved first; None leaves them where they are."""
        return None

    def _rules(self) -> TargetRules:
        """The rules by which targets follow their images."""
        return TargetRules()

    @property
    def target_rules(self) -> TargetRules:
        """The rules by which targets follow their images; those of a `Compose` are its parameters."""
        return self._rules()

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
        """The names of the parameters that a description may hold."""

    @classmethod
    def from_description(cls, values: Mapping[str, Any], functions: Mapping[str, Any]) -> Pipeline:
        """Build it from a description of `to_dict`; a description may name only `functions`."""
        return cls(**values)

    @overload
    def __call__(self, image: Any, target: None = None, *, key: tuple[int, int, int] | None = None) -> torch.Tensor: ...

    @overload
    def __call__(
        self, image: Any, target: Any, *, key: tuple[int, int, int] | None = None
    ) -> tuple[torch.Tensor, Any]: ...

    def __call__(self, image: Any, target: Any = None, *, key: tuple[int, int, int] | None = None) -> Any:
        """Transform one image; returns a tensor (C, H, W), or (tensor, target) if a target was given.

        Args:
            image: numpy (H, W, C) or (H, W), torch (C, H, W), or a PIL image.
            target: a dict with any of `boxes` (N, 4) as XYXY, `labels` (N,), `masks` (..., H, W) and `keypoints` (N,
                2), or another form of `docs/targets.md`.
            key: (seed, epoch, index), which decides all random numbers; drawn from torch's generator by default.

        >>> from augsynth import transforms as T
        >>> image, target = T.CenterCrop(2)(np.zeros((4, 6, 3), np.uint8), {"boxes": [[0.0, 0, 3, 4]], "labels": [7]})
        >>> image.shape, target
        (torch.Size([3, 2, 2]), {'boxes': [[0.0, 0.0, 1.0, 2.0]], 'labels': [7]})
        """
        keys = single_key(key)
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
        """Transform many images, one native call a pass; returns a tensor (B, C, H, W), with `targets` also a list.

        Args:
            images: a sequence of images, which may differ in size, or a batch `numpy (B, H, W, C)` or `torch (B, C, H,
                W)`. All are on one device. Images on a CUDA device give a batch there, on its current stream.
            targets: one for each image, in any form that a single call takes.
            keys: one (seed, epoch, index) for each image; drawn from torch's generator by default.
            out: a tensor that is written and returned, contiguous or in `torch.channels_last`; a new one by default.

        All outputs must have one size. A new tensor keeps its memory until it and all its views are gone; then a later
        batch may use it.

        Gradients go through if an image requires them: float32 or float64 tensors of one shape, on any device. A
        pipeline that no gradient can go through is refused then (`docs/gradients.md`).
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
        """Draw the plan for images of given shapes.

        Args:
            shapes: (H, W) or (H, W, C) of each image.
            keys: one (seed, epoch, index) for each image.
            dtype: the dtype of the images; "uint8" by default.
            targets: one for each image; only transforms with `min_visible` look at them.
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
            dtype: the dtype of the images; "uint8" by default.
            targets: one for each image, in any form that a call takes.

        >>> from augsynth import transforms as T
        >>> plan, readings = T.CenterCrop(2).prepare([(4, 6)], [(0, 0, 0)], targets=[{"boxes": [[0.0, 0, 3, 4]]}])
        >>> len(plan), readings[0].boxes.tolist()
        (1, [[0.0, 0.0, 3.0, 4.0]])
        """
        return self._prepared(as_shapes(shapes), keys, dtype_named(dtype), targets)

    @overload
    def apply(self, images: Any, plan: Plan, targets: None = None) -> torch.Tensor: ...

    @overload
    def apply(self, images: Any, plan: Plan, targets: Sequence[Any]) -> tuple[torch.Tensor, list[Any]]: ...

    def apply(self, images: Any, plan: Plan, targets: Sequence[Any] | None = None) -> Any:
        """Run a plan that was drawn before, or loaded; returns a tensor (B, C, H, W), with `targets` also a list.

        Args:
            images: images of the shapes that the plan was drawn for, as in `batch`.
            plan: the plan.
            targets: one for each image, in any form that a call takes.
        """
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
        for number, step in enumerate(plan.passes):
            check_pass(step, f"pass {number}")
        return self._run(Prepared(plan, readings), sources, recorded, None)

    def explain(self, shape: Sequence[int] = (1024, 1024, 3), dtype: str = "uint8") -> str:
        """The passes for images of one shape and dtype, in words, with the reason for each.

        Args:
            shape: (H, W) or (H, W, C).
            dtype: the dtype of the images; "uint8" by default.

        >>> from augsynth import transforms as T
        >>> print(T.Compose([T.RandomHorizontalFlip(), T.Resize((32, 32))]).explain())
        1 pass
        pass 1: RandomHorizontalFlip + Resize
          one bilinear resampling, antialiased; uint8 in, uint8 out
        """
        lowering = self._lower(as_shapes([shape]), as_keys([(0, 0, 0)]), dtype_named(dtype))
        lowering.finish()
        return lowering.explain()

    def explain_images(self, images: Any, *, keys: KeysLike | None = None) -> ExplainedImages:
        """Pictures of each pass's and each barrier's work, with the words of `explain`: as a sheet, a PNG or a page.

        Args:
            images: images on the CPU, as in `batch`; their sizes and those of the results may differ.
            keys: one (seed, epoch, index) for each image; drawn from torch's generator by default.

        >>> from augsynth import transforms as T
        >>> print(T.RandomHorizontalFlip().explain_images(np.zeros((2, 8, 8, 3), np.uint8)))
        pass 1: RandomHorizontalFlip
          whole pixels are moved; uint8 in, uint8 out
        """
        sources = as_batch(images)
        if sources.device.type != "cpu" or not len(sources):
            raise ArgumentError(f"images must be at least one, on the CPU: got {len(sources)} on {sources.device}")
        lowering = self._lower(sources.shapes, keys_for(keys, len(sources)), sources.dtype)
        found = images_between(lowering.finish(), sources.views)
        words = lowering.described_steps()
        return ExplainedImages(("images", *words), (sources.views, *found))

    def _read(self, targets: Any, shapes: Ints) -> list[Reading] | None:
        return None if targets is None else read_targets(targets, shapes[:, :2], self._rules())

    def _prepared(self, shapes: Ints, keys: KeysLike | None, dtype: DType, targets: Any) -> Prepared:
        readings = self._read(targets, shapes)
        objects = None if readings is None else objects_of(readings)
        return Prepared(self._lower(shapes, keys_for(keys, len(shapes)), dtype, objects).finish(), readings)

    def _incoming(self, images: Any) -> tuple[ImageBatch, torch.Tensor | None]:
        """The images where they are; or, for images that torch records, their shapes and the images."""
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
        """True if a result depends on the key."""
        return any(self._counts)

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        """The number of random numbers that each transform draws for a sample."""
        return tuple(transform.draws for transform in self.flattened())

    def begin(self, shapes: Ints, dtype: DType, objects: Objects | None = None) -> Lowering:
        """A lowering without steps, for images that this pipeline or another step before it takes.

        Args:
            shapes: int64 (n, 3), (H, W, C) of each image.
            dtype: the dtype of the images.
            objects: the objects in the images; None where the call has no targets.
        """
        boxes, masks = (None, ()) if objects is None else objects
        return Lowering(shapes[:, :2], shapes[:, 2], dtype, self._fuses(), boxes, masks)

    def add_to(self, lowering: Lowering, keys: Keys) -> None:
        """Draw the random numbers of this pipeline, and add its steps to others.

        Args:
            lowering: collects steps.
            keys: int64 (n, 3), the key of each image.
        """
        self.lower((Draw(u, keys, op) for op, u in enumerate(_native.draw_pipeline(keys, self._counts))), lowering)

    def _lower(self, shapes: Ints, keys: Keys, dtype: DType, objects: Objects | None = None) -> Lowering:
        lowering = self.begin(shapes, dtype, objects)
        self.add_to(lowering, keys)
        return lowering


def check_inner_rules(transforms: Sequence[Pipeline], kept: TargetRules) -> None:
    """Raise `ArgumentError` if an inner pipeline has rules for targets other than `kept`, which would be lost."""
    for number, transform in enumerate(transforms):
        if transform._rules() not in (TargetRules(), kept):
            raise ArgumentError(
                f"transforms[{number}] has rules for targets of its own, {transform._rules()}, which would be lost: "
                "give them to the outermost Compose"
            )


def _shapes_alone(images: torch.Tensor) -> ImageBatch:
    """The shapes of a batch (B, C, H, W) that torch records, without pixels."""
    channels, *size = images.shape[1:]
    return ImageBatch((), np.tile(np.array([*size, channels], np.int64), (len(images), 1)), DType.FLOAT32)


def keys_for(keys: KeysLike | None, count: int) -> Keys:
    """Keys (count, 3), from torch's generator without any; `ArgumentError` if there are more or fewer."""
    array = keys_from_torch(count) if keys is None else as_keys(keys)
    if len(array) != count:
        raise ArgumentError(f"there must be one key an image: got {len(array)} keys for {count} images")
    return array
