"""`augsynth plugins`: the installed generators, and whether they load."""

from __future__ import annotations

import typer
from rich.table import Table
from rich.text import Text

from augsynth.cli.options import console

app = typer.Typer(help="List the installed generators, and check that they load.", no_args_is_help=True)


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
