"""The operations on whole images by name, found in the files of a package."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from augsynth.whole_image.description import WholeImageOperation


def operations_in(package: ModuleType) -> Mapping[str, WholeImageOperation]:
    """The descriptions that are variables of the modules in `package`."""
    found: dict[str, WholeImageOperation] = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        for value in vars(import_module(f"{package.__name__}.{name}")).values():
            if isinstance(value, WholeImageOperation) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"{package.__name__}.{name} describes {value.name!r}, which another file describes")
    return found


OPERATIONS = operations_in(import_module(__name__.rpartition(".")[0]))
