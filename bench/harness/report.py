"""Results as a table in Markdown, which is also printed. Every number is in µs an image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from harness.bound import NAME as BOUND

NONE = "\N{EN DASH}"

Json = dict[str, Any]

HEAD = """# Augmentation on the CPU

Microseconds an image: the median of {rounds} interleaved rounds of CPU time, one thread; in brackets how many times as
long as {best} a library takes. **Bold**: augsynth is slower. *Bound*: the time of the case's memory traffic alone, and
its share of augsynth's time. Cold: a set of images larger than the caches of a core; hot: one image again and again.
"""


def markdown(results: Json) -> str:
    """Return the whole report."""
    parts = [HEAD.format(rounds=results["settings"]["rounds"], best=best_isa(results)), _machine(results)]
    footnotes = Footnotes()
    for temperature, title in (("cold", "## Cold"), ("hot", "## Hot"), ("DataLoader", "## Through a DataLoader")):
        rows = [row for row in results["rows"] if row["temperature"] == temperature]
        if rows:
            parts += [title, LOADER] if temperature == "DataLoader" else [title]
            parts.append(_table(rows, results, footnotes))
    parts += [
        _by_isa(results),
        _coming_back(results),
        _threads(results),
        _losses(results),
        footnotes.text(),
        _left_out(results),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n\nWritten by bench/augment.py.\n"


COMING_BACK = """The first 64 photos, or 2,048 small images, after another library's turn: the code is in no cache, and
what the processor learnt of its branches is forgotten. So it is in training without workers, after a step of the model.
"""

LOADER = "No workers; batches of images and labels, collated."


class Footnotes:
    """Numbers for remarks, in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def marks(self, remarks: Iterable[str]) -> str:
        found = [str(self._numbers.setdefault(remark, len(self._numbers) + 1)) for remark in remarks]
        return f"<sup>{','.join(found)}</sup>" if found else ""

    def text(self) -> str:
        lines = [f"{number}. {remark[0].upper()}{remark[1:]}." for remark, number in self._numbers.items()]
        return "\n".join(["## Who does other work", *lines]) if lines else ""


def best_isa(results: Json) -> str:
    """augsynth's column that the ratios refer to."""
    isa: str = results["settings"]["isas"][0]
    return f"augsynth {isa}"


def grouped(names: Sequence[str], rows: Sequence[Json]) -> list[str]:
    """Return the names that at least one row has a time for."""
    return [name for name in names if any(name in row["times"] for row in rows)]


def _table(rows: list[Json], results: Json, footnotes: Footnotes) -> str:
    best = best_isa(results)
    ours = grouped(results["settings"]["ours"], rows)
    peers = grouped(results["settings"]["peers"], rows)
    head = ["case", *(name.removeprefix("augsynth ") for name in ours), *peers]
    bounded = any(BOUND in row["times"] for row in rows)
    lines = [_line([*head, *(["bound"] if bounded else [])]), _line(["---"] * (len(head) + bounded))]
    for row in rows:
        base = row["times"][best]["median"]
        cells = [f"{row['case']}, batch {row['batch']}"]
        cells += [_number(row["times"][name]["median"]) if name in row["times"] else NONE for name in ours]
        cells += [_peer(row, name, base, footnotes) for name in peers]
        if bounded:
            bound = row["times"][BOUND]["median"]
            cells.append(f"{_number(bound)} ({bound / base:.0%})")
        lines.append(_line(cells))
    return "\n".join(lines)


def _peer(row: Json, name: str, base: float, footnotes: Footnotes) -> str:
    if name not in row["times"]:
        return NONE
    time = row["times"][name]["median"]
    cell = f"{_number(time)} ({_ratio(time / base)})"
    return (f"**{cell}**" if time < base else cell) + footnotes.marks(row["notes"].get(name, ()))


