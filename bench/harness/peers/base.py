"""What a compared library has to offer: its own pipeline for a list of operations, and its way through a DataLoader."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset

from harness.images import ImageSet
from harness.ops import Op, Ops
from harness.timing import Pass

Steps = dict[type[Any], Callable[[Any], list[Any]]]


class Unsupported(Exception):
    """The library has no such operation."""


class Peer(ABC):
    """A library. `name` heads its column; `clock` counts the CPU seconds of its threads, here the calling one alone."""

    name: str
    distribution: str
    clock: Callable[[], float] = staticmethod(time.thread_time)

    @abstractmethod
    def transform(self, ops: Ops) -> Callable[[Any], Any]:
        """The pipeline as a function of one prepared image; `Unsupported` if an operation is missing."""

    def notes(self, ops: Ops) -> list[str]:
        """What this library does differently: less work, more, or other work."""
        return []

    def activate(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Called before each of its turns."""

    def prepare(self, image: Any) -> Any:
        """The image as this library gets it from its usual decoder; not timed."""
        return image

    def ways(self, ops: Ops, images: ImageSet, batch: int) -> list[Pass]:
        """The ways to go through images that may be its fastest; the one that wins a trial is measured."""
        return [one_by_one(self.transform(ops), [self.prepare(image) for image in images.images], images.window)]

    def loader(self, ops: Ops, images: ImageSet, batch: int) -> Iterable[Any]:
        """One epoch of batches (images, labels), the way this library's users get them without workers."""
        return DataLoader(Items(self, ops, images), batch_size=batch, drop_last=True)


class Items(Dataset[Any]):
    """(image, label) with the image transformed by itself, as most training scripts have it."""

    def __init__(self, peer: Peer, ops: Ops, images: ImageSet) -> None:
        self.transform = peer.transform(ops)
        self.images = [peer.prepare(image) for image in images.images[: images.window]]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(self.images[index]), index % 10


def one_by_one(transform: Callable[[Any], Any], prepared: list[Any], window: int) -> Pass:
    """A pass that transforms image after image."""

    def run(start: int) -> Iterator[Any]:
        for image in prepared[start : start + window]:
            yield transform(image)

    return run


def translate(ops: Ops, steps: Steps) -> list[Any]:
    """The library's own transforms for `ops`, one list after the other."""
    for op in ops:
        if type(op) not in steps:
            raise Unsupported(f"no {type(op).__name__}")
    return [made for op in ops for made in steps[type(op)](op)]


def has(ops: Ops, kind: type[Op], **values: Any) -> bool:
    """Whether an operation of this kind, with these values, is among `ops`."""
    return any(isinstance(op, kind) and all(getattr(op, k) == v for k, v in values.items()) for op in ops)
