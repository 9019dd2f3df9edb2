"""Reading the windows of one worker of a stream: items of both sides, transformed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augsynth.core.items import ItemKeys
from augsynth.data.mixing.additions import ItemAdditions, ItemSource
from augsynth.data.mixing.items.failures import each, together
from augsynth.data.mixing.items.template import ItemTemplate
from augsynth.data.mixing.items.transforming import ItemTransform, batch_keys
from augsynth.data.mixing.rule.labels import as_class
from augsynth.data.mixing.streams.class_reader import ClassReader
from augsynth.data.mixing.streams.readers import Read, Reader
from augsynth.data.mixing.streams.windows import Pattern, Share


@dataclass(frozen=True)
class StreamOptions:
    """Arguments of a `MixStream` that decide the form of its items; see there."""

    transform: Callable[..., Any] | None
    seed: int
    drop_last: bool
    weighted: bool
    synthetic_weight: float | None
    source: ItemSource | None
    passthrough: tuple[str, ...]
    keys: ItemKeys


class WindowReader:
    """Windows of one worker in one epoch, read in order. The form of the items is that of the first real one.

    Args:
        real, synthetic: readers of the two sides; None for a synthetic side that the epoch does not need.
        pattern: order of the two sides.
        share: part of this worker.
        epoch: number of the epoch.
        options: form of the items.
    """

    def __init__(
        self,
        real: Reader,
        synthetic: Reader | None,
        pattern: Pattern,
        share: Share,
        epoch: int,
        options: StreamOptions,
    ) -> None:
        self._readers: tuple[Reader, ...] = (real,) if synthetic is None else (real, synthetic)
        self._pattern = pattern
        self._share = share
        self._epoch = epoch
        self._options = options
        self._finished = False
        self._template = ItemTemplate([real.first()], options.passthrough, options.keys)
        if synthetic is not None:
            self._template.check_synthetic(synthetic.first(), "class" if isinstance(synthetic, ClassReader) else "free")
        self._transform = ItemTransform(options.transform, self._template)
        added = (options.weighted, options.synthetic_weight, options.source)
        self._additions = ItemAdditions(self._template, None, *added)

    def read(self, turn: int) -> Sequence[Any] | None:
        """Return the items of a window, fewer where the real side ends; None beyond its end.

        Args:
            turn: number of the window among those of this process, higher than before.
        """
        window = self._share.window(turn)
        if self._finished or not self._readers[0].reaches(self._pattern.real_until(window - 1) - 1):
            return None
        positions = self._pattern.positions(window)
        kinds, numbers = (array.tolist() for array in self._pattern.sources(positions))
        real = self._real_of([number for kind, number in zip(kinds, numbers, strict=True) if not kind])
        # The epoch ends with its last real item, without synthetic ones that would go before the next.
        rows = [row for row, kind in enumerate(kinds) if not kind][: len(real)]
        kept = (rows[-1] + 1 if rows else 0) if self._finished else len(kinds)
        kinds = kinds[:kept]
        full = not self._finished and self._readers[0].reaches(
            self._pattern.real_until(self._share.last_of_turn(turn)) - 1
        )
        if not kept or (self._options.drop_last and not full):
            return None
        wanted = [number for kind, number in zip(kinds, numbers[:kept], strict=True) if kind]
        synthetic = self._synthetic_of(wanted, real)
        sides = iter(real), iter(synthetic)
        read = [next(sides[kind]) for kind in kinds]
        return self._made(positions[:kept], kinds, [one.number for one in read], [one.item for one in read])

    def _real_of(self, numbers: list[int]) -> list[Read]:
        """Return the real items with these numbers, fewer where their side ends."""
        found = []
        for number in numbers:
            read = self._readers[0].read(number)
            if read is None:
                self._finished = True
                break
            found.append(read)
        return found

    def _synthetic_of(self, numbers: list[int], real: list[Read]) -> list[Read]:
        """Return the synthetic items with these numbers, with the classes of real ones of the window if they pair."""
        if not numbers:
            return []
        reader = self._readers[1]
        if not isinstance(reader, ClassReader):
            return [read for read in map(reader.read, numbers) if read is not None]  # this side starts again
        structure = self._template.structure
        partners = (real[row * len(real) // len(numbers)].item for row in range(len(numbers)))
        labels = (as_class(structure.split(partner)[1][structure.label], "real") for partner in partners)
        return [reader.read_of_class(number, label) for number, label in zip(numbers, labels, strict=True)]

    def _made(self, positions: Any, kinds: list[int], items: list[int], loaded: list[Any]) -> Sequence[Any]:
        """Return items in the form of the real ones, transformed."""

        def where(row: int) -> str:
            side = "synthetic" if kinds[row] else "real"
            return f"position {positions[row]} of epoch {self._epoch}, {side} item {items[row]}"

        formed = each(self._formed, zip(kinds, loaded, strict=True), where)
        images, fields = together(self._template.structure.split_all, (formed,), where)
        counts = (self._pattern.total, self._pattern.synthetic)
        added = self._additions.of(*counts, kinds, items, fields, where)
        keys = batch_keys(self._options.seed, self._epoch, np.asarray(positions))
        return self._transform.apply(images, fields, keys, where, added)

    def _formed(self, kind: int, item: Any) -> Any:
        return self._template.convert(item) if kind else item
