"""Which generator plugins are installed: read from package metadata, without importing any."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

GROUP = "augsynth.generators"
"""The entry-point group; each object in it is a `Generator` subclass."""

SWITCH = "AUGSYNTH_PLUGINS"
"""Environment variable: `off`, or a comma list of the names that may be loaded; unset or empty allows all."""

LOCAL = "local"
"""Stands for the distribution of what `register_generator` has added in this process."""


@dataclass(frozen=True)
class Claim:
    """One distribution's claim to a name; `value` is "module:class", `load` imports it."""

    name: str
    distribution: str
    version: str
    value: str
    extras: tuple[str, ...]
    load: Callable[[], Any] = field(compare=False)

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
    return unique(_claim(point) for point in entry_points(group=GROUP))


def unique(claims: Iterable[Claim]) -> list[Claim]:
    """Sort claims by name and distribution, and keep the first of those with one name and value."""
    kept: dict[tuple[str, str], Claim] = {}
    for claim in sorted(claims, key=lambda claim: (claim.name, _normal(claim.distribution), claim.value)):
        kept.setdefault((claim.name, claim.value), claim)
    return list(kept.values())


def _claim(point: EntryPoint) -> Claim:
    distribution = version = "unknown"
    if point.dist is not None:
        distribution = point.dist.metadata["Name"] or distribution
        version = point.dist.metadata["Version"] or version
    value = f"{point.module}:{point.attr}"
    return Claim(point.name, distribution, version, value, tuple(point.extras), point.load)


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
