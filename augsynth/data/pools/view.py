"""`PoolView`: some of the items of a pool, read like a pool, without copies of its shards."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol, SupportsIndex

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from augsynth.core.positions import Positional, as_positions
from augsynth.core.typing import Ints
from augsynth.data.pools.exportable import Exportable
from augsynth.data.pools.exporting.items import ExportablePool
from augsynth.data.pools.targets import Field
from augsynth.generators import Samples


class ViewedPool(Protocol):
    """Interface of a pool that a view needs."""

    @property
    def image_shape(self) -> tuple[int, int, int]: ...
    @property
    def class_names(self) -> tuple[str, ...] | None: ...
    @property
    def labels(self) -> Ints | None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: SupportsIndex, /) -> Any: ...
    @property
    def target_fields(self) -> tuple[Field, ...]: ...
    def largest_label(self) -> int: ...
    def take(self, indices: Ints) -> Samples: ...
    def content_digest(self) -> str: ...


class PoolView(Positional[Any], Exportable, Dataset[Any]):
    """Some items of a pool, as a map-style dataset like the pool itself: for mixes, samplers, loaders and exports.

    A view is pickled as its pool and the numbers of its items.

    Args:
        pool: the pool.
        items: numbers of items of the pool, in the order of the view.
        name: name of the view.
    """

    def __init__(self, pool: ViewedPool, items: npt.ArrayLike, name: str) -> None:
        self.pool = pool
        self.name = name
        self.items = as_positions(np.asarray(items, np.int64), len(pool), "the pool")

    def __len__(self) -> int:
        return len(self.items)

    def _item(self, position: int) -> Any:
        return self.pool[int(self.items[position])]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of the images."""
        return self.pool.image_shape

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes; None if they are not known."""
        return self.pool.class_names

    @property
    def target_fields(self) -> tuple[Field, ...]:
        """Fields of the targets; none if the pool has images alone."""
        return self.pool.target_fields

    def largest_label(self) -> int:
        """Return the largest label of the whole pool, so that its classes keep their folders; −1 if there is none."""
        return self.pool.largest_label()

    @property
    def labels(self) -> Ints | None:
        """Label of every item, int64 (n,), or None."""
        labels = self.pool.labels
        return None if labels is None else labels[self.items]

    def take(self, indices: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Samples:
        """Return some of the items in memory.

        Args:
            indices: their positions in the view, in the order of the result; negative ones count from the end.
        """
        return self.pool.take(self.items[as_positions(indices, len(self), f"the view {self.name!r}")])

    def content_digest(self) -> str:
        """Return the SHA-256 of the content of the pool and of the numbers of the items."""
        return hashlib.sha256(self.pool.content_digest().encode() + self.items.astype("<i8").tobytes()).hexdigest()

    def _exported(self) -> ExportablePool:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _view, (self.pool, self.items.astype(np.min_scalar_type(len(self.pool))), self.name)

    def __repr__(self) -> str:
        return f"PoolView({self.name!r}, {len(self)} of {len(self.pool)} items)"


def _view(pool: ViewedPool, items: Any, name: str) -> PoolView:
    return PoolView(pool, items.astype(np.int64), name)
