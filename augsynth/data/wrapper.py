"""Base of the transforms that hold a pipeline and run it in another way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from augsynth.core.rng import KeysLike, single_key
from augsynth.errors import ArgumentTypeError
from augsynth.transforms.pipeline import Pipeline


class PipelineWrapper(ABC):
    """Transform that holds a pipeline; a subclass says how a batch runs.

    Args:
        transform: one of `augsynth.transforms`.
    """

    def __init__(self, transform: Pipeline) -> None:
        if not isinstance(transform, Pipeline):
            raise ArgumentTypeError(f"transform must be one of augsynth.transforms, got {type(transform).__name__}")
        self.transform = transform

    @property
    def passthrough(self) -> tuple[str, ...]:
        """Names of the fields of targets that stay as they are, from the pipeline."""
        return self.transform.passthrough

    @abstractmethod
    def batch(self, images: Any, targets: Sequence[Any] | None = None, *, keys: KeysLike | None = None) -> Any:
        """Return the result for many images, and with `targets` also a list of the moved targets."""

    def __call__(self, image: Any, target: Any = None, *, key: tuple[int, int, int] | None = None) -> Any:
        """Return the result for one image, and with a target also the moved target.

        Args:
            image: one image, in a form that `batch` takes.
            target: boxes, masks or keypoints of the image; default None.
            key: (seed, epoch, index); default drawn from torch's random generator.
        """
        keys = single_key(key)
        if target is None:
            return self.batch([image], keys=keys)[0]
        result, targets = self.batch([image], [target], keys=keys)
        return result[0], targets[0]
