"""Locks of a pool's folder: writers that fill it together share it, and a writer that changes it has it alone."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from augsynth.errors import CheckpointError

if sys.platform != "win32":
    import fcntl

LOCK_FILE = ".lock"
_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_PAUSE = 0.05
_UNSIGNED_FOR = 10.0


class FolderLock:
    """Lock of a folder, which the folder's own handle holds; it ends with the process, however that ends.

    Where a file system has no such locks, a file `.lock` names the writer, and writers take turns. The file of a killed
    writer is recognised on its own machine, and removed. On Windows there are no locks.

    Args:
        folder: the folder; it is created, with its parents, if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None
        self._has_turn = False

    def share(self) -> None:
        """Wait until no writer has the folder alone, and share it with others."""
        self._acquire(shared=True)

    def take(self) -> None:
        """Wait until no other writer has the folder, and have it alone."""
        self._acquire(shared=False)

    def release(self, made: Sequence[Path] = ()) -> None:
        """Let other writers go on.

        Args:
            made: folders to remove before, the innermost first, as far as they are empty.
        """
        if self._has_turn:
            self._has_turn = False
            with suppress(OSError):
                (self._folder / LOCK_FILE).unlink()
        for path in made:
            with suppress(OSError):
                path.rmdir()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _acquire(self, *, shared: bool) -> None:
        while not self._has_turn:
            self._folder.mkdir(parents=True, exist_ok=True)
            if sys.platform == "win32":
                return
            self._handle = os.open(self._folder, os.O_RDONLY) if self._handle is None else self._handle
            if not _flock(self._handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
                _wait_for_turn(self._folder / LOCK_FILE)
                self._has_turn = True
            elif self._folder.exists() and os.path.samestat(os.fstat(self._handle), os.stat(self._folder)):
                return
            else:
                self.release()  # the process that had the lock wrote nothing, and removed the folder


@contextmanager
def locked_file(file: Path, *, wait: bool) -> Iterator[int | None]:
    """Open a file, create it if necessary, and lock it for a block; yield None if another process has it.

    Args:
        file: the file. Where files cannot be locked, its folder must be locked.
        wait: wait for the other process.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        free = True
        if sys.platform != "win32":
            try:
                _flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                free = False
        yield handle if free else None
    finally:
        os.close(handle)


def _flock(handle: int, operation: int) -> bool:
    """Lock an open file; return False if its file system has no locks."""
    try:
        fcntl.flock(handle, operation)
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise
        return False
    return True


def _wait_for_turn(file: Path) -> None:
    """Create the lock file, as soon as no other writer that lives has it."""
    while True:
        try:
            with open(file, "x", encoding="utf-8") as stream:
                stream.write(f"{socket.gethostname()} {os.getpid()}")
            return
        except FileExistsError:
            with suppress(FileNotFoundError):
                _wait_or_remove(file)


def _wait_or_remove(file: Path) -> None:
    """Wait a moment for the writer that a lock file names, or remove the file if the writer has ended."""
    host, _, process = file.read_text(encoding="utf-8").rpartition(" ")
    if host == socket.gethostname() and process.isdigit():
        if _lives(int(process)):
            time.sleep(_PAUSE)
        else:
            file.unlink()
    elif host or time.time() - file.stat().st_mtime > _UNSIGNED_FOR:
        writer = f"process {process} on {host}" if host else "an unknown process"
        raise CheckpointError(f"{file.parent} is being written by {writer}; if that has ended, remove {file}")
    else:
        time.sleep(_PAUSE)  # its writer has created it, and not written its name yet


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it belongs to another user
        return True
    return True
