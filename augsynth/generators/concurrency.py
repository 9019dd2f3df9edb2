"""Protection of a generator that one thread fits against its use in another thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from augsynth.errors import ArgumentError

_FITTING: dict[int, int] = {}


@contextmanager
def fitting(generator: Any) -> Iterator[None]:
    """Mark a generator as being fitted by this thread, for a block.

    Args:
        generator: the generator.
    """
    _FITTING.setdefault(id(generator), threading.get_ident())
    refuse_while_fitting(generator)
    try:
        yield
    finally:
        _FITTING.pop(id(generator), None)


def refuse_while_fitting(generator: Any) -> None:
    """Raise `ArgumentError` if another thread fits a generator, because its networks are changing.

    Args:
        generator: the generator.
    """
    if _FITTING.get(id(generator), threading.get_ident()) != threading.get_ident():
        raise ArgumentError(
            f"generator {generator.name!r} is being fitted in another thread; wait until its fit() returns, or make "
            "another generator"
        )


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_FITTING.clear)  # the other threads are gone in a forked child
