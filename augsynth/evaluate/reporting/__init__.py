"""Reports: results are stored as JSON and pictures, and one HTML page is made from what is stored."""

from __future__ import annotations

from augsynth.evaluate.reporting.report import rebuild_report, write_report, write_results

__all__ = ["rebuild_report", "write_report", "write_results"]
