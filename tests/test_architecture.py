"""Tests of the structure in docs/design/decisions.md: imports go one way, and the facade is complete."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import augsynth

PACKAGE = Path(__file__).resolve().parent.parent / "augsynth"
# Rooms that each room may import, beside itself. The rooms stand from the ground upwards.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "progress": set(),
    "_native": {"errors"},
    "core": {"_native", "errors"},
    "whole_image": {"_native", "core", "errors"},
    "plan": {"_native", "core", "errors", "whole_image"},
    "engine": {"_native", "core", "errors", "plan", "whole_image"},
    "differentiable": {"engine"},
    "targets": {"_native", "core", "engine", "errors", "plan"},
    "transforms": {"_native", "core", "engine", "errors", "plan", "targets", "whole_image"},
    "copies": {"core", "errors"},
    "classifier": {"_native", "core", "errors"},
    "gates": {"classifier", "copies", "core", "errors"},
    "generators": {"_native", "copies", "core", "errors", "progress"},
    "data": {"_native", "core", "engine", "errors", "gates", "generators", "plan", "progress", "targets", "transforms"},
    "evaluate": {
        "_native",
        "classifier",
        "copies",
        "core",
        "data",
        "errors",
        "gates",
        "generators",
        "progress",
        "transforms",
    },
    "cli": {"_native", "core", "data", "errors", "evaluate", "gates", "generators", "transforms"},
    "testing": {"core", "errors", "generators", "plan", "transforms"},
}
# Folders of data that each folder of data may import, beside itself.
ALLOWED_IN_DATA: dict[str, set[str]] = {
    "wrapper": set(),
    "schedules": set(),
    "loading": {"wrapper"},
    "pools.reading": {"loading"},
    "pools.exporting": set(),
    "pools": {"pools.exporting", "pools.reading"},
    "prefetching": {"wrapper"},
    "mixing.items": set(),
    "mixing.rule": {"mixing.items", "pools", "schedules"},
    "mixing.epochs": set(),
    "refreshing": {"mixing.epochs", "pools"},
    "mixing": {"mixing.epochs", "mixing.items", "mixing.rule", "pools"},
    "mixing.samplers": {"mixing", "mixing.epochs", "mixing.rule"},
    "mixing.streams": {"mixing", "mixing.epochs", "mixing.items", "mixing.rule"},
}
EXTENSIONS = {"_cpu", "_cuda"}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "augsynth":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("augsynth."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("augsynth.")}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    room = _room(path)
    assert _imported_rooms(path) & ALLOWED.keys() <= ALLOWED[room] | {room}


def test_no_room_may_import_one_above_it() -> None:
    rooms = list(ALLOWED)
    for rank, room in enumerate(rooms):
        assert ALLOWED[room] <= set(rooms[:rank]), room


def test_the_table_allows_nothing_that_no_module_needs() -> None:
    for room, allowed in ALLOWED.items():
        assert allowed == set().union(*(_imported_rooms(path) for path in FILES if _room(path) == room)) - {room}, room


def test_folders_of_data_import_what_their_table_says() -> None:
    found: dict[str, set[str]] = {folder: set() for folder in ALLOWED_IN_DATA}
    for path in (PACKAGE / "data").rglob("*/*.py"):
        found[_data_folder(_module(path))] |= _data_folders_imported(path)
    assert {folder: imported - {folder} for folder, imported in found.items()} == ALLOWED_IN_DATA


def test_no_folder_of_data_may_import_one_below_it() -> None:
    for rank, (folder, allowed) in enumerate(ALLOWED_IN_DATA.items()):
        assert allowed <= set(list(ALLOWED_IN_DATA)[:rank]), folder


def _module(path: Path) -> str:
    return ".".join(("augsynth", *path.relative_to(PACKAGE).with_suffix("").parts))


def _data_folder(module: str) -> str:
    """Return the folder of a module of data, as the table names it: "mixing.rule" for its module quota."""
    parts = module.split(".")[2:]
    return ".".join(parts[:-1] or parts)


def _data_folders_imported(path: Path) -> set[str]:
    nodes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom))
    modules = {
        f"{node.module}.{alias.name}" if (PACKAGE.parent / str(node.module).replace(".", "/")).is_dir() else node.module
        for node in nodes
        for alias in node.names
    }
    return {_data_folder(str(module)) for module in modules if str(module).startswith("augsynth.data.")}


def test_only_one_room_imports_the_extensions() -> None:
    importing = {path for path in FILES if EXTENSIONS & _names_imported_from(path, "augsynth._native")}
    assert {_room(path) for path in importing} == {"_native"}


def _names_imported_from(path: Path, module: str) -> set[str]:
    nodes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom))
    return {alias.name for node in nodes if node.module == module for alias in node.names}


def test_only_the_engine_runs_passes() -> None:
    """Each way of running passes is one file; only `executor.py` goes from step to step."""
    assert {path.relative_to(PACKAGE).as_posix() for path in FILES if {"run", "launch"} & _called_of_native(path)} == {
        "engine/cpu.py",
        "engine/cuda/passes.py",
    }


def _called_of_native(path: Path) -> set[str]:
    calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return {
        call.attr
        for call in calls
        if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name) and call.value.id == "_native"
    }


def test_no_folder_calls_the_private_methods_of_another() -> None:
    methods = {path: _private_methods(path) for path in FILES}
    known = set().union(*methods.values())
    for path in FILES:
        own = set().union(*(names for other, names in methods.items() if other.parent == path.parent))
        assert not _private_names_used(path) & (known - own), path


def _private_methods(path: Path) -> set[str]:
    classes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef))
    names = {member.name for one in classes for member in one.body if isinstance(member, ast.FunctionDef)}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def _private_names_used(path: Path) -> set[str]:
    """Return the private names that are used of other objects than `self` and `cls`."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    }


@pytest.mark.parametrize("room", ALLOWED)
def test_the_modules_of_a_room_import_each_other_one_way(room: str) -> None:
    """Imports inside functions and for type checkers count, too."""
    imports = {_module(path): _imported_modules(path) for path in FILES if _room(path) == room}
    TopologicalSorter({module: found & imports.keys() for module, found in imports.items()}).prepare()


def _module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def _imported_modules(path: Path) -> set[str]:
    known = {_module(file) for file in FILES}
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names if alias.name not in EXTENSIONS}
            found |= names & known or ({str(node.module)} if names else set())
    return found


def test_every_room_has_a_place() -> None:
    assert {_room(path) for path in FILES} == set(ALLOWED)


def test_the_facade_gives_every_name_it_lists() -> None:
    for name in augsynth.__all__:
        assert getattr(augsynth, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        augsynth.nothing_like_it  # noqa: B018
