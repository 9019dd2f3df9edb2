"""Memory and time of a mix beside its data sets: to build it, to keep it, and to read an item.

    python bench/mix_memory.py [--write]

The data sets are virtual: they hold labels, and give one picture again and again. So everything that is measured is the
mix itself. Bytes are those that NumPy allocates (tracemalloc). The build is in CPU seconds, the best of three. "source"
is the CPU time to decide where an item comes from, and "read" all the CPU time of an item over reading the same items
from their data sets, both in a batch of 64, the quickest of many.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from harness import machine
from harness.script import print_table

from augsynth import SyntheticMixDataset

RESULTS = Path(__file__).parent / "results" / "mix_memory.md"
ITEMS, VIRTUAL = 10_000_000, 100_000_000
CLASSES = 10
BATCH = 64
RUNS = 2000


class Virtual:
    """Data set of any length without memory for its items.

    Args:
        count: number of items.
        labels: class of each item; None for a data set that states none.
    """

    def __init__(self, count: int, labels: Any = None) -> None:
        self._item = (np.zeros((8, 8, 3), np.uint8), 0)
        self._count = count
        if labels is not None:
            self.labels = labels

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Any:
        image, label = self._item
        return image, int(self.labels[index]) if hasattr(self, "labels") else label


def labelled(count: int, seed: int) -> Virtual:
    return Virtual(count, np.random.default_rng(seed).integers(0, CLASSES, count))


def by_class(count: int) -> Callable[[], SyntheticMixDataset]:
    real, synthetic = labelled(count, 0), labelled(count, 1)
    return lambda: SyntheticMixDataset(real, synthetic, ratio=0.3)


def by_class_in_lists(count: int) -> Callable[[], SyntheticMixDataset]:
    real, synthetic = (Virtual(count, labelled(count, seed).labels.tolist()) for seed in (0, 1))
    return lambda: SyntheticMixDataset(real, synthetic, ratio=0.3)


def several(count: int) -> Callable[[], SyntheticMixDataset]:
    real, sources = labelled(count, 0), {name: labelled(count, k) for k, name in enumerate("ab", 1)}
    return lambda: SyntheticMixDataset(real, sources, ratio={"a": 0.2, "b": 0.1})


def balanced(count: int) -> Callable[[], SyntheticMixDataset]:
    real, synthetic = labelled(count, 0), labelled(count, 1)
    return lambda: SyntheticMixDataset(real, synthetic, ratio=0.3, balance="classes")


def free(count: int) -> Callable[[], SyntheticMixDataset]:
    real, synthetic = Virtual(count), Virtual(count)
    return lambda: SyntheticMixDataset(real, synthetic, ratio=0.3, pairing="free")


def index(count: int) -> Callable[[], SyntheticMixDataset]:
    real, synthetic = Virtual(count), Virtual(2 * count)
    return lambda: SyntheticMixDataset(real, synthetic, ratio=0.3, pairing="index")


CASES: dict[str, tuple[Callable[[int], Callable[[], SyntheticMixDataset]], int]] = {
    "class": (by_class, 2),
    "class, lists": (by_class_in_lists, 2),
    "class, two sources": (several, 3),
    "class, balanced": (balanced, 2),
    "index, two variants": (index, 3),
    "free": (free, 2),
}
"""Cases by name: a function that prepares the data sets for a number of real items and returns one that builds the mix,
and the number of items of all its data sets for each real one. Those with a class store labels, the others nothing."""


COLUMNS = (
    "items for each real one",
    "real items",
    "kept, bytes a real item",
    "peak, bytes a real item",
    "build, CPU s",
    "source, µs an item",
    "read, µs an item",
)


def memory(build: Callable[[], Any]) -> tuple[int, int]:
    """Return the bytes that are kept after a build, and at its peak."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    mix = build()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del mix
    return kept - before, peak - before


def seconds(run: Callable[[], Any], runs: int) -> float:
    """Return the CPU seconds of the quickest of some runs."""
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def per_item(mix: SyntheticMixDataset) -> tuple[float, float]:
    """Return microseconds an item of a batch: of its source alone, and of all that is beside reading the data set."""
    positions = np.random.default_rng(0).permutation(len(mix))[:BATCH]
    batch = positions.tolist()
    assignment = mix.assignment()
    numbers, items = (array.tolist() for array in assignment.sources(positions))
    sources = [mix.real, *(mix.synthetic.values() if isinstance(mix.synthetic, dict) else [mix.synthetic])]
    rule = seconds(lambda: assignment.sources(positions), RUNS)
    bare = seconds(lambda: [sources[number][item] for number, item in zip(numbers, items, strict=True)], RUNS)
    read = seconds(lambda: mix.__getitems__(batch), RUNS) - bare
    return rule / BATCH * 1e6, read / BATCH * 1e6


def row(name: str, rounds: int) -> str:
    """Return the row of a case, whose mix is built some times."""
    prepare, sets = CASES[name]
    count = ITEMS if "class" in name else VIRTUAL
    build = prepare(count)
    kept, peak = memory(build)
    numbers = (kept / count, peak / count, seconds(build, rounds), *per_item(build()))
    return f"| {name} | {sets} | {count:,} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |"


def measure(rounds: int) -> str:
    """Return the table."""
    where = machine.describe()
    lines = [
        "# A mix beside its data sets",
        "",
        "CPU time, the least of several runs.",
        "",
        "| pairing | " + " | ".join(COLUMNS) + " |",
        "|---" * (1 + len(COLUMNS)) + "|",
        *(row(name, rounds) for name in CASES),
        "",
        f"{where['processor']}, one thread, {where['date']}, load {machine.load()}. Written by bench/mix_memory.py.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print_table(__doc__, RESULTS, 3, measure)
