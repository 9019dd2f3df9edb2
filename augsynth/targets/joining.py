"""Joining of targets: those of several images in one output become one target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch

from augsynth.core.arrays import same_values, to_numpy
from augsynth.core.typing import Array, Mask
from augsynth.errors import ArgumentError
from augsynth.targets import tv_tensors
from augsynth.targets.fields import FieldsReading


@dataclass(frozen=True)
class Part:
    """The target of one source image in an output.

    Args:
        target: its fields, as they were placed.
        reading: the reading that placed them, which knows the roles of the fields.
        source: the number of the source image.
        region: the (top, left) of the image in the output, and the pixels (h, w) of its rectangle that it shows.
        keeps: the share that the images below keep.
        cut_out: whether it is one object.
    """

    target: dict[str, Any]
    reading: FieldsReading
    source: int
    region: tuple[tuple[int, int], Mask]
    keeps: float
    cut_out: bool


def join(parts: Sequence[Part], sources: Sequence[str], weighted: bool = False) -> dict[str, Any]:
    """Return the target of an output: objects one after another, masks of the picture laid over each other.

    Other fields are those of the lowest image. An image whose target has no fields adds nothing.

    Args:
        parts: the targets from the lowest image up.
        sources: the name of each source image in messages.
        weighted: whether objects get `weights`, the shares of their images in the output; default False.
    """
    having = [part for part in parts if part.target] or list(parts[:1])
    first, others = having[0], having[1:]
    for part in others:
        _require_same_fields(first, part, sources)
    result = dict(first.target)
    for name in first.reading.joined:
        result[name] = _concatenated([part.target[name] for part in having])
    for name in first.reading.pictures:
        for part in others:
            result[name] = _laid_over(result[name], part, name)
    if weighted and first.reading.boxes is not None:
        result["weights"] = _weights(having)
    return result


def _require_same_fields(first: Part, part: Part, sources: Sequence[str]) -> None:
    """Raise `ArgumentError` unless a target has the fields of the lowest one, in the same roles."""
    for role, needed, found in (
        ("one entry an object", first.reading.joined, part.reading.joined),
        ("masks of the picture", frozenset(first.reading.pictures), frozenset(part.reading.pictures)),
    ):
        missing, further = needed - found, frozenset() if part.cut_out else found - needed
        if missing or further:
            one, other = sources[first.source], sources[part.source]
            has, lacks = (one, other) if missing else (other, one)
            raise ArgumentError(
                "the targets of images that share an output must have the same fields: "
                f"{', '.join(sorted(missing or further))} ({role}) is in the target of {has}, not in that of {lacks}"
            )


def _concatenated(values: Sequence[Any]) -> Any:
    """Return the entries of several values one after another, in the form of the first one."""
    original = values[0]
    # Without values that are empty: an empty list is an array of floats, and would make floats of integers.
    filled = [tv_tensors.plain(value) for value in values if len(value)] or [tv_tensors.plain(original)]
    if isinstance(original, (list, tuple)):
        return type(original)(chain.from_iterable(_listed(value) for value in filled))
    if not isinstance(original, torch.Tensor):
        return np.concatenate([to_numpy(value, "a target") for value in filled])
    tensors = [
        value if isinstance(value, torch.Tensor) else torch.from_numpy(to_numpy(value, "a target")) for value in filled
    ]
    joined = torch.cat([tensor.to(original.device) for tensor in tensors])
    return tv_tensors.wrap(joined, original) if tv_tensors.role_of(original) else joined


def _listed(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else value.tolist()


def _laid_over(below: Any, part: Part, name: str) -> Any:
    """Return masks (..., H, W) of a picture with those of an image above."""
    above = tv_tensors.plain(part.target[name])
    (top, left), region = part.region
    plain, over = to_numpy(tv_tensors.plain(below), name), to_numpy(above, name)
    if plain.shape != over.shape:
        raise ArgumentError(f"{name} of images that share an output must have one shape: {plain.shape}, {over.shape}")
    if part.keeps and plain.dtype.kind != "f":
        raise ArgumentError(
            f"{name} of {plain.dtype} number classes, which cannot be blended: use CutMix, or give one float mask a "
            "class, (classes, H, W)"
        )
    result = plain.copy()
    window = (..., slice(top, top + region.shape[0]), slice(left, left + region.shape[1]))
    shown = over[window] if not part.keeps else _blended(plain[window], over[window], part.keeps)
    result[window] = np.where(region, shown, plain[window])
    return _in_the_form_of(result, below)


def _blended(below: Array, above: Array, keeps: float) -> Array:
    kept = below.dtype.type(keeps)
    blended: Array = below * kept + above * (1 - kept)
    return blended


def _in_the_form_of(array: Array, original: Any) -> Any:
    given = same_values(array, tv_tensors.plain(original))
    return tv_tensors.wrap(given, original) if tv_tensors.role_of(original) else given


def _weights(parts: Sequence[Part]) -> Any:
    """Return the share of its image in the output for each object, times its own weight if it has one."""
    shares, behind = [], 1.0
    for part in reversed(parts):
        shares.append(behind * (1.0 - part.keeps))
        behind *= part.keeps or 1.0
    like = parts[0].target
    weights = []
    for part, share in zip(parts, reversed(shares), strict=True):
        count = next(len(part.target[name]) for name in part.reading.joined)
        own = to_numpy(part.target["weights"], "weights") if "weights" in part.target else np.ones(count)
        weights.append(own * share)
    found = np.concatenate(weights).astype(np.float32)
    return torch.from_numpy(found) if any(isinstance(value, torch.Tensor) for value in like.values()) else found
