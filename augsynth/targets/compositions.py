"""Targets of compositions: those of several images, each moved by its own plan, as the target of one output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augsynth.core.typing import Array, Mask
from augsynth.errors import ArgumentTypeError
from augsynth.plan import WHOLE, Composition, Layer
from augsynth.plan.coordinates import coordinate_maps
from augsynth.targets.fields import FieldsReading
from augsynth.targets.joining import Part, join
from augsynth.targets.masks import Moving, move_masks
from augsynth.targets.readings import BareReading, Reading, require_known_moves
from augsynth.targets.showing import Showing, covered_by

CutOuts = Sequence[Sequence[Mask | None]]
"""For each layer and entry the pixels (h, w) of the rectangle that show its object; None for a whole image."""


def cut_outs(readings: Sequence[Reading | None], composition: Composition) -> CutOuts:
    """Return the pixels that show objects, in the rectangles of their layers.

    Args:
        readings: the target of each source image.
        composition: the layers; those of whole images have no such pixels.
    """
    return [_cut_outs_of(layer, readings) for layer in composition.layers]


def _cut_outs_of(layer: Layer, readings: Sequence[Reading | None]) -> Sequence[Mask | None]:
    if (layer.objects == WHOLE).all():
        return [None] * len(layer)
    masks = [
        [] if number == WHOLE else [Moving(object_mask(readings[source], number), 0)]
        for source, number in zip(layer.sources.tolist(), layer.objects.tolist(), strict=True)
    ]
    return [moved[0] if moved else None for moved in move_masks(layer.plan.movements, masks)]


def object_mask(reading: Reading | None, number: int) -> Mask:
    """Return the pixels (H, W) of an object in its image: its mask, or its box if it has none.

    Args:
        reading: the target of the image.
        number: the number of the object.
    """
    return _fields(reading).object_mask(number)


def place_composition(
    readings: Sequence[Reading | None],
    composition: Composition,
    shapes: CutOuts,
    sources: Sequence[str],
    weighted: bool = False,
) -> list[Any]:
    """Return the target of each output: what it shows of the targets of its source images, from the lowest layer up.

    Args:
        readings: the target of each source image; None for one that no layer shows.
        composition: the layers.
        shapes: the pixels that show objects, from `cut_outs`.
        sources: the name of each source image in messages.
        weighted: whether objects get `weights`, the shares of their images; default False.
    """
    placed = [_placed(layer, readings, composition, number, shapes) for number, layer in enumerate(composition.layers)]
    parts: list[list[Part]] = [[] for _ in range(len(composition))]
    for layer, of_layer in zip(composition.layers, placed, strict=True):
        for output, part in zip(layer.outputs.tolist(), of_layer, strict=True):
            parts[output].append(part)
    lowest = composition.layers[0].sources.tolist()
    results = [join(of_output, sources, weighted) for of_output in parts]
    bare = [readings[source] for source in lowest]
    return [
        result[reading.name] if isinstance(reading, BareReading) else result
        for result, reading in zip(results, bare, strict=True)
    ]


def _placed(
    layer: Layer, readings: Sequence[Reading | None], composition: Composition, number: int, shapes: CutOuts
) -> list[Part]:
    """Return the targets of the entries of a layer in their outputs."""
    require_known_moves(layer.plan)
    passes = layer.movements(composition.size)
    fields = [_fields(readings[source]) for source in layer.sources.tolist()]
    moved = move_masks(passes, [reading.masks for reading in fields])
    maps = coordinate_maps(passes)
    above = _above(composition, number, shapes)
    parts = []
    for entry, (reading, where, masks) in enumerate(zip(fields, maps, moved, strict=True)):
        output, only = int(layer.outputs[entry]), int(layer.objects[entry])
        showing = Showing(covered_by(above.get(output, ()), composition.size), None if only == WHOLE else only)
        target = reading.place(where, masks, showing)
        region = _region(layer, entry, shapes[number][entry])
        parts.append(Part(target, reading, int(layer.sources[entry]), region, float(layer.keeps[entry]), only != WHOLE))
    return parts


def _region(layer: Layer, entry: int, shape: Mask | None) -> tuple[tuple[int, int], Mask]:
    """Return the (top, left) of an entry, and the pixels (h, w) of its rectangle that it shows."""
    top, left = layer.corners[entry].tolist()
    return (top, left), np.broadcast_to(np.True_, layer.sizes[entry].tolist()) if shape is None else shape


def _above(composition: Composition, number: int, shapes: CutOuts) -> dict[int, list[tuple[tuple[int, int], Mask]]]:
    """Return the regions of the layers above that hide a part of the layer `number`, by their output."""
    boxes = dict(zip(composition.layers[number].outputs.tolist(), composition.layers[number].boxes, strict=True))
    found: dict[int, list[tuple[tuple[int, int], Mask]]] = {}
    for higher in range(number + 1, len(composition.layers)):
        layer = composition.layers[higher]
        for entry in np.flatnonzero(layer.hides).tolist():
            output = int(layer.outputs[entry])
            if output in boxes and _meet(boxes[output], layer.boxes[entry]):
                found.setdefault(output, []).append(_region(layer, entry, shapes[higher][entry]))
    return found


def _meet(one: Array, other: Array) -> bool:
    """Return whether two rectangles (top, left, bottom, right) share a pixel."""
    return bool((np.maximum(one[:2], other[:2]) < np.minimum(one[2:], other[2:])).all())


def _fields(reading: Reading | None) -> FieldsReading:
    """Return the reading of a target as a dict of fields; `ArgumentTypeError` for other forms."""
    inner = reading.inner if isinstance(reading, BareReading) else reading
    if isinstance(inner, FieldsReading):
        return inner
    given = "none" if inner is None else f"{type(inner).__name__.removesuffix('Reading')} annotations"
    raise ArgumentTypeError(
        f"the targets of several images must be dicts of fields, tv_tensors or masks, got {given}: give boxes, labels "
        "and masks in a dict"
    )
