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
from augsynth.data.mixing.streams.readers import Reader
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
        self._readers = (real,) if synthetic is None else (real, synthetic)
        self._pattern = pattern
        self._share = share
        self._epoch = epoch
        self._options = options
        self._finished = False
        self._template = ItemTemplate([real.first()], options.passthrough, options.keys)
        if synthetic is not None:
            self._template.check_synthetic(synthetic.first(), "free")
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
        loaded: list[Any] = []
        items: list[int] = []
        for kind, number in zip(kinds, numbers, strict=True):
            read = self._readers[kind].read(number)
            if read is None:
                # The epoch ends with its last real item, without synthetic ones that would go before the next.
                self._finished = True
                kept = max((row + 1 for row in range(len(items)) if not kinds[row]), default=0)
                del items[kept:], loaded[kept:]
                break
            items.append(read.number)
            loaded.append(read.item)
        full = not self._finished and self._readers[0].reaches(
            self._pattern.real_until(self._share.last_of_turn(turn)) - 1
        )
        if not items or (self._options.drop_last and not full):
            return None
        return self._made(positions[: len(items)], kinds[: len(items)], items, loaded)

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
