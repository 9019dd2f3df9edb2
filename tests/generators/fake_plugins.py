"""Distributions made on disk, as an installer would leave them."""

from __future__ import annotations

from pathlib import Path


def install(
    site: Path, distribution: str, points: list[tuple[str, str]], modules: dict[str, str], version: str = "1.0"
) -> None:
    """Write a distribution with entry points `(name, value)` and modules into the folder `site`."""
    info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = "".join(f"{name} = {value}\n" for name, value in points)
    (info / "entry_points.txt").write_text(f"[augsynth.generators]\n{lines}")
    for name, source in modules.items():
        (site / f"{name}.py").write_text(source)


def plugin(name: str, version: int = 1, body: str = "") -> str:
    """The source of a module with a generator class `Fake`, sound but for what `body` adds to it."""
    return (
        "from generators.toy import ClassMean\n\n\n"
        f"class Fake(ClassMean):\n    name = {name!r}\n    api_version = {version}\n    {body}\n"
    )
