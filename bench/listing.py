"""CPU time to list an image folder, beside the algorithm of torchvision's `ImageFolder`.

    python bench/listing.py [--files 50000] [--write]

Empty files are made in a temporary folder, flat (`class/file`) and nested (`class/part/file`). `EncodedImageFolder`,
the listing of `load_dataset`, and torchvision's algorithm (`os.walk`, sorting, a test of suffixes) have turns in one
process; each has seven. The folder's entries are in the cache of the system.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from augsynth.data import EncodedImageFolder
from augsynth.data.loading.listing import ClassFolders, list_files

CLASSES, TURNS = 50, 7
RESULTS = Path(__file__).parent / "results" / "listing.md"
SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def as_torchvision_does(root: Path) -> list[tuple[str, int]]:
    """List `(path, class)` with the steps of torchvision 0.29: `os.walk`, all names sorted and tested."""
    classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    samples = []
    for label, name in enumerate(classes):
        for folder, _, files in sorted(os.walk(os.path.join(root, name), followlinks=True)):
            for file in sorted(files):
                path = os.path.join(folder, file)
                if path.lower().endswith(SUFFIXES):
                    samples.append((path, label))
    return samples


def as_load_dataset_does(root: Path) -> Any:
    """List the files as `load_dataset` does before it decodes them."""
    part = ClassFolders.read(root)
    return list_files(part, tuple(part.folders)).files


WAYS: dict[str, Callable[[Path], Any]] = {
    "torchvision's algorithm": as_torchvision_does,
    "`EncodedImageFolder`": EncodedImageFolder,
    "`load_dataset`, listing": as_load_dataset_does,
}


def make_tree(root: Path, files: int, parts: int) -> Path:
    """Make empty files in class folders, each with a number of folders in it, or none."""
    for number in range(files):
        folder = root / f"class{number % CLASSES:03d}"
        folder = folder / f"part{number // CLASSES % parts}" if parts else folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:07d}.jpg").touch()
    return root


def measure(root: Path) -> dict[str, float]:
    """Return the median CPU seconds of each way, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    lengths = {len(way(root)) for way in WAYS.values()}
    assert len(lengths) == 1, lengths
    for _ in range(TURNS):
        for name, way in WAYS.items():
            begin = time.process_time()
            way(root)
            times[name].append(time.process_time() - begin)
    return {name: median(taken) for name, taken in times.items()}


def main() -> None:
    """Measure, print, and write the results if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=50_000, help="number of files, in 50 classes; default 50,000")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    arguments = parser.parse_args()
    columns = {}
    with tempfile.TemporaryDirectory() as folder:
        for form, parts in (("flat", 0), ("nested", 10)):
            columns[form] = measure(make_tree(Path(folder) / form, arguments.files, parts))
    lines = [f"| {arguments.files:,} files | flat | nested |", "| --- | --- | --- |"]
    lines += [f"| {name} | {columns['flat'][name]:.3f} s | {columns['nested'][name]:.3f} s |" for name in WAYS]
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        head = "Written by `python bench/listing.py --write`: median CPU time of seven turns."
        RESULTS.write_text(f"# Listing an image folder\n\n{head}\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
