"""Report of an experiment, in one setting or several."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from statistics import fmean
from typing import Any

from augsynth.evaluate.figures import RatioPoint, ratio_plot
from augsynth.evaluate.intervals import Interval
from augsynth.evaluate.metrics import METRICS
from augsynth.evaluate.reporting import parts
from augsynth.evaluate.reporting.pages import percent, render
from augsynth.evaluate.reporting.records import Record

_TONES = {"helped": "good", "made it worse": "bad", "no clear difference": "even"}


def experiment_page(record: Record) -> str:
    """Return the report of an experiment as HTML.

    Args:
        record: record of an `ExperimentResult`, or of `Experiments`.
    """
    found = record.found
    settings = [found, *found.get("other settings", ())]
    return render(
        "report.html",
        name=found["data"],
        version=found["provenance"]["augsynth"],
        parts=[_view(record, setting) for setting in settings],
        explanation=found.get("explanation", ""),
        reproduce=found["reproduce"],
        tone=_TONES.__getitem__,
    )


def table_rows(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the table of results as text, with a row an arm.

    `change`, `change_range` and `verdict` are empty for arms without synthetic images.

    Args:
        found: the stored result.
    """
    return [_row(arm) for arm in found["arms"]]


def _row(arm: Mapping[str, Any]) -> dict[str, str]:
    low, _, high = arm["accuracy_interval"]
    row = {
        "name": arm["name"],
        **{name: percent(fmean(arm[name])) for name in METRICS},
        "accuracy_range": parts.bounds(low, high, share=True),
        "change": "",
        "change_range": "",
        "verdict": "",
    }
    if "change" in arm:
        low, mean, high = arm["change"]["interval"]
        row |= {"change": f"{100 * mean:+.1f}", "change_range": parts.bounds(low, high)}
        row["verdict"] = arm["change"]["verdict"]
    return row


def _view(record: Record, found: Mapping[str, Any]) -> dict[str, Any]:
    settings, names = found["settings"], found["class names"]
    real_only, baseline, *synthetic = found["arms"]
    best = max(synthetic, key=lambda arm: arm["change"]["interval"][1])
    return {
        "found": found,
        "rows": table_rows(found),
        "metrics": METRICS,
        "tone": _TONES[best["change"]["verdict"]],
        "real_only": percent(real_only["accuracy_interval"][1]),
        "baseline": percent(baseline["accuracy_interval"][1]),
        "seeds": len(baseline["accuracy"]),
        "lead": (
            f"One small classifier, trained on {settings['images per class']} real images a class, tested on "
            f"{settings['test images']} others, with and without synthetic images."
        ),
        "plots": parts.plots(partial(ratio_plot, [_point(arm) for arm in (baseline, *synthetic)], _mean(real_only))),
        "recalls": parts.recalls(baseline["confusion"], best["confusion"], names),
        "confusions": parts.confusions({arm["name"]: arm["confusion"] for arm in (baseline, best)}, names),
        "pictures": parts.pictures(record, found["pictures"]),
        "tables": parts.described(found),
    }


def _mean(arm: Mapping[str, Any]) -> float:
    return float(arm["accuracy_interval"][1])


def _point(arm: Mapping[str, Any]) -> RatioPoint:
    low, mean, high = arm["accuracy_interval"]
    return RatioPoint(arm["ratio"], Interval(mean, low, high), tuple(arm["accuracy"]))
