"""`RefreshingPool`: a pool whose samples are new in every epoch, and are drawn while the epoch before is read."""

from __future__ import annotations

import os
import shutil
import weakref
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from augsynth.core.checks import check_choice, check_integer, check_path
from augsynth.core.positions import Positional
from augsynth.data.mixing.epochs.epoch import SharedEpoch
from augsynth.data.pools.pool import SHARD_SIZE, SyntheticPool
from augsynth.data.pools.request import Labels, PoolRequest
from augsynth.data.refreshing.producer import ProcessProducer, Producer, Task, ThreadProducer
from augsynth.errors import ArgumentError
from augsynth.generators import Generator

Background = Literal["thread", "process"]
_PRODUCERS: dict[str, type[Producer]] = {"thread": ThreadProducer, "process": ProcessProducer}
_PREFIX, _DIGITS = "epoch-", 10


class RefreshingPool(Positional[Any], Dataset[Any]):
    """Pool with new samples in every epoch, as a map-style dataset whose items are those of a `SyntheticPool`.

    Item i of epoch e is sample e·n + i of the generator for this seed, so no sample comes twice, and a later run gives
    the same ones. Its class is the same in every epoch. The pool of the first epoch is filled at once. While an epoch
    is read, the next one is drawn in the background, into a folder beside; at most these two are on the disk. An error
    of the background is raised by `set_epoch`. A mix passes `set_epoch` on to its sources. DataLoader workers follow.

    Args:
        path: folder for the pools, of this process alone: under `torchrun`, give each rank its own.
        generator: fitted generator. Do not fit or move it while the pool is open.
        n: number of samples of an epoch, at least 1.
        labels: one class, or one class for each item; by default item i has the class i mod K.
        seed: 64-bit integer, default 0.
        shard_size: number of samples in a file, at least 1; default 1,024.
        device: a device or its name; None (default) leaves the generator where it is. A process without a device draws
            on the CPU.
        guidance: strength of guidance; None (default) for the default of the generator.
        epoch: first epoch, at least 0, for a training that is continued; default 0.
        background: "thread" (default), or "process", which does not take turns with Python code of the training, and
            needs a generator that can be pickled and `if __name__ == "__main__":` in scripts.
        progress: show a progress bar for the first epoch. Default True.

    >>> with RefreshingPool("pool", generator, 10_000) as pool:  # doctest: +SKIP
    ...     mix = SyntheticMixDataset(real, pool, ratio=0.25)
    ...     for epoch in range(100):
    ...         mix.set_epoch(epoch)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        generator: Generator,
        n: int,
        *,
        labels: Labels = None,
        seed: int = 0,
        shard_size: int = SHARD_SIZE,
        device: torch.device | str | None = None,
        guidance: float | None = None,
        epoch: int = 0,
        background: Background = "thread",
        progress: bool = True,
    ) -> None:
        check_choice("background", background, get_args(Background))
        self.path = check_path("path", path)
        self._shard_size = check_integer("shard_size", shard_size, 1)
        request = PoolRequest.of(generator, n, labels, seed, guidance, device)
        if labels is None and request.labelled:
            classes = (torch.arange(request.n) % request.generator.num_classes).tolist()  # type: ignore[operator]
            request = PoolRequest.of(generator, n, classes, seed, guidance, device)
        self._request: PoolRequest | None = request
        self._background, self._owner = background, os.getpid()
        self._epoch, self._ahead = SharedEpoch(), _Ahead()
        epoch = check_integer("epoch", epoch, 0)
        self._keep_only(epoch, epoch + 1)
        self._task(epoch).run(progress=progress)
        self._epoch.set(epoch)
        self._open()
        self._begin_next()
        self._closing = weakref.finalize(self, _close, self._ahead, self._owner)

    @property
    def epoch(self) -> int:
        """The current epoch; see `set_epoch`."""
        return self._epoch.get()

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, here and in DataLoader workers, between two readings; wait until its samples are drawn.

        Args:
            epoch: integer of at least 0.
        """
        epoch = check_integer("epoch", epoch, 0)
        if self._request is None or os.getpid() != self._owner:
            if epoch == self.epoch:
                return
            raise ArgumentError("set_epoch of a RefreshingPool must be called in the process that made it")
        if epoch != self.epoch:
            if self._ahead.epoch == epoch:
                self._ahead.finish()
            else:
                self._ahead.stop()
                self._keep_only(self.epoch)
            self._task(epoch).run()  # which finds the pool finished, if it was drawn ahead
            self._epoch.set(epoch)
            self._open()
        if self._ahead.epoch != epoch + 1:
            self._keep_only(epoch, epoch + 1)
            self._begin_next()

    def close(self) -> None:
        """Stop drawing in the background. The pool of the current epoch stays; `set_epoch` begins again."""
        if os.getpid() == self._owner:
            self._ahead.stop()

    def __enter__(self) -> RefreshingPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of the images."""
        return self._current().image_shape

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes; None if they are not known."""
        return self._current().class_names

    @property
    def labels(self) -> npt.NDArray[np.int64] | None:
        """Label of every item, int64 (n,), the same in all epochs; or None."""
        return self._current().labels

    def __len__(self) -> int:
        return len(self._current())

    def _item(self, position: int) -> Any:
        return self._current()[position]

    def __getstate__(self) -> dict[str, Any]:
        # A copy reads, and follows this pool within a DataLoader, but draws nothing.
        left_out = {"_request": None, "_ahead": None, "_closing": None, "_pool": None}
        return {**self.__dict__, **left_out}

    def _current(self) -> SyntheticPool:
        if self._pool is None or self._opened != self._epoch.get():
            self._open()
        assert self._pool is not None
        return self._pool

    def _open(self) -> None:
        self._opened = self._epoch.get()
        self._pool: SyntheticPool | None = SyntheticPool.open(self._folder(self._opened))

    def _folder(self, epoch: int) -> Path:
        return self.path / f"{_PREFIX}{epoch:0{_DIGITS}d}"

    def _task(self, epoch: int) -> Task:
        assert self._request is not None
        return Task(self._folder(epoch), self._request, self._shard_size, epoch * self._request.n)

    def _begin_next(self) -> None:
        following = self.epoch + 1
        self._ahead.start(following, _PRODUCERS[self._background](self._task(following)))

    def _keep_only(self, *epochs: int) -> None:
        kept = [self._folder(epoch) for epoch in epochs]
        for folder in self.path.glob(f"{_PREFIX}{'[0-9]' * _DIGITS}"):
            if folder not in kept:
                shutil.rmtree(folder)


class _Ahead:
    """The producer of the next epoch, if there is one."""

    def __init__(self) -> None:
        self.epoch: int | None = None
        self._producer: Producer | None = None

    def start(self, epoch: int, producer: Producer) -> None:
        self.epoch, self._producer = epoch, producer

    def finish(self) -> None:
        """Wait for the end, and raise the error of the producer; a later call of `set_epoch` tries again."""
        producer, self._producer, self.epoch = self._producer, None, None
        if producer is not None:
            producer.result()

    def stop(self) -> None:
        producer, self._producer, self.epoch = self._producer, None, None
        if producer is not None:
            producer.stop()


def _close(ahead: _Ahead, owner: int) -> None:
    # A forked worker inherits the finalizer, but not the producer.
    if os.getpid() == owner:
        ahead.stop()
