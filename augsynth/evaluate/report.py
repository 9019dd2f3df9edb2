"""Report of an experiment as one HTML file, without scripts and links, which loads nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from augsynth.evaluate.figures import image_grid, missing_extra, png, ratio_plot
from augsynth.evaluate.metrics import METRICS
from augsynth.evaluate.results import ArmScores, ExperimentResult, Verdict

TEMPLATE = Path(__file__).parent / "templates" / "report.html"
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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    results = (result,) if isinstance(result, ExperimentResult) else tuple(result)
    path.write_text(render_report(results, explanation), encoding="utf-8", errors="backslashreplace")
    return path


def render_report(results: Sequence[ExperimentResult], explanation: str = "") -> str:
    """Return the report as HTML; needs jinja2, matplotlib and Pillow (the `demo` extra).

    Args:
        results: at least one result, on the same data.
        explanation: why their answers differ; default "".
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise missing_extra("jinja2") from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        first=results[0], parts=[_view(result) for result in results], explanation=explanation, tone=_TONES.__getitem__
    )


def percent(share: float) -> str:
    """Return a share in percent: 0.9312 as "93.1%"."""
    return f"{100 * share:.1f}%"


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
        "plot_light": _data_url(ratio_plot(result)),
        "plot_dark": _data_url(ratio_plot(result, dark=True)),
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
        {"title": title, "hint": hint, "columns": columns, "image": _data_url(png(image_grid(images, columns)))}
        for title, hint, images in shown
    ]


def _data_url(image: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")
