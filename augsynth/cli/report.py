"""`augsynth report`: the page of a stored result, made again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augsynth.cli.options import console


def report(
    path: Annotated[
        Path, typer.Argument(help="Folder that sweep, demo, audit or evaluate has written, or its results.json.")
    ],
) -> None:
    """Write report.html and card.json of a stored result again.

    Example: `augsynth report out/sweep`
    """
    from augsynth.evaluate import rebuild_report

    console.print(f"Report: {rebuild_report(path).resolve()}", soft_wrap=True)
