"""Results of a GPU run as Markdown, complete or so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

AIMED_AT = ("torchvision", "torchvision, one draw a batch", "kornia")
TIMES = 20.0

HEAD = """# On a GPU

{device}, {date}, commit {commit}; {versions}. Medians of CUDA events after up to {warm_up} runs that do not count.
A *launch* is the kernels alone, a *call* all of `t.batch`, with the plan drawn and laid out on the processor. GB/s are
those of the launch: the bytes that it has to read and write. Copying 1 GiB within the device: {copy:.0f} GB/s. What is
smaller than the device's level-2 cache, as the images of 32x32 may be, is read faster than that.

"""

Row = dict[str, Any]


def markdown(results: dict[str, Any]) -> str:
    """Return the page."""
    rows, copy = results["rows"], results["copy_bandwidth"]
    head = HEAD.format(
        device=results["device"]["name"],
        date=results["machine"]["date"],
        commit=results["machine"]["commit"] or "unknown",
        versions=", ".join(f"{name} {version}" for name, version in results["versions"].items()),
        warm_up=results["warm_up"],
        copy=copy / 1e9,
    )
    parts = (_speed(rows, copy), _aims(rows, copy), _remarks(rows), _parity(results))
    return head + "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def _speed(rows: list[Row], copy: float) -> Iterator[str]:
    names = sorted({name for row in rows for name in row["peers"]})
    columns = ["case", "batch", "launch, ms", "call, ms", "images/s (call)", "GB/s", "of copying"]
    columns += [title for name in names for title in (f"{name}, ms", "times ours")]
    yield "| " + " | ".join(columns) + " |"
    yield "|" + " --- |" * len(columns)
    for row in rows:
        cells = [row["case"], str(row["batch"]), *_ours(row, copy)]
        for name in names:
            time, times = row["peers"].get(name), _times(row, name)
            cells += ["-" if time is None else f"{time:.2f}", "-" if times is None else f"{times:.1f}"]
        yield "| " + " | ".join(cells) + " |"


def _ours(row: Row, copy: float) -> list[str]:
    if row["call"] is None:
        return ["-"] * 5
    launch, call, rate = row["launch"], row["call"], _rate(row)
    per_second = row["batch"] / (1e-3 * call)
    return [f"{launch:.3f}", f"{call:.3f}", f"{per_second:,.0f}", f"{rate / 1e9:.0f}", f"{rate / copy:.0%}"]


def _rate(row: Row) -> float:
    """Bytes a second of the launch."""
    return float(row["bytes"]) / (1e-3 * float(row["launch"]))


def _times(row: Row, name: str) -> float | None:
    """Return the time of a library divided by that of augsynth's call."""
    time = row["peers"].get(name)
    return None if time is None or row["call"] is None else time / row["call"]


def _aims(rows: list[Row], copy: float) -> Iterator[str]:
    """Return the aims, and whether they were reached."""
    yield "Aims:"
    for row in rows:
        if row["aim"] is not None:
            share = None if row["call"] is None else _rate(row) / copy
            yield f"* {row['case']}, {row['aim']:.0%} of copying: {_outcome(share, row['aim'], '{:.0%}')}"
    for name in AIMED_AT:
        for row in rows:
            outcome = _outcome(_times(row, name), TIMES, "{:.1f} times")
            yield f"* {row['case']}, {TIMES:.0f} times as fast as {name}: {outcome}"


def _outcome(found: float | None, aim: float, form: str) -> str:
    if found is None:
        return "not measured"
    return f"{'met' if found >= aim else 'missed'}, {form.format(found)}"


def _remarks(rows: list[Row]) -> Iterator[str]:
    """Return the differences of the libraries, and the reasons why some were not measured."""
    notes = ((name, note, row["case"]) for row in rows for name, these in row["notes"].items() for note in these)
    missing = (
        (f"Not measured: {name}", reason, row["case"]) for row in rows for name, reason in row["missing"].items()
    )
    for remarks in (notes, missing):
        yield from _grouped(remarks, len(rows))


def _grouped(remarks: Iterable[tuple[str, str, str]], count: int) -> Iterator[str]:
    found = defaultdict(list)
    for name, remark, case in remarks:
        found[name, remark].append(case)
    for (name, remark), cases in sorted(found.items()):
        yield f"* {name}: {remark}" + ("" if len(cases) == count else f" ({'; '.join(cases)})")


def _parity(results: dict[str, Any]) -> Iterator[str]:
    parity = results["parity"]
    off = [entry for entry in parity if entry["differing"]]
    values = sum(entry["values"] for entry in parity)
    yield f"Parity: {len(parity)} pairs of pipeline and dtype, {values:,} values; {len(off)} differ from the CPU."
    for entry in off:
        share = f"{entry['differing']} of {entry['values']} values"
        yield f"* {entry['name']}, {entry['dtype']}: {share}, by {entry['largest']:g} at most"
    for name, reason in results["failed"].items():
        yield f"* Failed: {name}: {reason}"
    yield ""
    yield f"Tests marked `gpu`: {results['tests']}."
