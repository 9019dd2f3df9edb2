"""Finding installed generator plugins in package metadata, without importing them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

GROUP = "augsynth.generators"
"""Entry-point group of generators. Each object in it is a subclass of `Generator`."""

SWITCH = "AUGSYNTH_PLUGINS"
"""Environment variable: `off`, or a list of the names that may be loaded, with commas. Empty or unset allows all."""

LOCAL = "local"
"""Name of the distribution of classes that `register_generator` has added."""


_IDENTIFIERS = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_VALUE = re.compile(rf"({_IDENTIFIERS})\s*:\s*({_IDENTIFIERS})\s*(?:\[(.*)\])?")


@dataclass(frozen=True)
class Claim:
    """Claim of a distribution to the name of a generator.

    Args:
        name: name of the entry point.
        distribution: name of the distribution.
        version: its version.
        value: "module:class".
        extras: extras of the distribution that the entry point names.
        load: function that imports the class.
        fault: reason why it cannot be loaded, if the metadata show one; else empty.
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
        """Name with its distribution, `distribution:name`, which is unique among distributions."""
        return f"{self.distribution}:{self.name}"

    def answers_to(self, name: str) -> bool:
        """Return True if the name, or the full name, is this one. Distributions are compared as pip compares them.

        Args:
            name: `name` or `distribution:name`.
        """
        distribution, _, short = name.rpartition(":")
        return short == self.name and (not distribution or _normal(distribution) == _normal(self.distribution))

    def enabled(self) -> bool:
        """Return True if `AUGSYNTH_PLUGINS` allows loading it. Registered classes are always allowed."""
        switch = os.environ.get(SWITCH, "").strip()
        if self.distribution == LOCAL or not switch:
            return True
        return switch != "off" and any(self.answers_to(name.strip()) for name in switch.split(","))


def installed_claims() -> list[Claim]:
    """Return all claims of the entry-point group, sorted. A value that is claimed twice counts once."""
    claims = [claim for distribution in _visible(distributions()) for claim in _claims(distribution)]
    versions: dict[str, set[str]] = {}
    for claim in claims:
        if not claim.fault:
            versions.setdefault(_normal(claim.distribution), set()).add(claim.version)
    return unique(_with_fault(claim, versions.get(_normal(claim.distribution), set())) for claim in claims)


def unique(claims: Iterable[Claim]) -> list[Claim]:
    """Sort claims by name and distribution, and keep one for each name and value, if possible one without a fault.

    Args:
        claims: claims in any order.
    """
    kept: dict[tuple[str, str], Claim] = {}
    listed = sorted(claims, key=lambda claim: (claim.name, _normal(claim.distribution), claim.value))
    for claim in sorted(listed, key=lambda claim: bool(claim.fault)):
        kept.setdefault((claim.name, claim.value), claim)
    return [claim for claim in listed if kept[claim.name, claim.value] is claim]


def _visible(found: Iterable[Distribution]) -> Iterator[Distribution]:
    """Leave out distributions that Python does not import: hidden by an earlier folder, or set aside by pip."""
    folders: dict[str, str] = {}
    for distribution in found:
        name, folder = _name_and_folder(distribution)
        if not name.startswith("~") and folders.setdefault(name, folder) == folder:
            yield distribution


def _claims(distribution: Distribution) -> Iterator[Claim]:
    """Return the claims of a distribution. No content of its files raises."""
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
        distributed_as = name or _name_and_folder(distribution)[0]
        load = partial(_load, point, value)
        yield Claim(point, distributed_as, version or "unknown", module_and_class, extras, load, fault)


def _lines_of_group(text: str) -> Iterator[tuple[str, str]]:
    """Return the lines `name = value` of our group, unchanged. Other groups in entry_points.txt are not read."""
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
    """Return the text of the first of these files that exists, and the reason if it cannot be read properly."""
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
    """Return the value of a header of METADATA. The headers end at the first empty line."""
    found = re.search(rf"^{name}:[ \t]*(\S.*?)[ \t\r]*$", re.split(r"\r?\n\r?\n", text, maxsplit=1)[0], re.MULTILINE)
    return found[1] if found else ""


def _name_and_folder(distribution: Distribution) -> tuple[str, str]:
    """Return the name in the name of the folder `name-version.dist-info`, and the folder that contains it."""
    try:
        return str(getattr(distribution, "_normalized_name", None) or "unknown"), str(distribution.locate_file(""))
    except Exception:
        return "unknown", ""


def _load(name: str, value: str) -> Any:
    return EntryPoint(name, value, GROUP).load()


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
