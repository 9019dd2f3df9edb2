"""Entry of the command: the list of commands, and exit statuses for errors."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import typer

from augsynth.cli import audit, convert, demo, evaluate, generate, info, plugins, pools, preview, report, sweep
from augsynth.errors import AugsynthError

USAGE, INTERRUPTED = 2, 130

app = typer.Typer(
    name="augsynth",
    help="Augmentation and synthetic data for vision models that have too little training data.",
    epilog="Begin with: augsynth demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("sweep")(sweep.sweep)
app.command("fit")(generate.fit)
app.command("sample")(generate.sample)
app.command("preview")(preview.preview)
app.command("evaluate")(evaluate.evaluate)
app.command("audit")(audit.audit)
app.command("report")(report.report)
app.command("convert")(convert.convert)
app.command("info")(info.info)
app.add_typer(plugins.app, name="plugins")
app.add_typer(pools.app, name="pool")


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status: 0, or 2 with one line on stderr for an error that the user can correct.

    `augsynth audit` returns 1 if it found something.

    Without arguments, a group of commands prints its help. Every other error is a fault of augsynth: it propagates, and
    Python ends with a traceback and status 1.

    Args:
        arguments: arguments of the command; default those of the process.
    """
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show must not end a long computation
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Before torch is loaded: otherwise its idle threads spin, and take time from others on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        status: Any = app(arguments, standalone_mode=False, obj=sys.argv[1:] if arguments is None else arguments)
    except AugsynthError as error:
        return _complain(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        return _complain(f"{error.strerror}: {error.filename}")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        message = _usage_message(error)
        if message is None:
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stdout.write(message)
            return 0
        return _complain(message or type(error).__name__)
    return status if isinstance(status, int) else 0


def _usage_message(error: Exception) -> str | None:
    """Return the text of an error of typer. Supported versions have its classes in different modules."""
    describe = getattr(error, "format_message", None)
    if describe is None:
        return "interrupted" if type(error).__name__ == "Abort" else None
    return str(describe())


def _complain(message: str) -> int:
    one_line = " ".join(message.split())
    print(f"error: {one_line}", file=sys.stderr)
    return USAGE
