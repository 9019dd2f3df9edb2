"""Report of a sweep as one HTML file: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from augsynth.evaluate.figures import difference_plot
from augsynth.evaluate.intervals import Interval, mean_interval, paired_interval
from augsynth.evaluate.metrics import METRICS, MORE_METRICS
from augsynth.evaluate.pages import data_url, percent, render, write_page
from augsynth.evaluate.sweeping.arms import Arm
from augsynth.evaluate.sweeping.result import SweepResult
from augsynth.evaluate.sweeping.trials import Scores
from augsynth.evaluate.sweeping.verdict import Answer

_TONES: dict[Answer, str] = {"helps": "good", "hurts": "bad", "no clear difference": "even"}


def write_sweep_report(result: SweepResult, path: str | Path) -> Path:
    """Write the report of a sweep, and return its path; names that are not UTF-8 are escaped.

    Args:
        result: result of the sweep.
        path: path of the HTML file (UTF-8); missing folders are created.
    """
    return write_page(render_sweep_report(result), path)


def render_sweep_report(result: SweepResult) -> str:
    """Return the report as HTML; needs jinja2 and matplotlib (the `demo` extra)."""
    verdict = result.verdict
    names = _metrics(result)
    differences = [(f"{verdict.arm.name}: confirmed", verdict.difference), *_tried(result)]
    return render(
        "sweep.html",
        name=result.data_name,
        version=result.provenance["augsynth"],
        result=result,
        tone=_TONES[verdict.answer],
        lead=f"{result.settings['images per class']} real images a class, {result.settings['task'].split(':')[-1]}.",
        titles=[_title(name) for name in names],
        confirmed=_rows(result.confirmed, names),
        controls=_rows(result.controls, names),
        recalls=_recalls(result),
        plot_light=data_url(difference_plot(differences, verdict.metric)),
        plot_dark=data_url(difference_plot(differences, verdict.metric, dark=True)),
        tables={
            "settings": {name: _shown(value) for name, value in result.settings.items()},
            "provenance": {**result.provenance, **{name: f"{value:.0f} s" for name, value in result.seconds.items()}},
        },
    )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_shown(part)}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _title(name: str) -> str:
    known = {**METRICS, **MORE_METRICS}
    return known[name].title if name in known else name


def _metrics(result: SweepResult) -> list[str]:
    """Return the score that decides, and the other ones that every task of classification has."""
    scores = result.confirmed[result.verdict.arm][0]
    return [result.verdict.metric, *(name for name in METRICS if name in scores and name != result.verdict.metric)]


def _rows(arms: Mapping[Arm, Sequence[Scores]], names: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for arm, scores in arms.items():
        interval = mean_interval([one[names[0]] for one in scores])
        rows.append(
            {
                "arm": arm.name,
                "means": [percent(fmean(one[name] for one in scores)) for name in names],
                "range": f"{100 * max(0.0, interval.low):.1f} to {100 * min(1.0, interval.high):.1f}",
                "seeds": len(scores),
            }
        )
    return rows


def _tried(result: SweepResult) -> list[tuple[str, Interval]]:
    metric = result.verdict.metric
    control = [one[metric] for one in result.control_choosing]
    values = {arm.name: [one[metric] for one in scores] for arm, scores in result.synthetic.items()}
    return [(name, paired_interval(found, control)) for name, found in values.items()]


def _recalls(result: SweepResult) -> list[tuple[str, str]]:
    changes = sorted(result.recall_changes().items())
    return [(result.class_names[label], f"{100 * change:+.1f}") for label, change in changes]
