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
    """Loader that makes batches on a device while the previous ones are used.

    If batches hold a `PlannedBatch`, as they do with the transform `Planned(pipeline)`, the workers only read and plan.
    The bytes of the images are copied from pinned memory, and one launch a pass makes the batch from them. With
    `pin_memory=True`, a thread of the loader does the pinning. All other tensors of a batch are moved to the device.
    Batches come in the order of the loader. An error of the loader comes after the batches before it.

    Args:
        loader: `DataLoader`, or another iterable of one epoch. It gives tensors, `PlannedBatch`es, and lists, tuples
            and dicts of them.
        transform: called with each batch on the device, for example `MixUp`; default None.
        device: "cuda", "cuda:1", or "cpu", where a batch is made when it is asked for. Default "cuda".
        depth: number of batches that are prepared beside the one in use, at least 1; default 2.

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
        """Yield the batches of one epoch."""
        stream = _BatchStream(self.device)
        waiting: deque[_StartedBatch] = deque()
        failure: BaseException | None = None
        batches = iter(self.loader)
        # On the CPU there is nothing to overlap with: a batch is made when it is asked for.
        depth = self.depth if self.device.type == "cuda" else 0
        while True:
            try:
                waiting.append(stream.start(next(batches), self.transform))
            except StopIteration:
                break
            except Exception as error:
                failure = error
                break
            if len(waiting) > depth:
                yield stream.finish(waiting.popleft())
        while waiting:
            yield stream.finish(waiting.popleft())
        if failure is not None:
            raise failure


class _StartedBatch:
    """Batch whose work is queued on a stream, with the event at its end."""

    def __init__(self, batch: Any, done: torch.cuda.Event | None) -> None:
        self.batch = batch
        self.done = done


class _BatchStream:
    """CUDA stream on which batches are made, beside the current one; without a stream on the CPU."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def start(self, batch: Any, transform: Callable[[Any], Any] | None) -> _StartedBatch:
        with self._beside():
            moved = mapped(batch, self._to_device)
            moved = moved if transform is None else transform(moved)
            return _StartedBatch(moved, None if self._stream is None else self._stream.record_event())

    def finish(self, started: _StartedBatch) -> Any:
        """Return the batch for use on the caller's stream."""
        if started.done is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_event(started.done)
            mapped(started.batch, lambda tensor: tensor.record_stream(current))
        return started.batch

    def _beside(self) -> AbstractContextManager[Any]:
        return nullcontext() if self._stream is None else torch.cuda.stream(self._stream)

    def _to_device(self, part: torch.Tensor | PlannedBatch) -> torch.Tensor:
        if isinstance(part, torch.Tensor):
            return part.to(self._device, non_blocking=True)
        pinned = part.pin_memory() if self._device.type == "cuda" else part
        return pinned.run(self._device)


def mapped(batch: Any, function: Callable[[Any], Any]) -> Any:
    """Return a batch with a function applied to each tensor and `PlannedBatch` in it.

    Args:
        batch: nested lists, tuples and dicts.
        function: called with a tensor or a `PlannedBatch`.

    >>> mapped([torch.zeros(2), {"names": ["a"], "labels": torch.ones(1)}], lambda tensor: tensor.tolist())
    [[0.0, 0.0], {'names': ['a'], 'labels': [1.0]}]
    """
    if isinstance(batch, (torch.Tensor, PlannedBatch)):
        return function(batch)
    if isinstance(batch, Mapping):
        return {name: mapped(value, function) for name, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(mapped(part, function) for part in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(mapped(part, function) for part in batch)
    return batch
