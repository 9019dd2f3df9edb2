"""Plot of the ratios: the time of each library divided by that of augsynth, case by case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.report import best_isa

Json = dict[str, Any]


def draw(results: Json, path: Path) -> None:
    """Write the picture of the cold cases (and those through a DataLoader) to `path`."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "augsynth", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    rows = [row for row in results["rows"] if row["temperature"] != "hot"][::-1]
    best, peers = best_isa(results), results["settings"]["peers"]
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.34 * len(rows)), layout="constrained")
    for number, name in enumerate(peers):
        lines = [line for line, row in enumerate(rows) if name in row["times"]]
        ratios = [rows[line]["times"][name]["median"] / rows[line]["times"][best]["median"] for line in lines]
        axes.scatter(ratios, lines, s=42, marker="osD^vP"[number % 6], label=name, alpha=0.85, zorder=3)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}x")
    lowest = min(0.5, axes.get_xlim()[0])
    axes.set_xlim(left=lowest)
    axes.axvspan(lowest, 1.0, color="tab:red", alpha=0.06)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    axes.grid(axis="x", which="both", alpha=0.25)
    axes.set_xlabel(f"time divided by that of {best} (right of 1: augsynth is faster)")
    axes.set_title(f"CPU time an image, one thread, cold · {results['machine']['date'][:10]}", fontsize=10)
    figure.legend(loc="outside upper center", ncols=len(peers), fontsize=8, frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def _label(row: Json) -> str:
    return f"{row['case']} (DataLoader)" if row["temperature"] == "DataLoader" else str(row["case"])
