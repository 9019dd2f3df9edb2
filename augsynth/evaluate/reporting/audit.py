"""Report of an audit: what was found, with pictures of it."""

from __future__ import annotations

from augsynth.evaluate.reporting import parts
from augsynth.evaluate.reporting.pages import render
from augsynth.evaluate.reporting.records import Record


def audit_page(record: Record) -> str:
    """Return the report of an audit as HTML.

    Args:
        record: record of an `AuditResult`.
    """
    found = record.found
    return render(
        "audit.html",
        name=found["data"],
        found=found,
        version=found["provenance"]["augsynth"],
        pictures=parts.pictures(record, found["pictures"]),
        tables=parts.described(found),
    )
