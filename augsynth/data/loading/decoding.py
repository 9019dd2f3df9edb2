"""Transforming images that are still encoded: the plan is drawn first, and then only what it reads is decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth.data.loading.encoded import EncodedImage
from augsynth.data.loading.jpeg import FACTORS
from augsynth.errors import ArgumentTypeError, PlanError
from augsynth.execute import as_array, batch_output, execute
from augsynth.images import Image, as_view
from augsynth.layout import Border, DType, Interpolation
from augsynth.plan import Barrier, Pass, Plan, Rows, corner_positions
from augsynth.rng import KeysLike
from augsynth.targets import place_targets
from augsynth.transforms.base import Pipeline
from augsynth.transforms.params import flag

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_REACH = {Interpolation.NEAREST: 1.0, Interpolation.BILINEAR: 1.0, Interpolation.BICUBIC: 2.0}
_MARGIN = 2
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
        readings = self.transform._read(targets, shapes)
        plan = self.transform._plan(shapes, self.transform._keys(keys, len(sources)), DType.UINT8, readings)
        moved = None if readings is None else place_targets(readings, plan)
        factors = np.ones(len(sources), np.int64)
        if self.reduce:
            factors = _allowed(sources, reductions(plan))
            plan = reduced(plan, factors)
        lines = lines_read(plan) * factors
        result = batch_output(plan, out, self.transform._memory_format())
        outputs = as_array(result)
        _check_apart(outputs, sources)
        sizes = [prod(source.shape) if isinstance(source, EncodedImage) else 0 for source in sources]
        groups = list(_groups(sizes))
        memory = np.empty(max(sum(sizes[these]) for these in groups), np.uint8)
        for these in groups:
            pictures = _decoded(sources[these], lines[these], factors[these], memory)
            execute(plan[these], pictures, outputs[these])
        return result if moved is None else (result, moved)


def _check_apart(outputs: npt.NDArray[Any], sources: Sequence[EncodedImage | Image]) -> None:
    """`PlanError` if one group's outputs could lie over the sources of a later one."""
    for number, source in enumerate(sources):
        if not isinstance(source, EncodedImage) and np.may_share_memory(outputs, source):
            raise PlanError(f"out shares memory with images[{number}]: give another tensor, or a copy of the image")


def lines_read(plan: Plan) -> Ints:
    """How many lines (n,) of each source a plan can read, from the top; docs/design/numerics.md says where it looks."""
    rows = plan.passes[0].rows
    heights = rows["source_size"][:, 0].astype(np.int64)
    if _reads_all(plan):
        return heights
    down = corner_positions(rows, inset=0.5)[0][..., 1]
    reach = np.choose(rows["interpolation"], [_REACH[kind] for kind in Interpolation])
    reach = reach * np.where(rows["antialias"] == 1, _widening(rows, heights), 1.0) + _MARGIN
    lowest, highest = down.max(axis=1) + reach, down.min(axis=1) - reach
    # What lies above the picture is seen in it, mirrored at its upper edge; wrapped, it is the bottom.
    mirrored = np.isin(rows["border"], (Border.REFLECT, Border.REFLECT101)) & (highest < 0)
    lowest = np.where(mirrored, np.maximum(lowest, -highest), lowest)
    lowest = np.where((rows["border"] == Border.WRAP) & (highest < 0), heights, lowest)
    lines: Ints = np.clip(np.ceil(lowest), 1, heights).astype(np.int64)
    return lines


def _widening(rows: Rows, heights: Ints) -> npt.NDArray[np.float64]:
    """How much farther (n,) than plain interpolation antialiasing looks down the picture."""
    support, inverse = rows["support"][:, 1], rows["inverse"]
    turned = (inverse[:, 1, 0] != 0) | np.any(inverse[:, 2] != (0.0, 0.0, 1.0), axis=1)
    # A picture that is turned is made smaller first, and then interpolated in.
    scale = heights / np.maximum(np.floor(heights / support + 0.5), 1.0)
    widening: npt.NDArray[np.float64] = np.where(turned, 2 * scale, support)
    return widening


def _reads_all(plan: Plan) -> bool:
    """Whether the first step looks at every pixel: a barrier, or the mean that missing values take."""
    first = plan.steps[0]
    return isinstance(first, Barrier) or len(first.tables.missing) > 0


def reductions(plan: Plan) -> Ints:
    """The greatest of 1, 2, 4 and 8 (n,) that a source may be divided by and still have the resolution of the output.

    1 for a perspective, whose resolution changes from place to place, and where the plan looks at every pixel.
    """
    if _reads_all(plan):
        return np.ones(len(plan), np.int64)
    inverse = plan.passes[0].rows["inverse"]
    shrinks = np.hypot(inverse[:, :2, 0], inverse[:, :2, 1]).min(axis=1)
    affine = np.all(inverse[:, 2] == (0.0, 0.0, 1.0), axis=1)
    allowed = np.array(FACTORS) <= np.where(affine, shrinks, 1.0)[:, None]
    factors: Ints = np.where(allowed, FACTORS, 1).max(axis=1)
    return factors


def reduced(plan: Plan, factors: Ints) -> Plan:
    """The plan for sources that were divided by `factors` (n,): the same picture from fewer pixels."""
    first = plan.steps[0]
    if isinstance(first, Barrier):
        return plan
    rows = first.rows
    changed: Rows = rows.copy()
    changed["source_size"] = -(-rows["source_size"] // factors[:, None])
    changed["inverse"][:, :2] /= factors[:, None, None]
    changed["edge"] /= factors[:, None]
    changed["support"] = np.maximum(rows["support"] / factors[:, None], 1.0)
    return Plan((Pass(changed, first.tables), *plan.steps[1:]))


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
