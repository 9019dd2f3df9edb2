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
    ("rng", "memory", "operations", "geometry", "arrays", "pillow", "positions"),
    ("plan", "images"),
    ("operate",),
    ("device",),
    ("targets",),
    ("lowering", "execute", "reference", "differentiable"),
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


def test_every_room_has_a_place() -> None:
    assert {_room(path) for path in FILES} == set(RANK)


def test_the_facade_gives_every_name_it_lists() -> None:
    for name in augsynth.__all__:
        assert getattr(augsynth, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        augsynth.nothing_like_it  # noqa: B018
