"""Transforming images that are still encoded: the plan is drawn first, and then only what it reads is decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth.core.images import as_view
from augsynth.core.rng import KeysLike
from augsynth.core.typing import Bytes, Image, Ints
from augsynth.data.loading.encoded import EncodedImage
from augsynth.data.loading.jpeg import FACTORS
from augsynth.engine import CpuExecutor, as_array, batch_output, run
from augsynth.errors import ArgumentTypeError, PlanError
from augsynth.plan.reach import lines_read, reduced, reductions
from augsynth.targets import place_targets
from augsynth.transforms.params import flag
from augsynth.transforms.pipeline import Pipeline

# Bytes of pictures that are transformed at once: what a call costs is shared, and the caches hold them still.
_TOGETHER = 2 << 20


class DecodingTransform:
    """A pipeline of `augsynth.transforms` that takes `EncodedImage`s, and decodes of each what its plan reads.

    What a sample needs is known before it is decoded, as its plan depends on the size and the key alone. A JPEG file is
    decoded down to the last line that the crop shows: the result is that of the whole picture, bit for bit. A few
    images are decoded and then transformed, while they are in the cache, from memory that all share.

    `reduce=True` is quicker but not the same: where a pipeline makes a picture 2, 4 or 8 times smaller on both axes or
    more, the file is decoded at 1/2, 1/4 or 1/8 of its size, and the transform does the rest. `docs/loading.md` says
    how far the pictures differ.

    Other images may stand among the encoded ones, if they are uint8. It can be a `SyntheticMixDataset`'s `transform`.

    >>> import io, PIL.Image
    >>> from augsynth import transforms as T
    >>> file = io.BytesIO()
    >>> PIL.Image.new("RGB", (60, 40), "white").save(file, "jpeg")
    >>> t = DecodingTransform(T.Compose([T.RandomResizedCrop(16), T.ToDtype("float32", scale=True)]))
    >>> t.batch([EncodedImage(file.getvalue())], keys=[(0, 0, 0)]).shape
    torch.Size([1, 3, 16, 16])
    """

    def __init__(self, transform: Pipeline, *, reduce: bool = False) -> None:
        if not isinstance(transform, Pipeline):
            raise ArgumentTypeError(f"transform must be one of augsynth.transforms, got {type(transform).__name__}")
        self.transform = transform
        self.reduce = flag(reduce, "reduce")

    @property
    def passthrough(self) -> tuple[str, ...]:
        """The names of the fields of targets that stay as they are; those of the pipeline."""
        return self.transform.passthrough

    def __call__(self, image: Any, target: Any = None, *, key: tuple[int, int, int] | None = None) -> Any:
        """Transform one image; returns a tensor (C, H, W), or (tensor, target) if a target was given."""
        keys = None if key is None else [key]
        if target is None:
            return self.batch([image], keys=keys)[0]
        result, targets = self.batch([image], [target], keys=keys)
        return result[0], targets[0]

    def batch(
        self,
        images: Sequence[Any],
        targets: Sequence[Any] | None = None,
        *,
        keys: KeysLike | None = None,
        out: torch.Tensor | None = None,
    ) -> Any:
        """Decode and transform many images; returns a tensor (B, C, H, W), with `targets` also a list.

        The arguments are those of the pipeline; targets are those of the whole pictures.
        """
        if not isinstance(images, (Sequence, np.ndarray, torch.Tensor)):
            raise ArgumentTypeError(f"images must be a sequence of images, got {type(images).__name__}")
        sources = [_as_source(image, number) for number, image in enumerate(images)]
        shapes = np.array([source.shape for source in sources], np.int64).reshape(-1, 3)
        plan, readings = self.transform.prepare(shapes, keys, targets=targets)
        moved = None if readings is None else place_targets(readings, plan)
        factors = np.ones(len(sources), np.int64)
        if self.reduce:
            factors = _allowed(sources, reductions(plan, FACTORS))
            plan = reduced(plan, factors)
        lines = lines_read(plan) * factors
        result = batch_output(plan, out, self.transform.memory_format)
        outputs = as_array(result)
        _check_apart(outputs, sources)
        sizes = [prod(source.shape) if isinstance(source, EncodedImage) else 0 for source in sources]
        groups = list(_groups(sizes))
        memory = np.empty(max(sum(sizes[these]) for these in groups), np.uint8)
        for these in groups:
            pictures = _decoded(sources[these], lines[these], factors[these], memory)
            run(plan[these], pictures, CpuExecutor(), outputs[these])
        return result if moved is None else (result, moved)


def _check_apart(outputs: npt.NDArray[Any], sources: Sequence[EncodedImage | Image]) -> None:
    """`PlanError` if one group's outputs could lie over the sources of a later one."""
    for number, source in enumerate(sources):
        if not isinstance(source, EncodedImage) and np.may_share_memory(outputs, source):
            raise PlanError(f"out shares memory with images[{number}]: give another tensor, or a copy of the image")


def _as_source(image: Any, number: int) -> EncodedImage | Image:
    if isinstance(image, EncodedImage):
        return image
    view = as_view(image, f"images[{number}]")
    if view.dtype != np.uint8:
        raise ArgumentTypeError(f"images[{number}] is {view.dtype}; beside encoded images all must be uint8")
    return view


def _allowed(sources: Sequence[EncodedImage | Image], factors: Ints) -> Ints:
    divisible = [isinstance(source, EncodedImage) and source.divisible for source in sources]
    return np.where(divisible, factors, 1)


def _groups(sizes: Sequence[int]) -> Iterator[slice]:
    """Neighbours that take _TOGETHER bytes at most; what is larger is alone."""
    begin, total = 0, 0
    for number, size in enumerate(sizes):
        if number > begin and total + size > _TOGETHER:
            yield slice(begin, number)
            begin, total = number, 0
        total += size
    yield slice(begin, len(sizes))


def _decoded(sources: Sequence[EncodedImage | Image], lines: Ints, factors: Ints, memory: Bytes) -> list[Image]:
    """The pictures, those that were encoded one after another in `memory`."""
    pictures, begin = [], 0
    for source, needed, factor in zip(sources, lines.tolist(), factors.tolist(), strict=True):
        if isinstance(source, EncodedImage):
            end = begin + prod(source.shape)
            source = source.decode(lines=needed, factor=factor, into=memory[begin:end])
            begin = end
        pictures.append(source)
    return pictures
