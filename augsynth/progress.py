"""Progress bars, all with one look: the work done, the total, and the time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Advance(Protocol):
    """Function that reports finished work: `advance(steps, note)`; the bar shows `note` at its end."""

    def __call__(self, steps: int = 1, note: str = "") -> None: ...


@contextmanager
def progress_bar(description: str, total: int, enabled: bool = True) -> Iterator[Advance]:
    """Show a bar on the terminal while the block runs.

    Args:
        description: text before the bar.
        total: number of steps.
        enabled: whether the bar is shown.

    >>> with progress_bar("fitting", total=3, enabled=False) as advance:
    ...     for _ in range(3):
    ...         advance(1, "loss 0.1")
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, disable=not enabled) as bar:
        task = bar.add_task(description, total=total, note="")

        def advance(steps: int = 1, note: str = "") -> None:
            bar.update(task, advance=steps, note=note)

        yield advance
