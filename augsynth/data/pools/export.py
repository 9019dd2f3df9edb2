"""Pools in the layouts of other tools: image folders, WebDataset tar files, parquet files of Hugging Face."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, get_args

from augsynth.core.arrays import unwrapped
from augsynth.core.checks import check_choice
from augsynth.core.files import is_data
from augsynth.data.pools.exporting.folder import write_folder
from augsynth.data.pools.exporting.items import ExportablePool, exported_items, require_pillow
from augsynth.data.pools.exporting.parquet import write_parquet
from augsynth.data.pools.exporting.tars import write_tars
from augsynth.data.pools.locks import LOCK_FILE, FolderLock
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, shown
from augsynth.progress import progress_bar

Format = Literal["imagefolder", "webdataset", "huggingface"]

_MAX_NAME_BYTES = 255
_MAX_CLASSES = 1_000_000


def export(
    pool: ExportablePool, folder: Path, format: Format, class_names: Iterable[str] | None, progress: bool
) -> None:
    """Write a pool into a folder; see `SyntheticPool.export`.

    Args:
        pool: the pool.
        folder: new or empty folder.
        format: "imagefolder", "webdataset" or "huggingface".
        class_names: names of the classes; None for numbers.
        progress: show a progress bar.
    """
    check_choice("format", format, get_args(Format))
    if pool.image_shape[0] not in (1, 3, 4):
        raise DataError(f"PNG files hold 1, 3 or 4 channels; the images of this pool have {pool.image_shape[0]}")
    require_pillow()
    names = _class_names(pool.largest_label() + 1, class_names)
    if format == "imagefolder" and pool.labels is not None:
        _check_folder_names(names)
    with (
        _whole_or_nothing(folder.absolute()) as part,
        progress_bar(f"exporting as {format}", len(pool), progress) as advance,
    ):
        items = exported_items(pool, advance)
        if format == "imagefolder":
            write_folder(items, part, names, pool.target_fields)
        elif format == "webdataset":
            write_tars(items, part, names if class_names is not None else None)
        else:
            write_parquet(items, len(pool), part, names, pool.labels is not None, pool.target_fields)


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`, which gets its name at the end, and is removed after an error.

    What a killed export left there is removed first. Where the folder itself cannot be replaced, because it is a mount
    point or the working folder, the temporary one is inside, and its content moves up.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    inside = folder.is_dir() and (os.path.ismount(folder) or folder.samefile("."))
    part = folder / ".partial" if inside else folder.with_name(f".{folder.name}.partial")
    lock = FolderLock(part)
    try:
        try:
            if folder.exists() and not folder.is_dir():
                raise NotADirectoryError(f"{folder} is a file")
            lock.take()
            if folder.exists() and any(is_data(path.name) for path in folder.iterdir()):
                raise DataError(f"{folder} is not empty; give a new folder")
            _clear(part)
            yield part
            _publish(part, folder)
        except BaseException:
            with suppress(OSError):
                _clear(part)
            lock.release([part, *made])
            raise
        lock.release()
    except OSError as error:
        raise DataError(f"cannot export into {folder}: {error}") from error


def _clear(part: Path) -> None:
    for path in part.iterdir():
        if path.name != LOCK_FILE:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _publish(part: Path, folder: Path) -> None:
    """Move what was written to its place: in one step, except where the folder itself has to stay."""
    (part / LOCK_FILE).unlink(missing_ok=True)
    if part.parent == folder:
        for path in part.iterdir():
            path.rename(folder / path.name)
        part.rmdir()
        return
    if folder.exists():
        for path in folder.iterdir():  # hidden files alone
            path.rename(part / path.name)
        folder.rmdir()
    part.rename(folder)


def _class_names(count: int, names: Iterable[Any] | None) -> list[str]:
    """Return a name for each class 0 … K−1; numbers get leading zeros, so that sorting keeps their order."""
    if count > _MAX_CLASSES:
        raise DataError(f"at most {_MAX_CLASSES} classes are exported; the labels of this pool reach {count - 1}")
    if names is None:
        return [f"{label:0{len(str(count - 1))}d}" for label in range(count)]
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        raise ArgumentTypeError(f"class_names must be a list of names, got {shown(names)}")
    given = [unwrapped(name) for name in names]
    text = [str(name) if isinstance(name, int) and not isinstance(name, bool) else name for name in given]
    if not all(isinstance(name, str) for name in text):
        raise ArgumentTypeError(f"class_names must be texts, got {shown(given)}")
    if len(text) < count or len(set(text)) < len(text):
        raise ArgumentError(f"class_names must be {count} different names, got {shown(text)}")
    return text


def _check_folder_names(names: Iterable[str]) -> None:
    """Raise `ArgumentError` for names that no folder can have, for hidden ones, and for names that look alike."""
    folded: dict[str, str] = {}
    for name in names:
        if not name or {"/", "\\", "\0"} & set(name) or not is_data(name) or len(_encoded(name)) > _MAX_NAME_BYTES:
            raise ArgumentError(
                f"no folder can have the name of the class {shown(name)}: a name is not empty or hidden, has no slash, "
                f"and at most {_MAX_NAME_BYTES} bytes; rename it with class_names"
            )
        alike = folded.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if alike != name:
            raise ArgumentError(
                f"the classes {shown(alike)} and {shown(name)} would be one folder where case, or the form of "
                "accented letters, makes no difference; rename one with class_names"
            )


def _encoded(name: str) -> bytes:
    try:
        return os.fsencode(name)
    except UnicodeEncodeError as cause:
        raise ArgumentError(f"the class name {shown(name)} is no text: {cause}") from cause
