"""Transforming encoded images: the plan is drawn first, and then only the lines that it reads are decoded."""

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
from augsynth.data.wrapper import PipelineWrapper
from augsynth.engine import CpuExecutor, as_array, batch_output, run
from augsynth.errors import ArgumentTypeError, PlanError
from augsynth.plan.reach import lines_read, reduced, reductions
from augsynth.targets import place_targets
from augsynth.transforms.params import flag
from augsynth.transforms.pipeline import Pipeline

# Bytes of pictures that are transformed at once: they share the cost of a call, and are still in the cache.
_TOGETHER = 2 << 20


class DecodingTransform(PipelineWrapper):
    """Pipeline of `augsynth.transforms` for `EncodedImage`s, which decodes only the part of a file that is needed.

    The plan of a sample depends only on the size and the key, so it is drawn before the image is decoded. A JPEG file
    is decoded down to the last line that the crop shows. The result is that of the whole picture, bit for bit. Other
    images may stand among the encoded ones, if they are uint8. It can be the `transform` of a `SyntheticMixDataset`.

    Args:
        transform: one of `augsynth.transforms`.
        reduce: where a pipeline makes a picture at least 2, 4 or 8 times smaller on both axes, decode the file at 1/2,
            1/4 or 1/8 of its size, and let the transform do the rest. This is faster, but not the same:
            `docs/loading.md` gives the differences. Default False.

    >>> import io, PIL.Image
    >>> from augsynth import transforms as T
    >>> file = io.BytesIO()
    >>> PIL.Image.new("RGB", (60, 40), "white").save(file, "jpeg")
    >>> t = DecodingTransform(T.Compose([T.RandomResizedCrop(16), T.ToDtype("float32", scale=True)]))
    >>> t.batch([EncodedImage(file.getvalue())], keys=[(0, 0, 0)]).shape
    torch.Size([1, 3, 16, 16])
    """

    def __init__(self, transform: Pipeline, *, reduce: bool = False) -> None:
        super().__init__(transform)
        self.reduce = flag(reduce, "reduce")

    def batch(
        self,
        images: Sequence[Any],
        targets: Sequence[Any] | None = None,
        *,
        keys: KeysLike | None = None,
        out: torch.Tensor | None = None,
    ) -> Any:
        """Decode and transform many images; returns a tensor (B, C, H, W), and with `targets` also a list.

        Args:
            images: `EncodedImage`s, or uint8 images in any form.
            targets: one target an image, in the coordinates of the whole picture; default None.
            keys: one key (seed, epoch, index) an image; default drawn from torch's random generator.
            out: contiguous tensor (B, C, H, W) on the CPU for the result; default a new one.
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
    """Raise `PlanError` if the outputs of one group could overwrite the sources of a later one."""
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
    """Yield runs of neighbours of at most _TOGETHER bytes; a larger picture is alone."""
    begin, total = 0, 0
    for number, size in enumerate(sizes):
        if number > begin and total + size > _TOGETHER:
            yield slice(begin, number)
            begin, total = number, 0
        total += size
    yield slice(begin, len(sizes))


def _decoded(sources: Sequence[EncodedImage | Image], lines: Ints, factors: Ints, memory: Bytes) -> list[Image]:
    """Return the pictures; encoded ones are decoded one after another into `memory`."""
    pictures, begin = [], 0
    for source, needed, factor in zip(sources, lines.tolist(), factors.tolist(), strict=True):
        if isinstance(source, EncodedImage):
            end = begin + prod(source.shape)
            source = source.decode(lines=needed, factor=factor, into=memory[begin:end])
            begin = end
        pictures.append(source)
    return pictures
