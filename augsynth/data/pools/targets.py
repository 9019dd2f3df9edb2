"""Targets of a pool's images on disk: one array for each field of a shard, and offsets where objects are counted."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth.data.pools.entries import whole
from augsynth.data.pools.shards import map_array, read_array, write_array
from augsynth.errors import CheckpointError, PluginError, shown
from augsynth.generators.targets import NAMES, Target, is_of_objects

OFFSETS = "offsets"
_DTYPES = ("bool", "uint8", "int64", "float32")


@dataclass(frozen=True)
class Field:
    """Field of the targets of a pool.

    Args:
        name: "boxes", "labels", "masks" or "keypoints".
        dtype: name of NumPy's dtype.
        shape: shape of the value of an object, or of an image.
        of_objects: True if there is a value for each object, False if there is one for each image.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    of_objects: bool

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} ({', '.join(map(str, (*('k' * self.of_objects), *self.shape)))})"

    def as_json(self) -> dict[str, Any]:
        """Return the entry of a manifest."""
        return {**vars(self), "shape": list(self.shape)}

    @classmethod
    def from_json(cls, entry: Any) -> Field:
        """Return a field; raise `TypeError` or `ValueError` for an entry that is none."""
        field = cls(**{**entry, "shape": tuple(whole(side, "a side", 1) for side in entry["shape"])})
        if field.name not in NAMES or field.dtype not in _DTYPES or type(field.of_objects) is not bool:
            raise ValueError(f"a field of its targets is {shown(field)}")
        if len(field.shape) > 2 or math.prod(field.shape) > sys.maxsize:
            raise ValueError(f"a field of its targets has the shape {shown(field.shape)}")
        return field


def fields_of(targets: Sequence[Target] | None) -> tuple[Field, ...]:
    """Return the fields of targets; raise `PluginError` if they are not the same in all of them.

    Args:
        targets: at least one target, or None.
    """
    if targets is None:
        return ()
    first = _fields(targets[0])
    for target in targets:
        found = _fields(target)
        if found != first:
            raise PluginError(
                f"all targets of a pool must have the same fields: {_listed(first)}, and {_listed(found)}"
            )
    return first


def require_fields(fields: Sequence[Field], targets: Sequence[Target] | None) -> None:
    """Raise `PluginError` if targets do not have the fields that those of a pool have.

    Args:
        fields: fields of the pool.
        targets: targets of a shard, or None.
    """
    found = fields_of(targets)
    if found != tuple(fields):
        raise PluginError(f"the targets of the pool are {_listed(fields)}, those of later samples are {_listed(found)}")


def write_targets(folder: Path, number: int, targets: Sequence[Target]) -> dict[str, str]:
    """Write the targets of a shard; return the SHA-256 of each file, by the name of the field.

    Args:
        folder: folder of the pool.
        number: number of the shard.
        targets: one target for each image.
    """
    fields, checksums = fields_of(targets), {}
    for field in fields:
        values = [target[field.name].numpy() for target in targets]
        array = np.concatenate(values) if field.of_objects else np.stack(values)
        checksums[field.name] = write_array(folder / target_file(field.name, number), array)
    counted = [field.name for field in fields if field.of_objects]
    if counted:
        offsets = np.cumsum([0, *(len(target[counted[0]]) for target in targets)], dtype=np.int64)
        checksums[OFFSETS] = write_array(folder / target_file(OFFSETS, number), offsets)
    return checksums


def target_file(name: str, number: int) -> str:
    """Return the name of a file with targets of a shard."""
    return f"target-{name}-{number:06d}.npy"


class ShardTargets:
    """Targets of a shard; masks are memory-mapped, and changes of them do not reach the file.

    Args:
        folder: folder of the pool.
        number: number of the shard.
        count: number of its images.
        fields: fields of the targets.
    """

    def __init__(self, folder: Path, number: int, count: int, fields: Sequence[Field]) -> None:
        self._fields = fields
        self._offsets: npt.NDArray[np.int64] | None = None
        if any(field.of_objects for field in fields):
            self._offsets = _read_offsets(folder / target_file(OFFSETS, number), count)
        objects = 0 if self._offsets is None else int(self._offsets[-1])
        self._arrays = {}
        for field in fields:
            shape = (objects if field.of_objects else count, *field.shape)
            read = map_array if field.name == "masks" else read_array
            self._arrays[field.name] = read(folder / target_file(field.name, number), shape, np.dtype(field.dtype))

    def target(self, row: int) -> Target:
        """Return the target of an image, by its number in the shard."""
        target = {}
        for field in self._fields:
            array = self._arrays[field.name]
            if self._offsets is not None and field.of_objects:
                target[field.name] = torch.from_numpy(array[self._offsets[row] : self._offsets[row + 1]])
            else:
                target[field.name] = torch.from_numpy(array[row])
        return target

    def largest_label(self) -> int:
        """Return the largest label of an object; −1 without objects."""
        return int(self._arrays["labels"].max(initial=-1))


def _fields(target: Target) -> tuple[Field, ...]:
    fields = []
    for name in (name for name in NAMES if name in target):
        values = target[name].numpy()
        of_objects = is_of_objects(name, values.ndim)
        fields.append(Field(name, values.dtype.name, values.shape[of_objects:], of_objects))
    return tuple(fields)


def _listed(fields: Sequence[Field]) -> str:
    return "; ".join(map(str, fields)) or "none"


def _read_offsets(file: Path, count: int) -> npt.NDArray[np.int64]:
    offsets = read_array(file, (count + 1,), np.dtype(np.int64))
    if offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise CheckpointError(f"shard {file} cannot be read: its offsets begin with {shown(offsets[:5].tolist())}")
    return offsets
