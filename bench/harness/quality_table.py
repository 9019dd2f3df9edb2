"""The table of generators, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from augsynth.evaluate import FEATURE_SCORES

NONE = "-"
LEGEND = [
    "CAS: accuracy on real test images of a classifier trained on samples alone. GAN-test: share of samples that a",
    "classifier of real images puts in their class. FD and KD: distances on that classifier's own features (not FID,",
    "not KID). Copies: share of samples that are near-copies of training images beyond chance, and the p-value of the",
    "permutation test. Bits/dim are those of Bernoulli likelihoods, which are for black and white: they can be",
    "compared with each other only. Times are seconds of one core. Means over the seeds of the fit.",
]


def table(stored: dict[str, Any]) -> str:
    """Return the results as Markdown: a section for each data set, a line for each generator."""
    lines = ["# Quality of the generators", "", *LEGEND, ""]
    for name, results in stored.items():
        titles = [metric.title for metric in FEATURE_SCORES.values()]
        head = ["generator", "weights", "steps x batch", "fit", "1,000 samples", "CAS", "GAN-test"]
        head += [*titles, "copies", "bits/dim", "seeds"]
        lines += [
            f"## {name}: {results['images']:,} images to fit, {results['samples']:,} samples",
            "",
            f"The same classifier trained on the real images: {results['real']:.1%}.",
            "",
            f"| {' | '.join(head)} |",
            "|---" * len(head) + "|",
            f"| *other real images* | | | | | | | {_scores(results['floor'])} | | | |",
            *_table_lines(results["rows"].values()),
            "",
        ]
    return "\n".join([*lines, *_machines(stored), "", "Written by bench/generators.py.", ""])


def _table_lines(rows: Any) -> Iterator[str]:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_name.setdefault(row["generator"], []).append(row)
    for name, group in sorted(by_name.items()):
        first = group[0]
        scores = {score: _mean([row["scores"][score] for row in group]) for score in FEATURE_SCORES}
        cells = [
            name,
            f"{first['parameters'] / 1e6:.2f}M",
            f"{first['steps']:,} x {first['batch_size']}",
            f"{_mean([row['fit_seconds'] for row in group]):.0f} s",
            f"{_mean([row['sample_seconds'] for row in group]):.1f} s",
            percent([row["cas"] for row in group]),
            percent([row["gan_test"] for row in group]),
            _scores(scores),
            f"{_mean([row['copies'] for row in group]):.1%} (p {min(row['copies_p'] for row in group):.2f})",
            _number([row["bits_per_dim"] for row in group]),
            str(len(group)),
        ]
        yield f"| {' | '.join(cells)} |"


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _number(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{_mean(known):.2f}" if known else NONE


def percent(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return NONE
    spread = f" ± {np.std(known, ddof=1):.1%}" if len(known) > 1 else ""
    return f"{_mean(known):.1%}{spread}"


def _scores(scores: dict[str, float]) -> str:
    return " | ".join(f"{scores[name]:.3g}" for name in FEATURE_SCORES)


def _machines(stored: dict[str, Any]) -> list[str]:
    rows = [row["machine"] for results in stored.values() for row in results["rows"].values()]
    return sorted({f"* {row['processor']}, one thread, torch {row['torch']}, {row['date']}" for row in rows})
