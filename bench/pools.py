"""A pool of 1,000,000 samples of 32x32 pixels: the time to open it, and random reads beside a memmap and PNG files.

    python bench/pools.py [--rounds 9] [--write]

It takes 2 GB of disk in the folder for temporary files, and 1 GB of memory. All ways take turns in one run, over the
same random positions, and deliver uint8 tensors. The pool has a million samples, the memmap, one plain `.npy` file, the
first 800,000 of them, and the folder of PNG files 10,000, whose positions are drawn among these. Everything was read
once before, so that the pages are in memory: the times are of the way, not of the disk.
"""

from __future__ import annotations

import gc
import io
import pickle
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import machine
from harness.script import print_table
from PIL import Image

from augsynth import SyntheticPool

RESULTS = Path(__file__).parent / "results" / "pools.md"
SAMPLES, MAPPED, FILES, SIDE = 1_000_000, 800_000, 10_000, 32
BATCH, BATCHES, PNG_BATCHES = 256, 200, 4

Read = Callable[[np.ndarray], Any]


def make(folder: Path, samples: int = SAMPLES, mapped: int = MAPPED, files: int = FILES) -> None:
    """Write the pool, the plain array and the PNG files, of the same images."""
    images = np.random.default_rng(0).integers(0, 256, (samples, SIDE, SIDE, 1), np.uint8)
    SyntheticPool.import_images(folder / "pool", (images, np.arange(samples) % 10), progress=False)
    np.save(folder / "plain.npy", images[:mapped, ..., 0][:, None])
    (folder / "png").mkdir()
    for number in range(files):
        Image.fromarray(images[number, ..., 0]).save(folder / "png" / f"{number:06d}.png")


def ways(folder: Path) -> dict[str, tuple[Read, int, int]]:
    """Return each way with the number of its images, and the number of batches in a turn."""
    pool = SyntheticPool.open(folder / "pool")
    plain = np.load(folder / "plain.npy", mmap_mode="r")
    labels = np.arange(len(plain)) % 10
    files = sorted((folder / "png").iterdir())

    def decoded(position: int) -> torch.Tensor:
        return torch.from_numpy(np.array(Image.open(io.BytesIO(files[position].read_bytes()))))

    return {
        "pool.take(positions)": (lambda where: pool.take(where).images, len(pool), BATCHES),
        "memmap[positions]": (
            lambda where: (torch.from_numpy(plain[where]), torch.from_numpy(labels[where]))[0],
            len(plain),
            BATCHES,
        ),
        "[pool[i] for i in positions]": (lambda where: [pool[i] for i in where.tolist()], len(pool), BATCHES),
        "[memmap[i] for i in positions]": (
            lambda where: [torch.from_numpy(plain[i].copy()) for i in where.tolist()],
            len(plain),
            BATCHES,
        ),
        "PNG files": (lambda where: [decoded(i) for i in where.tolist()], len(files), PNG_BATCHES),
    }


def opening(folder: Path) -> dict[str, float]:
    """Return the milliseconds of CPU time to open the pool, to read a first item, and to send it to a worker."""
    gc.collect()
    started = time.process_time()
    pool = SyntheticPool.open(folder / "pool")
    opened = time.process_time()
    pool[len(pool) // 2]
    read = time.process_time()
    pickle.loads(pickle.dumps(pool))
    unpickled = time.process_time()
    seconds = {"open": opened - started, "first item": read - opened, "in a worker": unpickled - read}
    return {name: 1e3 * value for name, value in seconds.items()}


def measure(rounds: int, make_all: Callable[[Path], None] = make) -> str:
    """Return the tables, medians of some rounds in turns."""
    with tempfile.TemporaryDirectory(prefix="augsynth-bench-pools-") as name:
        folder = Path(name)
        make_all(folder)
        reads = ways(folder)
        opened: list[dict[str, float]] = []
        speeds: dict[str, list[float]] = {way: [] for way in reads}
        for turn in range(rounds + 1):  # the first one warms up
            opened.append(opening(folder))
            for way, (read, count, batches) in reads.items():
                where = np.random.default_rng(turn).integers(0, count, (batches, BATCH))
                started = time.process_time()
                for positions in where:
                    read(positions)
                speeds[way].append(batches * BATCH / (time.process_time() - started))
        medians = {way: statistics.median(values[1:]) for way, values in speeds.items()}
        times = {what: statistics.median(entry[what] for entry in opened[1:]) for what in opened[0]}
        return _text(rounds, len(SyntheticPool.open(folder / "pool")), times, medians)


def _text(rounds: int, samples: int, times: dict[str, float], speeds: dict[str, float]) -> str:
    where = machine.describe()
    lines = [
        "# A large pool",
        "",
        f"{samples:,} samples of 1x32x32 bytes in a pool. CPU time, the median of {rounds} rounds in turns.",
        "",
        "| | milliseconds |",
        "|---|---|",
        *(f"| {what} | {value:.1f} |" for what, value in times.items()),
        "",
        f"Random reads, in batches of {BATCH}:",
        "",
        "| way | samples/s | of memmap[positions] |",
        "|---|---|---|",
        *(f"| `{way}` | {speed:,.0f} | {speed / speeds['memmap[positions]']:.2f} |" for way, speed in speeds.items()),
        "",
        f"{where['processor']}, one thread, torch {torch.__version__}, {where['date']}, load {machine.load()}. Written "
        "by bench/pools.py.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print_table(__doc__, RESULTS, 9, measure)
