"""Objects to be pasted: those of images with boxes and masks, and images of a single object with a mask or alpha."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from augsynth.core.arrays import to_numpy
from augsynth.core.images import as_view
from augsynth.core.pillow import is_pil
from augsynth.core.scale import full_scale
from augsynth.core.typing import Floats, Mask
from augsynth.errors import ArgumentError
from augsynth.targets import Reading, is_target, mask_box, object_mask


def size_of(image: Any) -> tuple[int, int, int]:
    """The (height, width, channels) of an image in any form."""
    if isinstance(image, torch.Tensor) and image.ndim == 3:
        return int(image.shape[1]), int(image.shape[2]), int(image.shape[0])
    height, width, channels = as_view(image).shape if is_pil(image) else (*image.shape, 1)[:3]
    return int(height), int(width), int(channels)


def as_objects(image: Any, target: Any, channels: int) -> tuple[Any, Any]:
    """An image of a data set of objects, with a target that has boxes.

    An image of a single object gets its box: from its alpha, which is one channel more than `channels`, or from its
    masks. The object is where alpha is at least a half.

    Args:
        image: the image.
        target: its target, its label, or the fields beside the image in a dict.
        channels: the number of channels of the images on which objects are pasted.
    """
    if size_of(image)[2] == channels + 1 and not is_target(target):
        view = as_view(image)
        return view[:, :, :-1], _single(view[:, :, -1] >= full_scale(view.dtype) / 2, _label(target))
    if isinstance(target, Mapping) and "masks" in target and "boxes" not in target:
        mask = to_numpy(target["masks"], "masks")
        if mask.dtype == np.bool_ and mask.reshape(-1, *mask.shape[-2:]).shape[0] == 1:
            return image, _single(mask.reshape(mask.shape[-2:]), _label(target))
    return image, target


def _label(target: Any) -> Any:
    if not isinstance(target, Mapping):
        return target
    found = target.get("label", target.get("labels"))
    return found[0] if isinstance(found, (list, tuple, np.ndarray, torch.Tensor)) and np.ndim(found) else found


def _single(mask: Mask, label: Any) -> dict[str, Any]:
    """The target of one object; without an object if its mask is empty."""
    box = mask_box(mask)
    there = not np.isnan(box).any()
    target = {"boxes": box.reshape(-1, 4)[: int(there)], "masks": mask[None][: int(there)]}
    return target if label is None else {**target, "labels": np.array([label])[: int(there)]}


def window_of(reading: Reading, number: int) -> Floats | None:
    """The box (4,) around the pixels of an object, XYXY; None if it has no pixels."""
    box = mask_box(object_mask(reading, number))
    return None if np.isnan(box).any() else box


def count_of(reading: Reading, name: str) -> int:
    """The number of objects in a target; `ArgumentError` if it has no boxes."""
    if reading.boxes is None:
        raise ArgumentError(f"objects are cut out of targets with boxes, and {name} has none")
    return len(reading.boxes)
