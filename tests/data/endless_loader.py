"""Epochs of a mixed DataLoader with persistent workers, as a program: `python endless_loader.py folder method seconds`.

It prints a line of JSON a second: batches so far, memory, open files, zombies and shared memory of itself and its
workers. With 0 seconds it goes on until a signal ends it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

import augsynth
from augsynth import transforms as T
from augsynth.data import DecodingTransform, EncodedImageFolder, SyntheticMixDataset, SyntheticPool

WORKERS = 2


def children(pid: int) -> list[int]:
    """Processes that a process has started, zombies included."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                status = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found += [int(entry)] if int(status[1]) == pid else []
    return found


def descendants(pid: int) -> list[int]:
    """Processes below a process, at every depth."""
    below = children(pid)
    return below + [deeper for child in below for deeper in descendants(child)]


def proportional_memory(pid: int) -> int:
    """Bytes of a process, of which shared pages count by their share; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    except (OSError, StopIteration):
        return 0


def shared_memory(pids: list[int]) -> list[str]:
    """Names in /dev/shm that belong to some processes: torch's names hold the process."""
    marks = [f"_{pid}_" for pid in pids]
    return [name for name in os.listdir("/dev/shm") if any(mark in name for mark in marks)]


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def state(batches: int, begin: float) -> dict[str, Any]:
    pids = [os.getpid(), *descendants(os.getpid())]
    return {
        "seconds": round(time.monotonic() - begin, 1),
        "batches": batches,
        "memory": sum(map(proportional_memory, pids)),
        "files": [len(os.listdir(f"/proc/{pid}/fd")) for pid in (os.getpid(), *children(os.getpid()))],
        "zombies": sum(map(is_zombie, pids)),
        "shared": len(shared_memory(pids)),
        "workers": children(os.getpid()),
    }


def make_loader(folder: Path, method: str) -> tuple[SyntheticMixDataset, Any]:
    pipeline = T.Compose([T.RandomResizedCrop(32), T.RandomHorizontalFlip(), T.GaussianNoise(sigma=3.0)])
    mix = SyntheticMixDataset(
        EncodedImageFolder(folder / "photos"),
        SyntheticPool.open(folder / "pool"),
        ratio=0.5,
        transform=DecodingTransform(pipeline),
        seed=1,
    )
    loader = DataLoader(
        mix,
        16,
        num_workers=WORKERS,
        persistent_workers=True,
        shuffle=True,
        collate_fn=augsynth.collate,
        multiprocessing_context=method,
    )
    return mix, loader


def main() -> None:
    folder, method, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    mix, loader = make_loader(folder, method)
    begin, batches, said, epoch = time.monotonic(), 0, -1.0, 0
    while not seconds or time.monotonic() - begin < seconds:
        mix.set_epoch(epoch)
        for images, labels in loader:
            assert images.shape[1:] == (3, 32, 32)
            assert len(labels) == len(images)
            batches += 1
            if time.monotonic() - said >= 1:
                said = time.monotonic()
                print(json.dumps(state(batches, begin)), flush=True)
        epoch += 1
    del loader
    print(json.dumps(state(batches, begin)), flush=True)


if __name__ == "__main__":
    main()
