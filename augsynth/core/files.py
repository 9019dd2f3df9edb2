"""Files: opened only if they are regular, written as a whole or not at all; names that systems leave behind."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_LEFT_BEHIND = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir"}
    | {"$recycle.bin", "system volume information", "lost+found"}
)
_KINDS = {stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
_DO_NOT_WAIT = getattr(os, "O_NONBLOCK", 0)


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading, in binary; `OSError` if it is no regular file.

    Reading a FIFO would wait for its writer, and `/dev/zero` never ends.

    Args:
        path: the file.

    >>> open_file("/dev/null")
    Traceback (most recent call last):
    OSError: [Errno 22] expected a file, found a device: '/dev/null'
    """
    stream = open(os.fspath(path), "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    kind = stat.S_IFMT(os.fstat(stream.fileno()).st_mode)
    if kind != stat.S_IFREG:
        stream.close()
        raise OSError(errno.EINVAL, f"expected a file, found a {_KINDS.get(kind, 'thing of another kind')}", str(path))
    return stream


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | _DO_NOT_WAIT)


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """Write a file in a block: after it, the whole file is on the disk; after a failure, the former one still is.

    A writer that is killed leaves `partial_file(file)` at most, which the next writer replaces. A link of that name is
    replaced, too, and not followed.

    Args:
        file: the path of the file, in a folder that exists.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "a.txt") as stream:
    ...         _ = stream.write(b"text")
    ...     print([file.name for file in Path(folder).iterdir()])
    ['a.txt']
    """
    partial = partial_file(file)
    try:
        with suppress(FileNotFoundError):
            partial.unlink()
        with open(partial, "xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, file)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    _sync_folder(file.parent)


def partial_file(file: Path) -> Path:
    """Return the file that `replacing` writes to, before it gets the name of `file`.

    >>> str(partial_file(Path("pool/manifest.json")))
    'pool/.manifest.json.partial'
    """
    return file.with_name(f".{file.name}.partial")


def _sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut, where the system can do that."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits; `OSError` if it cannot be read."""
    with open_file(file) as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(2**20):
            digest.update(chunk)
        return digest.hexdigest()


def is_data(name: str) -> bool:
    """Return whether the file or folder of this name may be data: not if it is hidden or left behind by a system.

    >>> [name for name in ("cat.png", "._cat.png", ".ipynb_checkpoints", "Thumbs.db", "__MACOSX") if is_data(name)]
    ['cat.png']
    """
    return not name.startswith(".") and name.lower() not in _LEFT_BEHIND
