"""Report of a sweep: the warnings and the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from augsynth.evaluate.figures import difference_plot
from augsynth.evaluate.intervals import Interval
from augsynth.evaluate.metrics import METRICS, MORE_METRICS
from augsynth.evaluate.reporting import parts
from augsynth.evaluate.reporting.pages import percent, render
from augsynth.evaluate.reporting.records import Record

_TONES = {"helps": "good", "hurts": "bad", "no clear difference": "even"}


def sweep_page(record: Record) -> str:
    """Return the report of a sweep as HTML.

    Args:
        record: record of a `SweepResult`.
    """
    found = record.found
    verdict, names = found["verdict"], found["class names"]
    by_arm = {row["arm"]: row for row in found["confirmed"]}
    control, winner = (by_arm[verdict[role]]["confusion"] for role in ("control", "arm"))
    metrics = _metrics(found)
    task = found["settings"]["task"].split(":")[-1]
    plot = partial(difference_plot, _differences(found), verdict["metric"])
    return render(
        "sweep.html",
        name=found["data"],
        found=found,
        version=found["provenance"]["augsynth"],
        tone=_TONES[verdict["answer"]],
        lead=f"{found['settings']['images per class']} real images a class, {task}.",
        titles=[_title(name) for name in metrics],
        confirmed=_rows(found["confirmed"], metrics),
        controls=_rows(found["controls"], metrics),
        recalls=parts.recalls(control, winner, names),
        confusions=parts.confusions({"control": control, "with synthetic images": winner}, names),
        pictures=parts.pictures(record, found["pictures"]),
        plots=parts.plots(plot),
        tables=parts.described(found),
    )


def _title(name: str) -> str:
    known = {**METRICS, **MORE_METRICS}
    return known[name].title if name in known else name


def _metrics(found: Mapping[str, Any]) -> list[str]:
    """Return the score that decides, and the other ones that every task of classification has."""
    means, first = found["confirmed"][0]["means"], found["verdict"]["metric"]
    return [first, *(name for name in METRICS if name in means and name != first)]


def _rows(arms: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "arm": row["arm"],
            "means": [percent(row["means"][name]) for name in metrics],
            "range": parts.bounds(row["interval"]["low"], row["interval"]["high"], share=True),
            "seeds": len(row[metrics[0]]),
        }
        for row in arms
    ]


def _differences(found: Mapping[str, Any]) -> list[tuple[str, Interval]]:
    verdict = found["verdict"]
    rows = [(f"{verdict['arm']}: confirmed", verdict["difference"])]
    rows += [(row["arm"], row["difference"]) for row in found["synthetic"]]
    return [(name, Interval(one["mean"], one["low"], one["high"])) for name, one in rows]
