"""Compositions: plans with several source images for each output, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from augsynth.core.typing import Ints
from augsynth.errors import CheckpointError, PlanError
from augsynth.plan.layers import WHOLE, Layer
from augsynth.plan.plan import Plan
from augsynth.plan.rules import LARGEST
from augsynth.plan.store import PathOrFile, file_name, read_arrays, step_arrays, steps_of, write_arrays

GIVEN = -1
"""The item of a source that was given in the call, and not taken from a data set."""
_MAGIC, _VERSION = 0x41554743, 1
_MOST_LAYERS = 2**16


@dataclass(frozen=True)
class Composition:
    """Several source images in each of some outputs of one size, as layers.

    It holds every random choice of a `Mosaic`, `CopyPaste`, `CutMix` or `MixUp`, and can be printed, stored and
    replayed, as a `Plan` can. The first layer has an entry for each output.

    Args:
        size: (H, W) of the outputs.
        count: the number of outputs.
        items: int64 (s,), the item of the data set that each source image is, or -1 for an image of the call.
        layers: the layers from the lowest to the highest.
    """

    size: tuple[int, int]
    count: int
    items: Ints
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers or len(self.layers[0]) != self.count:
            raise PlanError(f"the first layer of a composition has an entry for each of {self.count} outputs")
        if self.items.dtype != np.int64 or self.items.ndim != 1 or (self.items < GIVEN).any():
            raise PlanError("items of a composition must be int64 (s,), of at least -1")
        first = self.layers[0].plan.passes[-1].rows
        for number, layer in enumerate(self.layers):
            self._check(layer, number)
            last = layer.plan.passes[-1].rows
            for name in ("channels", "output_dtype"):
                if len(first) and (last[name] != first[name][0]).any():
                    raise PlanError(
                        f"layer {number}: the images of a composition have one number of channels and dtype"
                    )

    def _check(self, layer: Layer, number: int) -> None:
        for name, bound in (("outputs", self.count), ("sources", len(self.items))):
            values = getattr(layer, name)
            if len(values) and not 0 <= values.min() <= values.max() < bound:
                raise PlanError(f"layer {number}: {name} must be in [0, {bound}), got {values.min()} to {values.max()}")
        outside = np.flatnonzero((layer.boxes[:, 2:] > self.size).any(axis=1))
        if outside.size:
            raise PlanError(
                f"layer {number}: the rectangle {layer.boxes[outside[0]].tolist()} (top, left, bottom, right) is not "
                f"within the output of {self.size[0]}x{self.size[1]}"
            )

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, outputs: slice) -> Composition:
        """The composition of some of the outputs. Sources keep their numbers."""
        chosen = np.arange(self.count)[outputs]
        numbers = np.full(self.count, -1)
        numbers[chosen] = np.arange(len(chosen))
        return Composition(
            self.size, len(chosen), self.items, tuple(layer.renumbered(numbers) for layer in self.layers)
        )

    def entries(self) -> Iterator[tuple[int, int]]:
        """The (layer, entry) of all entries, output by output, from the lowest layer to the highest."""
        found = [
            (int(output), number, entry)
            for number, layer in enumerate(self.layers)
            for entry, output in enumerate(layer.outputs)
        ]
        return ((number, entry) for _, number, entry in sorted(found))

    def explain(self) -> str:
        """The outputs in words: the rectangle, the object and the share of each source.

        >>> from augsynth import transforms as T
        >>> mosaic = T.Mosaic((8, 6), fit="cover")
        >>> print(mosaic.compose([np.zeros((4, 4), np.uint8)] * 2, keys=[(0, 0, 0), (0, 0, 1)])[:1].explain())
        1 output of 8x6 pixels, of 2 images
        output 0
          image 0 in rows 4 to 8, columns 2 to 6
          image 1 in rows 0 to 4, columns 0 to 2
          image 1 in rows 0 to 4, columns 2 to 6
          image 1 in rows 4 to 8, columns 0 to 2
        """
        height, width = self.size
        plural = "" if self.count == 1 else "s"
        lines = [f"{self.count} output{plural} of {height}x{width} pixels, of {len(self.items)} images"]
        output = -1
        for number, entry in self.entries():
            layer = self.layers[number]
            if layer.outputs[entry] != output:
                output = int(layer.outputs[entry])
                lines.append(f"output {output}")
            lines.append(f"  {self._described(layer, entry)}")
        return "\n".join(lines)

    def _described(self, layer: Layer, entry: int) -> str:
        source = int(layer.sources[entry])
        item = int(self.items[source])
        top, left, bottom, right = layer.boxes[entry].tolist()
        name = f"image {source}" if item == GIVEN else f"item {item} of the data set"
        if layer.objects[entry] != WHOLE:
            name = f"object {layer.objects[entry]} of {name}"
        share = "" if layer.keeps[entry] == 0 else f", a share of {1 - layer.keeps[entry]:.2f}"
        return f"{name} in rows {top} to {bottom}, columns {left} to {right}{share}"

    def save(self, path: PathOrFile) -> None:
        """Write the composition as an .npz archive, without pickle.

        A composition with a user's function (`Lambda`) is refused: `PlanError`.

        Args:
            path: a path, or a binary file.
        """
        arrays: dict[str, Any] = {
            "header": np.array([_MAGIC, _VERSION, len(self.layers)], np.uint32),
            "frame": np.array([*self.size, self.count], np.int64),
            "items": self.items,
        }
        for number, layer in enumerate(self.layers):
            prefix = f"layer{number}."
            arrays |= {f"{prefix}{name}": array for name, array in layer.arrays().items()}
            arrays[f"{prefix}steps"] = np.array(len(layer.plan.steps), np.int64)
            arrays |= step_arrays(layer.plan.steps, f"{prefix}plan.")
        write_arrays(arrays, path)

    @classmethod
    def load(cls, path: PathOrFile) -> Composition:
        """Read a composition that `save` wrote; `CheckpointError` if it is damaged or of another version.

        Args:
            path: a path, or a binary file.
        """
        return read_arrays(path, "composition", lambda archive: cls._of(archive, path))

    @classmethod
    def _of(cls, archive: Any, path: PathOrFile) -> Composition:
        header, frame = archive["header"], archive["frame"]
        if header.shape != (3,) or header.dtype != np.uint32 or int(header[0]) != _MAGIC:
            raise CheckpointError(f"{file_name(path)} is no augsynth composition: its header is {header!r}")
        if int(header[1]) != _VERSION:
            raise CheckpointError(
                f"{file_name(path)} holds a composition of version {int(header[1])}, this augsynth reads version "
                f"{_VERSION}: draw it again from its keys"
            )
        if frame.shape != (3,) or frame.dtype != np.int64 or not (frame[:2] > 0).all() or frame.max() > LARGEST:
            raise PlanError(f"the frame must be (H, W, count), got {frame!r}")
        if int(header[2]) > _MOST_LAYERS:
            raise PlanError(f"a composition has at most {_MOST_LAYERS} layers, got {header[2]}")
        layers = tuple(_stored_layer(archive, f"layer{number}.") for number in range(int(header[2])))
        height, width, count = frame.tolist()
        return cls((height, width), count, archive["items"], layers)


def _stored_layer(archive: Any, prefix: str) -> Layer:
    arrays = {
        name.removeprefix(prefix): archive[name]
        for name in archive
        if name.startswith(prefix) and not name.startswith(f"{prefix}plan.")
    }
    plan = Plan(steps_of(archive, int(arrays.pop("steps")), prefix=f"{prefix}plan."))
    return Layer.of_arrays(plan, arrays)
