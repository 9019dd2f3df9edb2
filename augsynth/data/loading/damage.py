"""Image files that cannot be read: found by decoding them, and left out of a listing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from augsynth.core.checks import check_choice
from augsynth.core.names import listed
from augsynth.data.loading.jpeg import require_simplejpeg
from augsynth.data.loading.listing import Listing
from augsynth.data.loading.paths import FilePaths
from augsynth.data.loading.pillow import require_pillow
from augsynth.errors import DataError
from augsynth.progress import progress_bar

OnError = Literal["raise", "skip"]
_BAR_FROM = 2000
_AT_ONCE = 500


def check_on_error(on_error: str) -> None:
    """Raise `ArgumentError` for everything but "raise" and "skip"."""
    check_choice("on_error", on_error, ("raise", "skip"))


def unreadable(count: int, check: Callable[[int], object], progress: bool) -> dict[int, str]:
    """Check all items of a data set, and return the message of the `DataError` for the number of each damaged one.

    Args:
        count: number of items.
        check: function of the number of an item, which raises `DataError` if the item cannot be read.
        progress: True shows a progress bar for 2,000 items or more.
    """
    require_simplejpeg()  # without it, every file would count as damaged
    require_pillow()

    def failure(number: int) -> str | None:
        try:
            check(number)
        except DataError as error:
            return str(error)
        return None

    failures: dict[int, str] = {}
    with (
        progress_bar("checking images", count, progress and count >= _BAR_FROM) as advance,
        ThreadPoolExecutor(os.cpu_count()) as threads,
    ):
        for first in range(0, count, _AT_ONCE):
            some = range(first, min(count, first + _AT_ONCE))
            messages = zip(some, threads.map(failure, some), strict=True)
            failures |= {number: message for number, message in messages if message is not None}
            advance(len(some))
    return failures


def failures_note(failures: Mapping[int, str], files: Sequence[str] | FilePaths, root: Path) -> list[str]:
    """Return a note about the items that cannot be read, if there are any.

    Args:
        failures: their messages by their numbers.
        files: paths of all items.
        root: folder of the data set.
    """
    if not failures:
        return []
    paths = [os.path.relpath(files[number], root) for number in failures]
    first = next(iter(failures.values()))
    return [f"{len(paths)} images in {root.name!r} cannot be read and were left out: {listed(paths)}; {first}"]


def without(listing: Listing, failures: Mapping[int, str], root: Path, names: Sequence[str]) -> Listing:
    """Return a listing without some files, with a note; raise `DataError` for a class of which nothing is left.

    Args:
        listing: the files.
        failures: messages of the files that cannot be read, by their numbers.
        root: folder of the data set.
        names: names of all classes.
    """
    if not failures:
        return listing
    kept = np.setdiff1d(np.arange(len(listing.files)), list(failures))
    lost = np.setdiff1d(listing.labels, listing.labels[kept])
    if len(lost):
        message = next(text for number, text in failures.items() if listing.labels[number] == lost[0])
        raise DataError(f"no image of class {names[lost[0]]!r} in {root.name!r} can be read: {message}")
    note = failures_note(failures, listing.files, root)
    files, real = ([paths[number] for number in kept] for paths in (listing.files, listing.real))
    return replace(listing, files=files, real=real, labels=listing.labels[kept], notes=[*listing.notes, *note])