def _by_isa(results: Json) -> str:
    """Return the ratios of the two usual libraries to each instruction set of augsynth."""
    names = [name for name in results["settings"]["ours"] if not name.endswith("single")]
    rows = [row for row in results["rows"] if row["group"] != "transforms" and row["temperature"] != "hot"]
    peers = [name for name in ("albumentationsx", "torchvision") if name in results["settings"]["peers"]]
    if len(names) < 2 or not rows or not peers:
        return ""
    head = ["case", *(f"{peer} / {name.removeprefix('augsynth ')}" for peer in peers for name in names)]
    lines = ["## By instruction set", "", _line(head), _line(["---"] * len(head))]
    for row in rows:
        times = {name: timing["median"] for name, timing in row["times"].items()}
        ratios = [_ratio(times[peer] / times[name]) if peer in times else NONE for peer in peers for name in names]
        lines.append(_line([f"{row['case']}, {row['temperature']}", *ratios]))
    return "\n".join(lines)


def _threads(results: Json) -> str:
    found = results["threads"]
    if not found:
        return ""
    lines = [_line(["", "one thread", "two", "times as fast"]), _line(["---"] * 4)]
    for name, times in found["times"].items():
        single, double = (times[str(number)]["median"] for number in (1, 2))
        lines.append(_line([name, _number(single), _number(double), f"{single / double:.2f}"]))
    about = (
        f"{found['case']}, a batch of {found['batch']}: µs an image of wall-clock time, the median of "
        f"{found['rounds']} rounds, on {found['cores']} cores, with a load average of {found['load']} before."
    )
    return "\n\n".join(["## Threads", about, "\n".join(lines)])


def _coming_back(results: Json) -> str:
    """Return the table of the pipelines for the first window of every turn only."""
    rows = [row for row in results["rows"] if row["group"] != "transforms" and row["temperature"] != "hot"]
    best, peers = best_isa(results), grouped(results["settings"]["peers"], rows)
    lines = [_line(["case", best.removeprefix("augsynth "), *peers]), _line(["---"] * (2 + len(peers)))]
    for row in rows:
        first = {name: timing["first"] for name, timing in row["times"].items()}
        others = [
            f"{_number(first[name])} ({_ratio(first[name] / first[best])})" if name in first else NONE for name in peers
        ]
        lines.append(_line([f"{row['case']}, {row['temperature']}", _number(first[best]), *others]))
    return "\n\n".join(["## Coming back", COMING_BACK, "\n".join(lines)]) if rows else ""


def _losses(results: Json) -> str:
    """Every case in which somebody is faster, in words."""
    best = best_isa(results)
    lines = []
    for row in results["rows"]:
        base = row["times"][best]["median"]
        faster = [
            name for name in results["settings"]["peers"] if row["times"].get(name, {"median": base})["median"] < base
        ]
        if faster:
            ratios = ", ".join(f"{name} ({_ratio(row['times'][name]['median'] / base)})" for name in faster)
            lines.append(f"* {row['case']}, {row['temperature']}: {ratios}")
    return "\n".join(["## Where augsynth is slower", *(lines or ["Nowhere in this run."])])


def _machine(results: Json) -> str:
    machine, settings = results["machine"], results["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    caches = ", ".join(f"{level} {size}" for level, size in machine["caches"].items())
    sets = ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in settings["megabytes"].items())
    return (
        f"{machine['date']}, {machine['processor']}, {machine['cores']} cores, caches {caches}, load average "
        f"{results['load']['before']} before and {results['load']['after']} after; Python {machine['python']}, "
        f"augsynth {machine['augsynth']} at {machine['commit']} ({machine['compiler']}), {versions}. Images: {sets}."
    )


def _left_out(results: Json) -> str:
    """Libraries that could not be imported, and cases that a library has no way to do."""
    lines = [f"* {name}: {reason}" for name, reason in results["left_out"].items()]
    cases: dict[tuple[str, str], list[str]] = {}
    for row in results["rows"]:
        for name, reason in row["missing"].items() if row["temperature"] != "hot" else ():
            cases.setdefault((name, reason), []).append(_label(row))
    lines += [f"* {name}, {'; '.join(labels)}: {reason}" for (name, reason), labels in cases.items()]
    return "\n".join(["## Not measured", *lines]) if lines else ""


def _label(row: Json) -> str:
    return f"{row['case']}, through a DataLoader" if row["temperature"] == "DataLoader" else str(row["case"])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _ratio(value: float) -> str:
    return f"{value:.0f}x" if value >= 20 else f"{value:.1f}x" if value >= 1 else f"{value:.2f}x"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
