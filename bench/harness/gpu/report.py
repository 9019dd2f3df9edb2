"""The results of a GPU run as Markdown."""

from __future__ import annotations

from typing import Any

HEAD = """# On a GPU

{device}, {date}, commit {commit}; {versions}. Medians of CUDA events after {warm_up} runs that do not count.
A *launch* is the kernels alone, a *call* all of `t.batch`, with the plan drawn and laid out on the processor. GB/s are
those of the launch: the bytes that it has to read and write. Copying 1 GiB within the device: {copy:.0f} GB/s.

"""


def markdown(results: dict[str, Any]) -> str:
    """The page."""
    copy = results["copy_bandwidth"]
    head = HEAD.format(
        device=results["device"]["name"],
        date=results["machine"]["date"],
        commit=results["machine"]["commit"] or "unknown",
        versions=", ".join(f"{name} {version}" for name, version in results["versions"].items()),
        warm_up=results["warm_up"],
        copy=copy / 1e9,
    )
    return (
        head
        + "\n".join([*_speed(results["rows"], copy), "", *_left_out(results["rows"]), "", *_parity(results)])
        + "\n"
    )


def _speed(rows: list[dict[str, Any]], copy: float) -> list[str]:
    names = sorted({name for row in rows for name in row["peers"]})
    columns = ["case", "batch", "launch, ms", "call, ms", "images/s (call)", "GB/s", "of copying", "aim"]
    columns += [title for name in names for title in (f"{name}, ms", "times ours")]
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for row in rows:
        rate = row["bytes"] / (1e-3 * row["launch"])
        aim = "" if row["aim"] is None else f"{row['aim']:.0%}"
        cells = [
            row["case"],
            str(row["batch"]),
            f"{row['launch']:.3f}",
            f"{row['call']:.3f}",
            f"{row['batch'] / (1e-3 * row['call']):,.0f}",
            f"{rate / 1e9:.0f}",
            f"{rate / copy:.0%}",
            aim,
        ]
        for name in names:
            time = row["peers"].get(name)
            cells += ["-", "-"] if time is None else [f"{time:.2f}", f"{time / row['call']:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _left_out(rows: list[dict[str, Any]]) -> list[str]:
    reasons = sorted({(name, reason) for row in rows for name, reason in row["missing"].items()})
    return [f"* Not measured: {name}: {reason}" for name, reason in reasons]


def _parity(results: dict[str, Any]) -> list[str]:
    parity = results["parity"]
    off = [one for one in parity if one["differing"]]
    values = sum(one["values"] for one in parity)
    lines = [f"Parity: {len(parity)} pairs of pipeline and dtype, {values:,} values; {len(off)} differ from the CPU."]
    for one in off:
        share = f"{one['differing']} of {one['values']} values"
        lines.append(f"* {one['name']}, {one['dtype']}: {share}, by {one['largest']:g} at most")
    return [*lines, "", f"Tests marked `gpu`: {results['tests']}."]
