"""Which generator plugins are installed: read from package metadata, without importing any."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

GROUP = "augsynth.generators"
"""The entry-point group; each object in it is a `Generator` subclass."""

SWITCH = "AUGSYNTH_PLUGINS"
"""Environment variable: `off`, or a comma list of the names that may be loaded; unset or empty allows all."""

LOCAL = "local"
"""Stands for the distribution of what `register_generator` has added in this process."""


_IDENTIFIERS = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_VALUE = re.compile(rf"({_IDENTIFIERS})\s*:\s*({_IDENTIFIERS})\s*(?:\[(.*)\])?")


@dataclass(frozen=True)
class Claim:
    """One distribution's claim to a name; `value` is "module:class", `load` imports it.

    `fault` says why it cannot be loaded, where that is known from its metadata already.
    """

    name: str
    distribution: str
    version: str
    value: str
    extras: tuple[str, ...]
    load: Callable[[], Any] = field(compare=False)
    fault: str = ""

    @property
    def full_name(self) -> str:
        """`distribution:name`, which is never ambiguous between distributions."""
        return f"{self.distribution}:{self.name}"

    def answers_to(self, name: str) -> bool:
        """Whether `name` is this claim's name or full name; distributions compare as pip compares them."""
        distribution, _, short = name.rpartition(":")
        return short == self.name and (not distribution or _normal(distribution) == _normal(self.distribution))

    def enabled(self) -> bool:
        """Whether `AUGSYNTH_PLUGINS` allows it to be loaded. What this process registered itself always is."""
        switch = os.environ.get(SWITCH, "").strip()
        if self.distribution == LOCAL or not switch:
            return True
        return switch != "off" and any(self.answers_to(name.strip()) for name in switch.split(","))


def installed_claims() -> list[Claim]:
    """All claims of the entry-point group, sorted; the same value claimed twice counts once."""
    claims = [claim for distribution in _visible(distributions()) for claim in _claims(distribution)]
    versions: dict[str, set[str]] = {}
    for claim in claims:
        if not claim.fault:
            versions.setdefault(_normal(claim.distribution), set()).add(claim.version)
    return unique(_with_fault(claim, versions.get(_normal(claim.distribution), set())) for claim in claims)


def unique(claims: Iterable[Claim]) -> list[Claim]:
    """Sort claims by name and distribution, and keep the first of those with one name and value, a sound one if any."""
    kept: dict[tuple[str, str], Claim] = {}
    listed = sorted(claims, key=lambda claim: (claim.name, _normal(claim.distribution), claim.value))
    for claim in sorted(listed, key=lambda claim: bool(claim.fault)):
        kept.setdefault((claim.name, claim.value), claim)
    return [claim for claim in listed if kept[claim.name, claim.value] is claim]


def _visible(found: Iterable[Distribution]) -> Iterator[Distribution]:
    """Leave out what Python does not import: a name that a folder earlier on the path has, and what pip set aside."""
    folders: dict[str, str] = {}
    for distribution in found:
        name, folder = _place(distribution)
        if not name.startswith("~") and folders.setdefault(name, folder) == folder:
            yield distribution


def _claims(distribution: Distribution) -> Iterator[Claim]:
    """The claims of one distribution; nothing that its files hold raises."""
    text, unreadable = _text(distribution, "entry_points.txt")
    if GROUP not in text:
        return
    head, unknown = _text(distribution, "METADATA", "PKG-INFO")
    name, version = _header(head, "Name"), _header(head, "Version")
    if not unknown and not (name and version):
        unknown = f"its METADATA states no {'Version' if name else 'Name'}"
    for point, value in _lines_of_group(text):
        match = _VALUE.fullmatch(value)
        fault = unreadable or unknown or _fault_of(point, value)
        module_and_class = f"{match[1]}:{match[2]}" if match else value
        extras = tuple(re.findall(r"[^\s,]+", (match and match[3]) or ""))
        distributed_as = name or _place(distribution)[0]
        load = partial(_load, point, value)
        yield Claim(point, distributed_as, version or "unknown", module_and_class, extras, load, fault)


def _lines_of_group(text: str) -> Iterator[tuple[str, str]]:
    """The lines `name = value` of our group, as they stand; all else in entry_points.txt is the concern of others."""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif section == GROUP and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()


def _fault_of(name: str, value: str) -> str:
    if not name or re.search("[:,]", name):
        return f"its entry point is called {name!r}; expected a name without colon and comma"
    return "" if _VALUE.fullmatch(value) else f"its entry point is {name!r} = {value!r}; expected module:class"


def _with_fault(claim: Claim, versions: set[str]) -> Claim:
    if claim.fault or len(versions) < 2:
        return claim
    listed = " and ".join(sorted(versions))
    return replace(claim, fault=f"its versions {listed} are installed in one folder; uninstall it, and install it anew")


def _text(distribution: Distribution, *files: str) -> tuple[str, str]:
    """The text of the first of these files that is there, and why it cannot be read as it should."""
    for file in files:
        try:
            text = distribution.read_text(file)
        except UnicodeDecodeError as error:
            return error.object.decode("utf-8", "replace"), f"its {file} is not UTF-8"
        except Exception as error:
            return "", f"its {file} cannot be read: {error!r}"
        if text is not None:
            return text, ""
    return "", f"its {files[0]} is missing or cannot be read"


def _header(text: str, name: str) -> str:
    """The value of a header of METADATA; they end at the first empty line."""
    found = re.search(rf"^{name}:[ \t]*(\S.*?)[ \t\r]*$", re.split(r"\r?\n\r?\n", text, maxsplit=1)[0], re.MULTILINE)
    return found[1] if found else ""


def _place(distribution: Distribution) -> tuple[str, str]:
    """The name in that of the folder `name-version.dist-info`, found without reading a file, and where that lies."""
    try:
        return str(getattr(distribution, "_normalized_name", None) or "unknown"), str(distribution.locate_file(""))
    except Exception:
        return "unknown", ""


def _load(name: str, value: str) -> Any:
    return EntryPoint(name, value, GROUP).load()


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
