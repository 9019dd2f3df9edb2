"""Compositions: each layer is one run of its plan, straight into the batch where nothing is blended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from augsynth.core.images import TORCH_DTYPES, ImageBatch
from augsynth.core.typing import Mask
from augsynth.engine.batches import executor_for
from augsynth.engine.executor import output_dtype, run
from augsynth.engine.memory import empty_tensor
from augsynth.errors import ArgumentError, PlanError
from augsynth.plan import Composition, Layer
from augsynth.whole_image.gaussian_blur import gaussian_blur

_REACH = 3  # in standard deviations


def run_composition(
    composition: Composition, sources: ImageBatch, shapes: Sequence[Sequence[Mask | None]]
) -> torch.Tensor:
    """Return the batch (B, C, H, W) that a composition makes of its source images.

    Args:
        composition: the layers.
        sources: the source images, by their numbers.
        shapes: for each layer and entry the pixels (h, w) of the rectangle that are shown; None for all.

    Raises `PlanError` if the images are not those for which the composition was drawn.
    """
    _check_sources(composition, sources)
    rows = composition.layers[0].plan.passes[-1].rows
    if not len(rows):
        raise ArgumentError("a batch needs at least one image, got none")
    kind = TORCH_DTYPES[output_dtype(rows)]
    shape = (len(composition), int(rows["channels"][0]), *composition.size)
    batch = empty_tensor(shape, kind, device=sources.device)
    if not _covers(composition):
        batch.zero_()
    for layer, of_layer in zip(composition.layers, shapes, strict=True):
        _run_layer(layer, sources, of_layer, batch)
    return batch


def _run_layer(layer: Layer, sources: ImageBatch, shapes: Sequence[Mask | None], batch: torch.Tensor) -> None:
    plain = np.array([keeps == 0 and shape is None for keeps, shape in zip(layer.keeps, shapes, strict=True)], bool)
    straight, blended = np.flatnonzero(plain), np.flatnonzero(~plain)
    if straight.size:
        part = layer if plain.all() else layer[straight]
        whole = executor_for(sources.views[0]).outputs(batch)
        _run(part, sources, [_rectangle(whole, part, entry) for entry in range(len(part))])
    if blended.size:
        part = layer[blended]
        executor = executor_for(sources.views[0])
        memory = executor.allocate(part.plan.passes[-1].rows)
        _run(part, sources, memory)
        for entry, number in enumerate(blended.tolist()):
            above = _as_tensor(memory[entry], batch)
            _blend(_rectangle(batch, part, entry), above, float(part.keeps[entry]), shapes[number], part.feather)


def _run(layer: Layer, sources: ImageBatch, outputs: Any) -> None:
    images = [sources.views[number] for number in layer.sources.tolist()]
    run(layer.plan, images, executor_for(images[0]), outputs)


def _rectangle(batch: Any, layer: Layer, entry: int) -> Any:
    """Return the view (C, h, w) of a batch, an array or a tensor, that an entry of a layer writes."""
    top, left, bottom, right = layer.boxes[entry].tolist()
    return batch[int(layer.outputs[entry]), :, top:bottom, left:right]


def _as_tensor(image: Any, batch: torch.Tensor) -> torch.Tensor:
    """Return an output of an executor as a tensor of the batch's dtype, over the same memory."""
    return image if isinstance(image, torch.Tensor) else torch.from_numpy(image).view(batch.dtype)


def _blend(below: torch.Tensor, above: torch.Tensor, keeps: float, shape: Mask | None, feather: float) -> None:
    """Write an image over the one below it, both (C, h, w)."""
    if shape is None:
        kept = torch.tensor(keeps, dtype=torch.float32, device="cpu").to(below.device)
        below.copy_(_stored(below.float() * kept + above.float() * (1 - kept), below.dtype))
    elif feather:
        share = torch.from_numpy(_soft(shape, feather) * np.float32(1 - keeps)).to(below.device)
        mixed = _stored(below.float() * (1 - share) + above.float() * share, below.dtype)
        below.copy_(torch.where(share > 0, mixed, below))
    else:
        below.copy_(torch.where(torch.from_numpy(shape).to(below.device), above, below))


def _soft(shape: Mask, feather: float) -> Any:
    """Return the shares (h, w) of an object with blurred edges."""
    size = 2 * math.ceil(_REACH * feather) + 1
    return gaussian_blur(shape.astype(np.float32)[:, :, None], kernel_size=(size, size), sigma=feather)[:, :, 0]


def _stored(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return values.to(dtype) if dtype.is_floating_point else values.round().to(dtype)


def _covers(composition: Composition) -> bool:
    """Return whether sharp rectangles certainly cover all pixels: the first layer's, or disjoint ones of all layers."""
    area = composition.size[0] * composition.size[1]
    first = composition.layers[0]
    if (first.sizes.prod(axis=1) == area).all() and first.hides.all() and (first.objects < 0).all():
        return True
    covered = np.zeros(len(composition), np.int64)
    boxes = np.zeros((len(composition.layers), len(composition), 4), np.int64)
    for number, layer in enumerate(composition.layers):
        if not layer.hides.all() or (layer.objects >= 0).any():
            return False
        boxes[number, layer.outputs] = layer.boxes
        covered[layer.outputs] += layer.sizes.prod(axis=1)
    return bool((covered == area).all()) and not _overlap(boxes)


def _overlap(boxes: Any) -> bool:
    """Return whether two of the rectangles (layers, n, 4) of an output share a pixel."""
    for shift in range(1, len(boxes)):
        one, other = boxes[shift:], boxes[:-shift]
        meet = np.maximum(one[..., :2], other[..., :2]) < np.minimum(one[..., 2:], other[..., 2:])
        if meet.all(axis=-1).any():
            return True
    return False


def _check_sources(composition: Composition, sources: ImageBatch) -> None:
    if len(sources) != len(composition.items):
        raise PlanError(f"the composition is for {len(composition.items)} images, got {len(sources)}")
    for layer in composition.layers:
        rows = layer.plan.passes[0].rows
        drawn_for = np.column_stack([rows["source_size"], rows["channels"]]).astype(np.int64)
        found = sources.shapes[layer.sources]
        differs = np.flatnonzero((found != drawn_for).any(axis=1))
        if differs.size:
            entry = int(differs[0])
            raise PlanError(
                f"source image {layer.sources[entry]} has shape (H, W, C) = {tuple(found[entry].tolist())}, the "
                f"composition was drawn for {tuple(drawn_for[entry].tolist())}"
            )
        if len(rows) and int(rows["source_dtype"][0]) != sources.dtype:
            raise PlanError(f"the source images are {sources.dtype.name.lower()}, the composition was drawn for others")
