"""Report of an experiment as one HTML file, without scripts and links, which loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from augsynth.evaluate.figures import image_grid, png, ratio_plot
from augsynth.evaluate.metrics import METRICS
from augsynth.evaluate.pages import data_url, percent, render, write_page
from augsynth.evaluate.results import ArmScores, ExperimentResult, Verdict

_TONES: dict[Verdict, str] = {"helped": "good", "made it worse": "bad", "no clear difference": "even"}


def write_report(
    result: ExperimentResult | Sequence[ExperimentResult], path: str | Path, *, explanation: str = ""
) -> Path:
    """Write the report of an experiment, and return its path; names that are not UTF-8 are escaped.

    Args:
        result: result of the experiment, or results in several settings, in the order of the report.
        path: path of the HTML file (UTF-8); missing folders are created.
        explanation: why the answers in several settings differ, for the top of the page; default "".
    """
    results = (result,) if isinstance(result, ExperimentResult) else tuple(result)
    return write_page(render_report(results, explanation), path)


def render_report(results: Sequence[ExperimentResult], explanation: str = "") -> str:
    """Return the report as HTML; needs jinja2, matplotlib and Pillow (the `demo` extra).

    Args:
        results: at least one result, on the same data.
        explanation: why their answers differ; default "".
    """
    return render(
        "report.html",
        name=results[0].data_name,
        version=results[0].provenance["augsynth"],
        parts=[_view(result) for result in results],
        explanation=explanation,
        tone=_TONES.__getitem__,
    )


def table_rows(result: ExperimentResult) -> list[dict[str, str]]:
    """Return the table of results as text, with a row an arm.

    `change`, `change_range` and `verdict` are empty for arms without synthetic images.
    """
    return [_row(result, scores) for scores in result.arms]


def _row(result: ExperimentResult, scores: ArmScores) -> dict[str, str]:
    interval = scores.interval
    row = {
        "name": scores.arm.name,
        **{name: percent(fmean(values)) for name, values in scores.scores.items()},
        "accuracy_range": f"{100 * interval.low:.1f} to {100 * interval.high:.1f}",
        "change": "",
        "change_range": "",
        "verdict": "",
    }
    if scores.arm.ratio > 0:
        change = result.change(scores)
        row["change"] = f"{100 * change.interval.mean:+.1f}"
        row["change_range"] = f"{100 * change.interval.low:+.1f} to {100 * change.interval.high:+.1f}"
        row["verdict"] = change.verdict
    return row


def _view(result: ExperimentResult) -> dict[str, Any]:
    settings = result.settings
    return {
        "result": result,
        "rows": table_rows(result),
        "metrics": METRICS,
        "percent": percent,
        "headline_verdict": result.best[1].verdict,
        "real_only": result.arms[0],
        "seeds": len(result.baseline.accuracy),
        "lead": (
            f"One small classifier, trained on {settings['images per class']} real images a class, tested on "
            f"{settings['test images']} others, with and without synthetic images."
        ),
        "plot_light": data_url(ratio_plot(result)),
        "plot_dark": data_url(ratio_plot(result, dark=True)),
        "grids": _grids(result),
        "tables": {
            "settings": settings,
            "provenance": {**result.provenance, **{k: f"{v:.0f} s" for k, v in result.seconds.items()}},
        },
    }


def _grids(result: ExperimentResult) -> list[dict[str, Any]]:
    examples = result.examples
    columns = len(examples.class_names)
    shown = (
        ("Real", "Images of the small training set of the first seed.", examples.real),
        ("Augmented", "The same images as the classifier sees them after augmentation.", examples.augmented),
        ("Synthetic", "Drawn by the generator that was fitted on that training set, not selected.", examples.synthetic),
    )
    return [
        {"title": title, "hint": hint, "columns": columns, "image": data_url(png(image_grid(images, columns)))}
        for title, hint, images in shown
    ]
