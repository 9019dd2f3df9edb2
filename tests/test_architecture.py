"""The house stands as docs/design/decisions.md draws it: imports go one way, and the facade is complete."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import augsynth

PACKAGE = Path(__file__).resolve().parent.parent / "augsynth"
LAYERS = (
    ("errors", "files", "layout", "npy", "progress"),
    ("_native",),
    ("rng", "memory", "operations", "whole_image", "geometry", "arrays", "pillow", "positions"),
    ("plan", "images"),
    ("engine",),
    ("targets", "lowering", "differentiable"),
    ("transforms",),
    ("generators",),
    ("data",),
    ("evaluate",),
    ("cli",),
    ("testing",),
)
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
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
def test_no_module_imports_upwards(path: Path) -> None:
    rank = RANK[_room(path)]
    for room in _imported_rooms(path) & RANK.keys():
        assert RANK[room] <= rank, f"{path.name} imports {room}, which lies above it"


def test_only_one_room_imports_the_extensions() -> None:
    assert {_room(path) for path in FILES if {"_cpu", "_cuda"} & _imported_rooms(path)} == {"_native"}


def test_only_the_engine_runs_passes() -> None:
    """And each way of running them in one file: `executor.py` alone goes from step to step."""
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
    """Those of anything but the object that a method belongs to."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    }


def test_every_room_has_a_place() -> None:
    assert {_room(path) for path in FILES} == set(RANK)


def test_the_facade_gives_every_name_it_lists() -> None:
    for name in augsynth.__all__:
        assert getattr(augsynth, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        augsynth.nothing_like_it  # noqa: B018
