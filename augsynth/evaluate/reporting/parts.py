"""Parts that reports share, as values for the templates: pictures, classes, confusions, gates, settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from augsynth.evaluate.reporting.pages import data_url
from augsynth.evaluate.reporting.records import Record

_MOST_CLASSES = 12
"""Classes up to which a confusion matrix is shown as a table."""
_MOST_PAIRS = 8


def pictures(record: Record, described: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the pictures of a result with their addresses.

    Args:
        record: the record that holds them.
        described: their descriptions.
    """
    return [{**one, "image": data_url(record.pictures[one["file"]])} for one in described]


def plots(draw: Callable[..., bytes]) -> list[dict[str, str]]:
    """Return a plot for light and dark pages, wide and narrow ones: media queries with addresses, the last for all.

    Args:
        draw: function with the arguments `dark` and `narrow`.
    """
    dark, small = "(prefers-color-scheme: dark)", "(max-width: 34rem)"
    cases = [(f"{dark} and {small}", True, True), (small, False, True), (dark, True, False), ("", False, False)]
    return [{"media": media, "image": data_url(draw(dark=d, narrow=n))} for media, d, n in cases]


def confusions(matrices: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return confusion matrices as tables of shares, and the most frequent confusions in words.

    Args:
        matrices: counts (K, K) by the name of a training set, a row for each true class; None is left out.
        names: names of the classes.
    """
    return [
        {
            "title": title,
            "rows": _rows(np.array(counts), names) if len(names) <= _MOST_CLASSES else [],
            "names": names,
            "pairs": _pairs(np.array(counts), names),
        }
        for title, counts in matrices.items()
        if counts is not None
    ]


def _rows(counts: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    shares = counts / counts.sum(1, keepdims=True).clip(min=1)
    return [{"name": name, "shares": row.tolist()} for name, row in zip(names, shares, strict=True)]


def _pairs(counts: Any, names: Sequence[str]) -> list[str]:
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_PAIRS]
    places = [divmod(int(place), len(counts)) for place in order if wrong.flat[place]]
    return [f"{names[a]} taken for {names[b]}: {wrong[a, b] / counts[a].sum():.1%}" for a, b in places]


def recalls(control: Any, winner: Any, names: Sequence[str]) -> list[dict[str, str]]:
    """Return the share of each class that is recognised with the control and with the winner, and the change.

    Args:
        control: confusion matrix (K, K) of the control, or None.
        winner: confusion matrix of the winner, or None.
        names: names of the classes.
    """
    if control is None or winner is None:
        return []
    rows = []
    for label, name in enumerate(names):
        before, after = (np.array(matrix[label]) for matrix in (control, winner))
        if before.sum() and after.sum():
            old, new = before[label] / before.sum(), after[label] / after.sum()
            rows.append({"name": name, "control": f"{old:.1%}", "winner": f"{new:.1%}"})
            rows[-1]["change"] = f"{100 * (new - old):+.1f}"
    return rows


def described(found: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return sizes, settings, and provenance with durations, as text.

    Args:
        found: the stored result.
    """
    durations = {name: f"{value:.0f} s" for name, value in found.get("seconds", {}).items()}
    sizes = {"sizes": {name: f"{size:,}" for name, size in found["sizes"].items()}} if "sizes" in found else {}
    return {
        **sizes,
        "settings": {name: as_text(value) for name, value in found["settings"].items()},
        "provenance": {**found["provenance"], **durations},
    }


def as_text(value: Any) -> str:
    """Return a value of the settings as text.

    Args:
        value: JSON-ready value.

    >>> as_text({"a": [1, 2]})
    'a: 1, 2'
    """
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {as_text(part)}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def bounds(low: float, high: float, *, share: bool = False) -> str:
    """Return an interval in percent: "91.2 to 93.4".

    Args:
        low: lower bound.
        high: upper bound.
        share: whether the bounds are of a share, which lies in [0, 1]; otherwise they are of a difference and have
            signs.
    """
    if share:
        return f"{100 * max(0.0, low):.1f} to {100 * min(1.0, high):.1f}"
    return f"{100 * low:+.1f} to {100 * high:+.1f}"


def number(value: float) -> str:
    """Return a score with three digits.

    Args:
        value: the score.

    >>> number(0.98765), number(1234.5)
    ('0.988', '1,234')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
