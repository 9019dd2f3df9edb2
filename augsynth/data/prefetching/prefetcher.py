"""Batches that are ready on a device when they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from augsynth.data.prefetching.planned import PlannedBatch
from augsynth.engine import checked_device, numbered
from augsynth.errors import ArgumentTypeError
from augsynth.transforms.params import frozen, integer


class DevicePrefetcher:
    """The batches of a loader on a device, made there while the ones before are used.

    `loader` is a `DataLoader`, or anything else that is iterated once an epoch. Where its batches hold a
    `PlannedBatch`, as those of a data set with the transform `Planned(pipeline)` do, the workers only read and plan;
    the images' bytes go over from pinned memory, and one launch a pass makes the batch from them. With
    `pin_memory=True` the loader's own thread does the pinning. All other tensors of a batch are moved as they are.

    Args:
        loader: gives the batches: tensors, `PlannedBatch`es, and lists, tuples and dicts of them.
        transform: called with each batch after that, on the device: `MixUp`, for example.
        device: "cuda", "cuda:1", or "cpu", where the same batches are made when they are asked for.
        depth: how many batches are under way beside the one that is used; at least 1.

    Batches come in the loader's order, and so does an error of the loader: after the batches before it.

    >>> from torch.utils.data import DataLoader
    >>> import augsynth, numpy as np
    >>> from augsynth import transforms as T
    >>> from augsynth.data import Planned
    >>> data = [(np.full((4, 4, 1), value, np.uint8), value) for value in range(6)]
    >>> mix = augsynth.SyntheticMixDataset(data, None, ratio=0, transform=Planned(T.ToDtype("float32")))
    >>> batches = DevicePrefetcher(DataLoader(mix, batch_size=3, collate_fn=augsynth.collate), device="cpu")
    >>> [(images.shape, labels.tolist()) for images, labels in batches]
    [(torch.Size([3, 1, 4, 4]), [0, 1, 2]), (torch.Size([3, 1, 4, 4]), [3, 4, 5])]
    """

    def __init__(
        self,
        loader: Iterable[Any],
        transform: Callable[[Any], Any] | None = None,
        *,
        device: str | torch.device = "cuda",
        depth: int = 2,
    ) -> None:
        self.loader = loader
        self.transform = transform
        self.device = numbered(checked_device(device))
        if transform is not None and not callable(transform):
            raise ArgumentTypeError(f"transform must be callable, got {type(transform).__name__}")
        self.depth = integer(frozen(depth), "depth", 1)

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        """One epoch."""
        line = _Line(self.device)
        waiting: deque[_Started] = deque()
        failure: BaseException | None = None
        batches = iter(self.loader)
        # On the CPU there is nothing to overlap with: a batch is made when it is asked for.
        depth = self.depth if self.device.type == "cuda" else 0
        while True:
            try:
                waiting.append(line.start(next(batches), self.transform))
            except StopIteration:
                break
            except Exception as error:
                failure = error
                break
            if len(waiting) > depth:
                yield line.finish(waiting.popleft())
        while waiting:
            yield line.finish(waiting.popleft())
        if failure is not None:
            raise failure


class _Started:
    """A batch whose making has been put on a stream, and the event that it is done."""

    def __init__(self, batch: Any, done: torch.cuda.Event | None) -> None:
        self.batch = batch
        self.done = done


class _Line:
    """A stream beside the current one on which batches are made; on the CPU none."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def start(self, batch: Any, transform: Callable[[Any], Any] | None) -> _Started:
        with self._beside():
            there = mapped(batch, self._placed)
            there = there if transform is None else transform(there)
            return _Started(there, None if self._stream is None else self._stream.record_event())

    def finish(self, started: _Started) -> Any:
        """The batch, for the caller's stream."""
        if started.done is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_event(started.done)
            mapped(started.batch, lambda one: one.record_stream(current))
        return started.batch

    def _beside(self) -> AbstractContextManager[Any]:
        return nullcontext() if self._stream is None else torch.cuda.stream(self._stream)

    def _placed(self, one: torch.Tensor | PlannedBatch) -> torch.Tensor:
        if isinstance(one, torch.Tensor):
            return one.to(self._device, non_blocking=True)
        pinned = one.pin_memory() if self._device.type == "cuda" else one
        return pinned.run(self._device)


def mapped(batch: Any, function: Callable[[Any], Any]) -> Any:
    """The batch with `function` applied to each tensor and `PlannedBatch` in it, as deep as lists, tuples and dicts go.

    >>> mapped([torch.zeros(2), {"names": ["a"], "labels": torch.ones(1)}], lambda one: one.tolist())
    [[0.0, 0.0], {'names': ['a'], 'labels': [1.0]}]
    """
    if isinstance(batch, (torch.Tensor, PlannedBatch)):
        return function(batch)
    if isinstance(batch, Mapping):
        return {name: mapped(value, function) for name, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(mapped(one, function) for one in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(mapped(one, function) for one in batch)
    return batch
