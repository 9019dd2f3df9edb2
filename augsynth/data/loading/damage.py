"""Image files that cannot be read: found by decoding them, and left out of a listing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from augsynth.core.checks import check_choice
from augsynth.core.names import listed
from augsynth.data.loading.encoded import EncodedImage, Mode
from augsynth.data.loading.jpeg import require_simplejpeg
from augsynth.data.loading.listing import Listing
from augsynth.data.loading.pillow import require_pillow
from augsynth.errors import DataError
from augsynth.progress import progress_bar

OnError = Literal["raise", "skip"]
_BAR_FROM = 2000
_AT_ONCE = 500


def check_on_error(on_error: str) -> None:
    """Raise `ArgumentError` for everything but "raise" and "skip"."""
    check_choice("on_error", on_error, ("raise", "skip"))


def unreadable_files(files: Sequence[str], mode: Mode, progress: bool) -> dict[int, str]:
    """Decode all files, and return the message of the error for the number of each file that cannot be decoded.

    Args:
        files: paths.
        mode: mode to which they are converted.
        progress: True shows a progress bar for 2,000 files or more.
    """
    require_simplejpeg()  # without it, every file would count as damaged
    require_pillow()
    failures: dict[int, str] = {}
    with (
        progress_bar("checking images", len(files), progress and len(files) >= _BAR_FROM) as advance,
        ThreadPoolExecutor(os.cpu_count()) as threads,
    ):
        for first in range(0, len(files), _AT_ONCE):
            some = files[first : first + _AT_ONCE]
            messages = threads.map(_failure, some, [mode] * len(some))
            failures |= {first + number: message for number, message in enumerate(messages) if message is not None}
            advance(len(some))
    return failures


def _failure(path: str, mode: Mode) -> str | None:
    try:
        EncodedImage.read(path, mode).decode()
    except DataError as error:
        return str(error)
    return None


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
    first = next(iter(failures.values()))
    lost_files = [os.path.relpath(listing.files[number], root) for number in failures]
    note = f"{len(failures)} images in {root.name!r} cannot be read and were left out: {listed(lost_files)}; {first}"
    files, real = ([paths[number] for number in kept] for paths in (listing.files, listing.real))
    return replace(listing, files=files, real=real, labels=listing.labels[kept], notes=[*listing.notes, note])
