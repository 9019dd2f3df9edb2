"""Epochs of a mixed DataLoader with persistent workers: `python long_run_script.py FOLDER METHOD SECONDS`.

It prints a line of JSON about itself and its workers a second: batches so far, memory, open files, zombies and shared
memory. With 0 seconds it goes on until a signal ends it.
"""

from __future__ import annotations

import json
import multiprocessing
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


def status(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name: the state, the parent, …; none for a process that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    """Processes below a process at every depth, zombies included."""
    parents = {int(name): status(int(name))[1:2] for name in os.listdir("/proc") if name.isdigit()}
    found, last = [], [pid]
    while last:
        last = [child for child, parent in parents.items() if parent and int(parent[0]) in last]
        found += last
    return found


def memory(pid: int) -> int:
    """Bytes of a process, of which shared pages count by their share; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def shared_memory(pids: list[int]) -> list[str]:
    """Names in /dev/shm that belong to some processes: torch's names hold the process."""
    return [name for name in os.listdir("/dev/shm") if any(f"_{pid}_" in name for pid in pids)]


def state(batches: int, begin: float) -> dict[str, Any]:
    workers = [worker.pid for worker in multiprocessing.active_children() if worker.pid is not None]
    pids = [os.getpid(), *descendants(os.getpid())]
    return {
        "seconds": round(time.monotonic() - begin, 1),
        "batches": batches,
        "memory": sum(map(memory, pids)),
        "files": sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in (os.getpid(), *workers)),
        "zombies": sum(status(pid)[:1] == ["Z"] for pid in pids),
        "shared": len(shared_memory(pids)),
        "workers": workers,
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
            assert images.shape == (len(labels), 3, 32, 32)
            batches += 1
            if time.monotonic() - said >= 1:
                said = time.monotonic()
                print(json.dumps(state(batches, begin)), flush=True)
        epoch += 1
    del loader
    print(json.dumps(state(batches, begin)), flush=True)


if __name__ == "__main__":
    main()
