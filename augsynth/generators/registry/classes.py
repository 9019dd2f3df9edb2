"""Checks of a generator class before it is used."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from augsynth.errors import PluginError, shown
from augsynth.generators.contract.generator import API_VERSION, Generator
from augsynth.generators.contract.network import NetworkGenerator
from augsynth.generators.registry.discovery import Claim


def check_class(claim: Claim, kind: Any) -> type[Generator]:
    """Return a generator class of this API version; raise `PluginError` for everything else.

    Args:
        claim: the entry point that it comes from.
        kind: the object that was imported.
    """
    if not (isinstance(kind, type) and issubclass(kind, Generator)):
        raise PluginError(f"{claim.value} is {shown(kind)}; expected a subclass of augsynth.generators.Generator")
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise PluginError(f"{claim.value} does not define {missing}")
    wanted = getattr(kind, "api_version", None)
    if type(wanted) is not int or wanted != API_VERSION:
        stated = "states no api_version" if wanted is None else f"was made for API version {shown(wanted)}"
        raise PluginError(f"{claim.value} {stated}; this augsynth offers API version {API_VERSION}")
    name = getattr(kind, "name", None)
    if not isinstance(name, str) or name != claim.name:
        raise PluginError(f"{claim.value} calls itself {shown(name)}, but is listed as {claim.name!r}")
    if hasattr(kind, "training_step") and not issubclass(kind, NetworkGenerator):
        raise PluginError(
            f"{claim.value} defines training_step, which is for networks: derive it from "
            "augsynth.generators.NetworkGenerator, not from Generator"
        )
    _check_attributes(claim, kind)
    return kind


def _check_attributes(claim: Claim, kind: type[Generator]) -> None:
    config = getattr(kind, "Config", None)
    if not (isinstance(config, type) and dataclasses.is_dataclass(config)):
        raise PluginError(f"the Config of {claim.value} is {shown(config)}; expected a frozen dataclass")
    bare = [field.name for field in dataclasses.fields(config) if field.init and _has_no_default(field)]
    if bare:
        raise PluginError(f"the Config of {claim.value} gives no default for {', '.join(bare)}")
    declared = kind.capabilities
    if not isinstance(declared, (frozenset, set)) or not all(isinstance(capability, str) for capability in declared):
        raise PluginError(f"the capabilities of {claim.value} are {shown(declared)}; expected a frozenset of names")
    if type(kind.tile) is not int or kind.tile < 1:
        raise PluginError(f"the tile of {claim.value} is {shown(kind.tile)}; expected an integer of at least 1")


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
