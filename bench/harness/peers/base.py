"""Interface of a compared library: its own pipeline for a list of operations, and its use with a DataLoader."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset

from harness.images import ImageSet
from harness.ops import Op, Ops
from harness.timing import Way

Steps = dict[type[Any], Callable[[Any], list[Any]]]


class Unsupported(Exception):
    """Error for an operation that a library does not have."""


class Peer(ABC):
    """Library. `name` heads its column; `clock` counts CPU seconds of its threads, by default of the calling thread."""

    name: str
    distribution: str
    clock: Callable[[], float] = staticmethod(time.thread_time)

    @abstractmethod
    def transform(self, ops: Ops) -> Callable[[Any], Any]:
        """Return the pipeline as a function of one prepared image; raise `Unsupported` if an operation is missing."""

    def notes(self, ops: Ops) -> list[str]:
        """Return the differences of this library: less work, more work, or other work."""
        return []

    def activate(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Prepare a turn."""

    def prepare(self, image: Any) -> Any:
        """Return the image as the usual decoder of this library gives it; not timed."""
        return image

    def ways(self, ops: Ops, images: ImageSet, batch: int) -> list[Way]:
        """Return the ways that may be the fastest; the one that wins a trial is measured."""
        return [one_by_one(self.transform(ops), [self.prepare(image) for image in images.images], images.window)]

    def loader(self, ops: Ops, images: ImageSet, batch: int) -> Iterable[Any]:
        """Return one epoch of batches (images, labels), as users of this library get them without workers."""
        return DataLoader(Items(self, ops, images), batch_size=batch, drop_last=True)


class Items(Dataset[Any]):
    """Data set of (image, label), which transforms single images, as in most training scripts."""

    def __init__(self, peer: Peer, ops: Ops, images: ImageSet) -> None:
        self.transform = peer.transform(ops)
        self.images = [peer.prepare(image) for image in images.images[: images.window]]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(self.images[index]), index % 10


def one_by_one(transform: Callable[[Any], Any], prepared: list[Any], window: int) -> Way:
    """Return the way that transforms image after image."""

    def run(start: int) -> Iterator[Any]:
        for image in prepared[start : start + window]:
            yield transform(image)

    return run


def translate(ops: Ops, steps: Steps) -> list[Any]:
    """Return the transforms of a library for `ops`."""
    for op in ops:
        if type(op) not in steps:
            raise Unsupported(f"no {type(op).__name__}")
    return [made for op in ops for made in steps[type(op)](op)]


def has(ops: Ops, kind: type[Op], **values: Any) -> bool:
    """Return whether `ops` has an operation of this kind with these values."""
    return any(isinstance(op, kind) and all(getattr(op, k) == v for k, v in values.items()) for op in ops)
