"""Report of an evaluation: each score beside that of other real images."""

from __future__ import annotations

from augsynth.evaluate.reporting import parts
from augsynth.evaluate.reporting.pages import render
from augsynth.evaluate.reporting.records import Record


def evaluation_page(record: Record) -> str:
    """Return the report of an evaluation as HTML.

    Args:
        record: record of an `Evaluation`.
    """
    found = record.found
    return render(
        "evaluation.html",
        name=found["data"],
        found=found,
        number=parts.number,
        version=found["provenance"]["augsynth"],
        pictures=parts.pictures(record, found["pictures"]),
        tables=parts.described(found),
    )
