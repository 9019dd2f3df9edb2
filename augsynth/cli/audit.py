"""`augsynth audit`: copies, duplicates, leaks, doubtful labels and odd images of a pool, a folder or an archive."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from augsynth.cli.options import ImageSize, Seed, command_line, console, load_images

if TYPE_CHECKING:
    from augsynth.evaluate import AuditResult

FOUND = 1
_SHOWN = 8


def audit(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(help="A pool, a folder of images (or of train/ and test/), an .npz file, or `digits`."),
    ],
    real: Annotated[
        str | None, typer.Option(help="Real images that a generator was fitted on, if DATA are its samples.")
    ] = None,
    held_out: Annotated[
        str | None, typer.Option(help="Real images that the generator never saw: a random part of all.")
    ] = None,
    test: Annotated[
        str | None, typer.Option(help="Images of the test split; by default those in a test/ folder.")
    ] = None,
    tolerated: Annotated[
        float, typer.Option(help="Share of near-duplicates, doubtful labels and odd images that is only a note.")
    ] = 0.01,
    steps: Annotated[
        int, typer.Option(min=0, help="Steps of training each classifier; 0 leaves the labels out.")
    ] = 300,
    image_size: ImageSize = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for a report with pictures of the findings.")] = None,
    seed: Seed = 0,
) -> int:
    """Check data before a classifier learns from them.

    The audit looks for near-copies of real images in a pool, for duplicates, for images that are in train and test, for
    doubtful labels, and for odd images. The exit status is 0 if nothing was found, 1 if something was, and 2 for a
    mistake in the command. --image-size applies to folders and archives.

    Example: `augsynth audit pool --real photos/train --test photos/test`
    """
    from augsynth.evaluate import audit as run_audit
    from augsynth.evaluate import write_results

    sources = {"data": data, "real": real, "held_out": held_out, "test": test}
    loaded = {name: load_images(source, image_size) for name, source in sources.items() if source is not None}
    result = run_audit(loaded.pop("data"), **loaded, tolerated=tolerated, steps=steps, seed=seed)
    if as_json:
        print(json.dumps(result.to_dict(), indent=1))
    else:
        _print(result)
    if out is not None:
        report = write_results(result, out, command=command_line(context))
        print(f"report: {report.resolve()}", file=sys.stderr)
    return FOUND if result.found else 0


def _print(result: AuditResult) -> None:
    listed = ", ".join(f"{size} {name}" for name, size in result.sizes.items())
    console.print(f"images: {listed}", soft_wrap=True)
    if result.findings:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for heading in ("check", "where", "items", "finding"):
            table.add_column(heading)
        for finding in result.findings:
            table.add_row(
                finding.check,
                finding.where,
                _some(finding.items.tolist()),
                finding.sentence if finding.matters else f"note: {finding.sentence}",
                style=None if finding.matters else "dim",
            )
        console.print(table)
    for note in result.notes:
        console.print(f"note: {note}", soft_wrap=True)
    serious = sum(finding.matters for finding in result.findings)
    console.print(f"findings that matter: {serious}" if serious else "clean: nothing that matters was found")


def _some(items: list[int]) -> str:
    return ", ".join(map(str, items[:_SHOWN])) + (", …" if len(items) > _SHOWN else "")
