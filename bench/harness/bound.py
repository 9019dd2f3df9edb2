"""Memory bound: the time of the memory traffic of a case alone, measured among the libraries.

For each image, the share of it that a pipeline has to read is copied to a buffer that stays in the cache, and as
many bytes as the pipeline writes are copied from such a buffer to their place in the batch.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from harness.images import Image, ImageSet
from harness.ops import Crop, Ops, ResizedCrop
from harness.timing import Way

NAME = "memory bound"


def memory_bound(ops: Ops, images: ImageSet, batch: int, output_bytes: int) -> Way:
    """Return a way that only moves memory: `output_bytes` for each image, and the part of the image that is read."""
    parts = [image.reshape(-1)[: int(image.nbytes * read_share(ops, image))] for image in images.images]
    sink = np.zeros(max(part.nbytes for part in parts), np.uint8)
    source = np.ones(output_bytes, np.uint8)
    out = np.zeros((batch, output_bytes), np.uint8)

    def run(start: int) -> Iterator[Any]:
        for index in range(start, start + images.window):
            part = parts[index]
            sink[: part.nbytes] = part
            out[index % batch] = source
            yield None

    return run


def at_once(first: Way, second: Way) -> Way:
    """Both passes at the same time, each of which lets go of Python's lock while it copies."""
    pool = ThreadPoolExecutor(2)

    def run(start: int) -> Iterator[Any]:
        yield list(pool.map(lambda half: deque(half(start), maxlen=0), (first, second)))

    return run


def read_share(ops: Ops, image: Image) -> float:
    """Return the mean fraction of the image that is read."""
    share = 1.0
    for op in ops:
        if isinstance(op, ResizedCrop):
            share *= sum(op.scale) / 2
        elif isinstance(op, Crop) and not op.padding:
            share *= min(1.0, op.size**2 / (image.shape[0] * image.shape[1]))
    return share


clock: Callable[[], float] = time.thread_time
