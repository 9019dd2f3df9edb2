"""`augsynth plugins`: the installed generators, whether they load, and a package for a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from augsynth.cli.options import console

app = typer.Typer(help="List the installed generators, check them, and begin a new one.", no_args_is_help=True)


@app.command("list")
def list_plugins() -> None:
    """List the installed generators, without importing them.

    Example: `augsynth plugins list`
    """
    from augsynth.generators.registry import describe

    rows = describe()
    if not rows:
        console.print("no generators are installed; for example: pip install augsynth-vae")
        return
    table = Table(*(name for name in rows[0]))
    for row in rows:
        table.add_row(*map(Text, row.values()))
    console.print(table)


@app.command("check")
def check_plugins() -> None:
    """Load every generator, and print the traceback of each one that fails. The exit status is then 2.

    Example: `augsynth plugins check`
    """
    from augsynth.generators.registry import check

    results = check()
    for result in results:
        console.print(f"{result.info.full_name} {result.info.version}: {result.info.status}", markup=False)
        if result.traceback:
            console.print(result.traceback, style="red", markup=False, highlight=False)
    broken = sum(bool(result.traceback or result.info.rivals) for result in results)
    console.print(f"{len(results)} generators, {broken} with problems")
    raise typer.Exit(2 if broken else 0)


@app.command("new")
def new_plugin(
    name: Annotated[str, typer.Argument(help="Name of the generator: lower-case letters, digits and hyphens.")],
    kind: Annotated[
        str, typer.Option(help="`network`, trained step by step, or `sampler`, which learns from all images at once.")
    ] = "network",
    path: Annotated[
        Path | None, typer.Option(help="Folder of the package, which must not exist; by default augsynth-NAME.")
    ] = None,
) -> None:
    """Write a package with a small, complete generator and its tests, to be changed into one of your own.

    Example: `augsynth plugins new my-gan`
    """
    from augsynth.cli.new_plugin import write_plugin

    folder = write_plugin(name, kind, path)
    console.print(f'wrote {folder}; next: pip install -e "{folder}[testing]" && pytest {folder}', soft_wrap=True)
    console.print(f"then: augsynth fit --data digits --generator {name} --out model", soft_wrap=True)
