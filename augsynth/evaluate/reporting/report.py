"""The report of any result: one HTML file that loads nothing, made from the stored form of the result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from augsynth.errors import DataError
from augsynth.evaluate.reporting.audit import audit_page
from augsynth.evaluate.reporting.card import card
from augsynth.evaluate.reporting.evaluation import evaluation_page
from augsynth.evaluate.reporting.experiment import experiment_page
from augsynth.evaluate.reporting.pages import write_page
from augsynth.evaluate.reporting.records import Record, Result
from augsynth.evaluate.reporting.sweep import sweep_page

REPORT, CARD = "report.html", "card.json"

PAGES: dict[str, Callable[[Record], str]] = {
    "sweep": sweep_page,
    "experiment": experiment_page,
    "evaluation": evaluation_page,
    "audit": audit_page,
}
"""Functions that make the page of a record, by the kind of its result."""


def write_report(result: Result, path: str | Path) -> Path:
    """Write the report of a sweep, an experiment, an audit or an evaluation, and return its path.

    Needs jinja2, matplotlib and Pillow (the `demo` extra). Names that are not UTF-8 are escaped.

    Args:
        result: the result.
        path: path of the HTML file (UTF-8); missing folders are created.
    """
    return write_page(render(Record.of(result)), path)


def write_results(result: Result, folder: str | Path, *, command: str = "") -> Path:
    """Write `results.json`, `pictures/`, `report.html` and `card.json`, and return the path of the report.

    Args:
        result: the result.
        folder: folder, which is created.
        command: command that makes the result again, for the report; default "" for none.
    """
    folder = Path(folder)
    record = Record.of(result, command)
    record.save(folder)
    return _write_pages(record, folder)


def rebuild_report(path: str | Path) -> Path:
    """Write `report.html` and `card.json` again from what `write_results` stored, and return the path of the report.

    Args:
        path: folder of the result, or its `results.json`.
    """
    folder = Path(path)
    return _write_pages(Record.load(folder), folder if folder.is_dir() else folder.parent)


def render(record: Record) -> str:
    """Return the report of a record as HTML.

    Args:
        record: the record.
    """
    kind = record.found["kind"]
    if kind not in PAGES:
        raise DataError(f"results of the kind {kind!r} have no report; known are {', '.join(PAGES)}")
    return PAGES[kind](record)


def _write_pages(record: Record, folder: Path) -> Path:
    report = write_page(render(record), folder / REPORT)
    (folder / CARD).write_text(json.dumps(card(record.found), indent=2) + "\n", encoding="utf-8")
    return report
