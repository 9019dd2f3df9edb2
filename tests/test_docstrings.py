"""Docstrings: their examples run, their first word is a noun or a verb, and public ones describe every parameter."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import itertools
import pkgutil
import re
from collections.abc import Iterator
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any

import pytest

import augsynth

COMPILED = ("._cpu", "._cuda")
MODULES = sorted(
    info.name for info in pkgutil.walk_packages(augsynth.__path__, "augsynth.") if not info.name.endswith(COMPILED)
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    outcome = doctest.testmod(module, optionflags=flags, report=True)
    assert outcome.failed == 0


def test_examples_are_found() -> None:
    finder = doctest.DocTestFinder()
    count = sum(len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name)))
    assert count > 100


OPENERS = {"What", "Whether", "Which", "Those", "Of", "That", "How", "Where"}


def _docstrings(module: ModuleType) -> Iterator[tuple[str, str]]:
    """The docstrings in the source of a module, by the names of what they describe."""
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield getattr(node, "name", module.__name__), ast.get_docstring(node) or ""


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_begin_with_a_noun_or_a_verb(name: str) -> None:
    found = _docstrings(importlib.import_module(name))
    assert [(owner, text) for owner, text in found if text.split(" ", 1)[0] in OPENERS] == []


def _public() -> dict[str, Any]:
    """The classes and functions with parameters that the package lists in an `__all__`, by their full names."""
    modules = [importlib.import_module(name) for name in ("augsynth", *MODULES)]
    values = [getattr(module, name) for module in modules for name in getattr(module, "__all__", ())]
    written = [value for value in values if _is_written_in_python(value)]
    return {f"{value.__module__}.{value.__qualname__}": value for value in written if _parameters(value)}


def _is_written_in_python(value: Any) -> bool:
    plain = inspect.unwrap(value) if callable(value) else value
    return isinstance(plain, (type, FunctionType)) and plain.__module__ in (*MODULES, "augsynth")


def _parameters(value: Any) -> set[str]:
    if isinstance(value, type) and issubclass(value, (BaseException, Enum)):
        return set()
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name for name, each in inspect.signature(value).parameters.items() if each.kind not in variadic}


def _described(value: Any) -> set[str]:
    """The parameters that the `Args:` of a docstring name: "name: …", or "name, name: …"."""
    _, _, section = inspect.getdoc(value).partition("\nArgs:\n")
    lines = itertools.takewhile(lambda line: not line or line.startswith(" "), section.splitlines())
    entries = (re.match(r" {4}([\w*]+(?:, [\w*]+)*):", line) for line in lines)
    return {name for entry in entries if entry for name in entry.group(1).replace("*", "").split(", ")}


PUBLIC = _public()


@pytest.mark.parametrize("name", PUBLIC)
def test_the_docstrings_of_public_names_describe_every_parameter(name: str) -> None:
    assert _parameters(PUBLIC[name]) - _described(PUBLIC[name]) == set()
