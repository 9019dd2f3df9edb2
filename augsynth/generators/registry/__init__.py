"""Finding generators by name. Listing imports no plugin, and a plugin that fails does not affect the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from augsynth.core.checks import check_path
from augsynth.generators.checkpoints import checkpoint
from augsynth.generators.contract.generator import Generator
from augsynth.generators.registry.catalogue import CheckResult, GeneratorInfo, Registry

__all__ = [
    "CheckResult",
    "GeneratorInfo",
    "Registry",
    "check",
    "create_generator",
    "describe",
    "list_generators",
    "load_generator",
    "refresh",
    "register_generator",
    "registered_generators",
]

GeneratorClass = TypeVar("GeneratorClass", bound=type[Generator])

_REGISTRY = Registry()


def list_generators() -> list[GeneratorInfo]:
    """Return all generators, sorted by name. It imports no plugin, and never raises because of one."""
    return _REGISTRY.infos()


def create_generator(name: str, **config: Any) -> Generator:
    """Make a generator by name.

    Raises `PluginError` if there is no such generator or it cannot be loaded, and `ArgumentError` for an option that it
    does not have.

    Args:
        name: name of the generator; `distribution:name` if several distributions claim the name.
        config: options of its `Config`, by name.
    """
    return _REGISTRY.load(name).configure(**config)


def load_generator(path: str | Path, *, device: torch.device | str = "cpu") -> Generator:
    """Read a saved generator, whose plugin must be installed. Raises `CheckpointError` or `PluginError`.

    Args:
        path: a folder that `save`, or `fit` with a `checkpoint_dir`, has written.
        device: a device, its name, or "auto"; default "cpu".
    """
    description = checkpoint.Checkpoint.open(check_path("path", path)).description
    return _REGISTRY.load(description.name, description.class_path).load(path, device=device)


def register_generator(name: str) -> Callable[[GeneratorClass], GeneratorClass]:
    """Register a class in this process, without a package: a class decorator.

    Args:
        name: name of the generator, equal to the `name` of the class.
    """

    def register(kind: GeneratorClass) -> GeneratorClass:
        _REGISTRY.register(name, kind)
        return kind

    return register


def registered_generators() -> dict[str, type[Generator]]:
    """Return the classes that were registered in this process, by name: those that other processes do not know."""
    return _REGISTRY.registered()


def refresh() -> None:
    """Look for installed plugins again: after an installation, or after the repair of a plugin that failed."""
    _REGISTRY.refresh()


def check() -> list[CheckResult]:
    """Load every plugin that is not switched off, and return the result of each."""
    return _REGISTRY.check()


def describe() -> list[dict[str, str]]:
    """Return a row of a table for each generator: name, distribution, version, class and status."""
    return [
        {
            "name": info.name,
            "distribution": info.distribution,
            "version": info.version,
            "class": info.value,
            "status": info.status,
        }
        for info in list_generators()
    ]
