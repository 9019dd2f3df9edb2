"""Finding generators by name. Listing imports nothing; a plugin that fails is remembered and harms no other."""

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
]

GeneratorClass = TypeVar("GeneratorClass", bound=type[Generator])

_REGISTRY = Registry()


def list_generators() -> list[GeneratorInfo]:
    """All generators, sorted by name; imports no plugin, and never raises because of one."""
    return _REGISTRY.infos()


def create_generator(name: str, **config: Any) -> Generator:
    """Make a generator by name; `distribution:name` chooses among rivals. Options are those of its `Config`.

    Raises `PluginError` if there is no such generator, or it cannot be loaded, and `ArgumentError` for an option
    that it does not have.
    """
    return _REGISTRY.load(name).configure(**config)


def load_generator(path: str | Path, *, device: torch.device | str = "cpu") -> Generator:
    """Read a saved generator; the plugin that it names must be installed. Raises `CheckpointError`, `PluginError`."""
    description = checkpoint.Checkpoint.open(check_path("path", path)).description
    return _REGISTRY.load(description.name, description.class_path).load(path, device=device)


def register_generator(name: str) -> Callable[[GeneratorClass], GeneratorClass]:
    """Class decorator: make a generator known to this process, without packaging it."""

    def register(kind: GeneratorClass) -> GeneratorClass:
        _REGISTRY.register(name, kind)
        return kind

    return register


def refresh() -> None:
    """Look for installed plugins again: after an installation, or once what made one fail is mended."""
    _REGISTRY.refresh()


def check() -> list[CheckResult]:
    """Load every plugin that is not switched off, each apart from the others, and return what happened."""
    return _REGISTRY.check()


def describe() -> list[dict[str, str]]:
    """One row a generator, for a table: name, distribution, version, class, status."""
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
