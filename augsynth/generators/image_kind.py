"""The kind of images that a generator draws: their shape and their classes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from augsynth._native.layout import MAX_CHANNELS
from augsynth.core.arrays import unwrapped
from augsynth.errors import PluginError, shown


@dataclass(frozen=True)
class ImageKind:
    """Shape and classes of images.

    Args:
        image_shape: (C, H, W).
        num_classes: number of classes, at least 1; None without labels.
        class_names: one name for each class; without classes of images, the names of the labels in their targets. None
            if they are not known.
    """

    image_shape: tuple[int, int, int]
    num_classes: int | None
    class_names: tuple[str, ...] | None

    @classmethod
    def of(cls, image_shape: Any, num_classes: Any, class_names: Any) -> ImageKind:
        """Check the description that a plugin gives. Raises `PluginError`.

        Args:
            image_shape: three integers (C, H, W), with C at most 16.
            num_classes: an integer of at least 1, or None.
            class_names: one text for each class, or None. Without classes, any number of texts.
        """
        shape = tuple(map(unwrapped, image_shape))
        if len(shape) != 3 or not all(type(side) is int and side >= 1 for side in shape) or shape[0] > MAX_CHANNELS:
            raise PluginError(
                f"image_shape is {shown(image_shape)}, expected (channels, height, width) of at most "
                f"{MAX_CHANNELS} channels"
            )
        classes = unwrapped(num_classes)
        if classes is not None and not (type(classes) is int and classes >= 1):
            raise PluginError(f"num_classes is {shown(num_classes)}, expected an integer of at least 1, or None")
        return cls(shape, classes, None if class_names is None else _checked_names(class_names, classes))

    def __str__(self) -> str:
        classes = "" if self.num_classes is None else f" in {self.num_classes} classes"
        return f"images of {self.image_shape}{classes}"


def _checked_names(names: Any, classes: int | None) -> tuple[str, ...]:
    given = tuple(names) if isinstance(names, Iterable) and not isinstance(names, str) else ()
    if not given or len(given) != (classes or len(given)) or not all(isinstance(name, str) for name in given):
        raise PluginError(f"class_names are {shown(names)}, expected {classes or 'some'} texts")
    return tuple(map(str, given))
