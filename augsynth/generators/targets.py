"""Targets of generated images: boxes, labels, masks and keypoints, as a generator or a renderer gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth.core.arrays import to_numpy
from augsynth.core.typing import Array
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, PluginError, shown

NAMES = ("boxes", "labels", "masks", "keypoints")
_WIDTHS = {"boxes": 4, "keypoints": 2}

Target = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Generated:
    """Images of a call of `Generator.generate`, with the targets that the generator knows.

    A target is a dict with some of these fields, the same ones for every image. The fields of objects have one entry
    for each of k objects, and k may differ from image to image and be 0:

    * "boxes", (k, 4): corners x1, y1, x2, y2 in pixels;
    * "labels", (k,): integers of at least 0;
    * "masks", (k, H, W): one boolean mask for each object; or (H, W): one class for each pixel;
    * "keypoints", (k, p, 2): p points for each object; or (p, 2): p points for the image; in pixels.

    Args:
        images: floating-point (B, C, H, W) in [−1, 1].
        targets: one target for each image.

    >>> Generated(torch.zeros(1, 3, 8, 8), [{"boxes": torch.tensor([[0.0, 0, 4, 4]]), "labels": torch.tensor([1])}])
    Generated(...)
    """

    images: Tensor
    targets: Sequence[Mapping[str, Any]]


def images_of(drawn: Tensor | Generated) -> Tensor:
    """Return the images that a call of `Generator.generate` gave.

    Args:
        drawn: its result.
    """
    return drawn.images if isinstance(drawn, Generated) else drawn


class TargetCollector:
    """Targets that a generator gives with its tiles, in the order of the tiles.

    Args:
        name: name of the generator, for messages.
        image_shape: (C, H, W).
    """

    def __init__(self, name: str, image_shape: tuple[int, int, int]) -> None:
        self._name = name
        self._size = image_shape[1:]
        self._given: list[Target] = []

    def images_of(self, drawn: Tensor | Generated) -> Tensor:
        """Keep the targets of a tile, and return its images.

        Args:
            drawn: result of `Generator.generate`.
        """
        if not isinstance(drawn, Generated):
            return drawn
        if len(drawn.targets) != len(drawn.images):
            raise PluginError(
                f"generator {self._name!r} must give one target an image; it gave {len(drawn.targets)} for "
                f"{len(drawn.images)} images"
            )
        what = f"a target of generator {self._name!r}"
        self._given += [check_target(target, self._size, what, PluginError) for target in drawn.targets]
        return drawn.images

    def chosen(self, first: int, count: int) -> tuple[Target, ...] | None:
        """Return targets by their numbers; None if the generator gives none.

        Args:
            first: number of the first one among those of all tiles.
            count: number of targets.
        """
        return tuple(self._given[first : first + count]) if self._given else None


def check_target(
    target: Mapping[str, Any], size: tuple[int, int], what: str, error: type[AugsynthError] = ArgumentError
) -> Target:
    """Return a target as tensors on the CPU: float32 boxes and keypoints, int64 labels, boolean or integer masks.

    Args:
        target: fields by name, as `Generated` describes them.
        size: (H, W) of its image.
        what: name of the target in messages.
        error: class of the error for a target that is not as described.

    >>> check_target({"boxes": [[0, 0, 4, 4]], "labels": [1]}, (8, 8), "the target")
    {'boxes': tensor([[0., 0., 4., 4.]]), 'labels': tensor([1])}
    """
    if not isinstance(target, Mapping) or not target or not set(target) <= set(NAMES):
        raise error(f"{what} must be a dict with some of {', '.join(NAMES)}, got {shown(target)}")
    fields = {name: _checked(name, target[name], size, what, error) for name in NAMES if name in target}
    counts = {name: len(value) for name, value in fields.items() if is_of_objects(name, value.ndim)}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{count} in {name}" for name, count in counts.items())
        raise error(f"{what} must have one entry an object in each field, got {found}")
    return fields


def is_of_objects(name: str, axes: int) -> bool:
    """Return whether a field has one entry for each object, and not one value for the image.

    Args:
        name: name of the field.
        axes: number of axes of its values for one image.
    """
    return name in ("boxes", "labels") or axes == 3


def _checked(name: str, value: Any, size: tuple[int, int], what: str, error: type[AugsynthError]) -> Tensor:
    try:
        array = to_numpy(value, name)
    except (ArgumentError, ArgumentTypeError) as cause:
        raise error(f"{what}: {cause}") from cause
    if array.size == 0 and array.ndim == 1 and name != "labels":  # an empty list has no further axes
        array = array.reshape(0, *(size if name == "masks" else (_WIDTHS[name],)))
    if name in _WIDTHS:
        return torch.from_numpy(_coordinates(name, array, what, error))
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.int64 if name == "labels" else np.bool_)
    if array.dtype.kind not in ("iu" if name == "labels" else "biu") or (array.size and array.min() < 0):
        raise error(f"the {name} of {what} must be integers of at least 0, got {array.dtype} {shown(array.tolist())}")
    if array.ndim != 1 if name == "labels" else array.shape[-2:] != size or array.ndim not in (2, 3):
        expected = "(k,)" if name == "labels" else f"(k, {size[0]}, {size[1]}) or ({size[0]}, {size[1]})"
        raise error(f"the {name} of {what} must have the shape {expected}, got {array.shape}")
    if name == "labels":
        return torch.from_numpy(array.astype(np.int64))
    return torch.from_numpy(_narrow_mask(array))


def _narrow_mask(array: Array) -> Array:
    """Return masks of objects as booleans, and classes of pixels as uint8 where that holds them, else int64."""
    if array.dtype == np.bool_ or (array.ndim == 3 and (array.size == 0 or array.max() <= 1)):
        dtype: type[np.generic] = np.bool_
    else:
        dtype = np.uint8 if array.dtype == np.uint8 else np.int64
    return np.array(array, dtype)


def _coordinates(name: str, array: np.ndarray[Any, Any], what: str, error: type[AugsynthError]) -> Any:
    axes = (2,) if name == "boxes" else (2, 3)
    if array.dtype.kind not in "iuf" or array.ndim not in axes or array.shape[-1] != _WIDTHS[name]:
        expected = "(k, 4)" if name == "boxes" else "(k, p, 2) or (p, 2)"
        raise error(f"the {name} of {what} must be numbers {expected}, got {array.dtype} {array.shape}")
    if not np.isfinite(array).all():
        raise error(f"the {name} of {what} must be finite, got {shown(array.tolist())}")
    if name == "boxes" and (array[:, :2] > array[:, 2:]).any():
        raise error(
            f"the boxes of {what} must be x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, got {shown(array.tolist())}"
        )
    return array.astype(np.float32)
