"""Filling a pool on a Ray cluster: workers draw shards in any order, and this process writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from augsynth.errors import PluginError
from augsynth.generators import Samples


class Engine(Protocol):
    """Way of drawing the shards of a pool, other than one after the other in this process."""

    def draw(self, samples: Callable[[int], Samples], numbers: Iterable[int]) -> Iterator[tuple[int, Samples]]:
        """Yield the samples of each shard with its number, in any order.

        Args:
            samples: function that draws a shard by its number; it can be pickled.
            numbers: numbers of the shards.
        """


@dataclass(frozen=True)
class RayEngine:
    """Workers of a Ray cluster that draw the shards of a pool; for `engine` of `SyntheticPool.create`.

    The workers need augsynth and the generator's package, and no file system in common: this process writes the shards,
    which are those that it would have drawn itself. Ray repeats the work of a worker that dies. Twice as many shards as
    workers are in memory at most. If Ray is not initialised, it is started on this machine. It needs
    `pip install augsynth[ray]`.

    Args:
        workers: number of shards that are drawn at the same time, at least 1; default 2.
        num_cpus: CPUs for each of them; default 1.
        num_gpus: GPUs for each of them; default 0. With one, pass `device="cuda"` to `create`.

    >>> engine = RayEngine(workers=8, num_gpus=1)
    >>> SyntheticPool.create("pool", generator, 1_000_000, engine=engine, device="cuda")  # doctest: +SKIP
    """

    workers: int = 2
    num_cpus: float = 1
    num_gpus: float = 0

    def draw(self, samples: Callable[[int], Samples], numbers: Iterable[int]) -> Iterator[tuple[int, Samples]]:
        """Yield the samples of each shard with its number, in the order in which they are ready.

        Args:
            samples: function that draws a shard by its number.
            numbers: numbers of the shards.
        """
        ray = _ray()
        if not ray.is_initialized():
            ray.init(log_to_driver=False)
        task = ray.remote(_draw).options(num_cpus=self.num_cpus, num_gpus=self.num_gpus)
        function, queue = ray.put(samples), iter(numbers)
        drawn = {task.remote(function, number): number for number in islice(queue, 2 * self.workers)}
        try:
            while drawn:
                [ready], _ = ray.wait(list(drawn), num_returns=1)
                number = drawn.pop(ready)
                yield number, ray.get(ready)
                del ready  # its memory in the store
                for following in islice(queue, 1):
                    drawn[task.remote(function, following)] = following
        finally:
            for waiting in drawn:
                ray.cancel(waiting, force=True)


def _draw(samples: Callable[[int], Samples], number: int) -> Samples:
    return samples(number)


def _ray() -> Any:
    try:
        import ray
    except ImportError as cause:
        raise PluginError('filling a pool on a cluster needs Ray: pip install "augsynth[ray]"') from cause
    return ray
