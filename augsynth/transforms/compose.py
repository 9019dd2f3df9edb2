"""Pipelines: a list of transforms, fused into as few passes as its order allows."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any, overload

import torch

from augsynth.core.rng import single_key
from augsynth.engine import checked_device, numbered
from augsynth.engine.memory import MEMORY_FORMATS
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan.lowering import Lowering
from augsynth.targets import TargetRules, field_names, objects_of
from augsynth.transforms.clips import check_frames, clip_plan
from augsynth.transforms.draw import Draw
from augsynth.transforms.params import flag, frozen
from augsynth.transforms.pipeline import Pipeline, Prepared, check_inner_rules, keys_for


class Compose(Pipeline):
    """Apply transforms one after the other, fused into as few native passes as their order allows.

    A `Compose` inside another one is replaced by its transforms.

    Args:
        transforms: the transforms in order, a list or a tuple.
        fuse: True (the default) merges transforms into shared passes; False gives each its own pass.
        memory_format: the layout of a new batch (B, C, H, W): "contiguous_format" (the default), or "channels_last",
            which suits convolutions on tensor cores.
        min_area: boxes with a smaller visible area, in square pixels, are dropped with their labels, masks and
            keypoints; 0 by default.
        min_visibility: boxes with a smaller visible fraction of their area are dropped, 0 to 1; 0 by default.
        pixel_center: True if keypoints name pixels by their centres; False (the default) if they are corner
            coordinates.
        mask_fill: the value of masks outside the image; 0 by default.
        passthrough: names of the fields of targets that stay as they are, whatever they hold; none by default.
        min_width: boxes with a smaller width, in pixels, are dropped; 0 by default.
        min_height: boxes with a smaller height, in pixels, are dropped; 0 by default.
        max_aspect: boxes whose longer side is more than so many times the shorter one are dropped, at least 1; None
            (the default) keeps them.
        box_format: the format of `boxes`, in and out: "xyxy" (the default), "xywh", "cxcywh", or "yolo" (centre and
            sides as fractions of the image).
        reversed_boxes: boxes with x2 < x1 or y2 < y1: "refuse" (the default) raises an error, "repair" exchanges the
            two, and "drop" drops the objects.
        tight_boxes: "masks" gives objects that have masks the boxes around their moved masks, which stay tight under
            rotations; None (the default) gives the boxes around the moved boxes.
        keypoint_flip_pairs: pairs of numbers of keypoints, from 0, that change places where the image is mirrored, as a
            left and a right eye do; none by default.
        remove_invisible: True removes keypoints (N, 2) that are outside the frame; False (the default) keeps all.

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
        min_area: float = 0.0,
        min_visibility: float = 0.0,
        pixel_center: bool = False,
        mask_fill: float = 0,
        passthrough: Sequence[str] = (),
        min_width: float = 0.0,
        min_height: float = 0.0,
        max_aspect: float | None = None,
        box_format: str = "xyxy",
        reversed_boxes: str = "refuse",
        tight_boxes: str | None = None,
        keypoint_flip_pairs: Sequence[Sequence[int]] = (),
        remove_invisible: bool = False,
    ) -> None:
        if not isinstance(transforms, (list, tuple)):
            raise ArgumentTypeError(f"transforms must be a list of augsynth transforms, got {shown(transforms)}")
        for number, transform in enumerate(transforms):
            if not isinstance(transform, Pipeline):
                raise ArgumentTypeError(f"transforms[{number}] must be an augsynth transform, got {shown(transform)}")
        self.transforms: tuple[Pipeline, ...] = tuple(chain.from_iterable(map(_unpacked, transforms)))
        self.fuse = flag(fuse, "fuse")
        self.memory_format = _memory_format_name(memory_format)
        self.device: torch.device | None = None
        self.rules = TargetRules(
            frozen(min_area),
            frozen(min_visibility),
            frozen(pixel_center),
            frozen(mask_fill),
            field_names(passthrough),
            frozen(min_width),
            frozen(min_height),
            frozen(max_aspect),
            frozen(box_format),
            frozen(reversed_boxes),
            frozen(tight_boxes),
            frozen(keypoint_flip_pairs),
            frozen(remove_invisible),
        )
        check_inner_rules(transforms, self.rules)

    def __len__(self) -> int:
        """The number of transforms; those of a `Compose` inside are counted one by one."""
        return len(self.transforms)

    def __bool__(self) -> bool:
        # An empty pipeline still makes tensors of images, so `if transform:` must not skip it.
        return True

    def __iter__(self) -> Iterator[Pipeline]:
        return iter(self.transforms)

    @overload
    def __getitem__(self, index: int) -> Pipeline: ...

    @overload
    def __getitem__(self, index: slice) -> Compose: ...

    def __getitem__(self, index: int | slice) -> Pipeline | Compose:
        """One of the transforms, or a `Compose` of some with the same settings.

        >>> from augsynth import transforms as T
        >>> t = T.Compose([T.RandomHorizontalFlip(), T.RandomInvert(), T.Normalize(0.5, 0.5)], min_area=4)
        >>> len(t), t[1], t[:-1].rules.min_area
        (3, RandomInvert(p=0.5), 4)
        """
        if not isinstance(index, slice):
            return self.transforms[index]
        part = copy.copy(self)
        part.__dict__.pop("_counts", None)  # that of all transforms
        part.transforms = self.transforms[index]
        return part

    @overload
    def clip(
        self, frames: Any, target: None = None, *, key: tuple[int, int, int] | None = None, noise: str = "frame"
    ) -> torch.Tensor: ...

    @overload
    def clip(
        self, frames: Any, target: Sequence[Any], *, key: tuple[int, int, int] | None = None, noise: str = "frame"
    ) -> tuple[torch.Tensor, list[Any]]: ...

    def clip(
        self,
        frames: Any,
        target: Sequence[Any] | None = None,
        *,
        key: tuple[int, int, int] | None = None,
        noise: str = "frame",
    ) -> Any:
        """Transform the frames of a video alike; returns a tensor (T, C, H, W), with `target` also a list.

        The frames share every random choice. Transforms that look at targets, such as `RandomCrop` with `min_visible`,
        look at those of all frames together.

        Args:
            frames: T images of one shape, in a form that `batch` takes.
            target: one target for each frame, in any form that a single call takes.
            key: (seed, epoch, index), which decides all random numbers; drawn from torch's generator by default.
            noise: "frame" (the default) draws the noise of each frame by itself, "clip" gives all frames the same.

        >>> from augsynth import transforms as T
        >>> import numpy as np
        >>> frames = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(2, 4, 6, 1)
        >>> moved = T.Compose([T.RandomCrop((2, 3))]).clip(frames, key=(0, 0, 0))
        >>> moved.shape, bool((moved[1] - moved[0] == 24).all())
        (torch.Size([2, 1, 2, 3]), True)
        """
        sources, recorded = self._incoming(frames)
        check_frames(sources.shapes, noise)
        readings = self._read(target, sources.shapes)
        objects = None if readings is None else objects_of(readings).together()
        keys = keys_for(single_key(key), 1)
        one = self._lower(sources.shapes[:1], keys, sources.dtype, objects).finish()
        return self._run(Prepared(clip_plan(one, len(sources), noise), readings), sources, recorded, None)

    def to(self, device: str | torch.device | None) -> Compose:
        """The same pipeline for images on a device; images that are elsewhere are moved there first.

        `to_dict` leaves the device out, because it does not change the result; pickles keep it.

        Args:
            device: a device or its name; `"cuda"` is the current device at the time of a call. None, as in a new
                pipeline, leaves images where they are.

        >>> Compose([]).to("cpu").device
        device(type='cpu')
        """
        moved = copy.copy(self)
        moved.device = None if device is None else checked_device(device)
        return moved

    def _device(self) -> torch.device | None:
        return None if self.device is None else numbered(self.device)

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        return tuple(inspect.signature(cls).parameters)

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        for transform in self.transforms:
            transform.lower(draws, lowering)

    def flattened(self) -> Iterator[Pipeline]:
        return chain.from_iterable(transform.flattened() for transform in self.transforms)

    def _fuses(self) -> bool:
        return self.fuse

    def _rules(self) -> TargetRules:
        return self.rules

    def to_dict(self) -> dict[str, Any]:
        return {
            "type": "Compose",
            "transforms": [transform.to_dict() for transform in self.transforms],
            "fuse": self.fuse,
            "memory_format": self.memory_format,
            **asdict(self.rules),
        }

    def _state(self) -> tuple[Any, ...]:
        return self.transforms, self.fuse, self.memory_format, self.rules, self.device

    def __repr__(self) -> str:
        inner = ", ".join(repr(transform) for transform in self.transforms)
        rules = ", ".join(f"{name}={value!r}" for name, value in asdict(self.rules).items())
        there = "" if self.device is None else f".to({str(self.device)!r})"
        return f"Compose([{inner}], fuse={self.fuse}, memory_format={self.memory_format!r}, {rules}){there}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Compose) and self._state() == other._state()

    def __hash__(self) -> int:
        return hash(self._state())


def _unpacked(pipeline: Pipeline) -> tuple[Pipeline, ...]:
    return pipeline.transforms if isinstance(pipeline, Compose) else (pipeline,)


def _memory_format_name(value: str | torch.memory_format) -> str:
    name = str(value).removeprefix("torch.") if isinstance(value, (str, torch.memory_format)) else ""
    if name not in MEMORY_FORMATS:
        raise ArgumentError(f"memory_format must be {' or '.join(MEMORY_FORMATS)}, got {shown(value)}")
    return name
