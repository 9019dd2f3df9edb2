"""The imports of the room of generators: no ring, and each folder imports only what its row names."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

from augsynth import generators

ROOM = Path(generators.__file__).parent
# The folders, and the single files that they share, from the ground upwards.
ALLOWED: dict[str, set[str]] = {
    "files": set(),
    "reading": {"files"},
    "checkpoints": set(),
    "training": {"checkpoints", "files", "reading"},
    "toolkit": {"training"},
    "contract": {"checkpoints", "files", "reading", "training"},
    "registry": {"checkpoints", "contract"},
}
FILES = sorted(path for path in ROOM.rglob("*.py") if path not in (ROOM / "__init__.py", ROOM / "fitting.py"))


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOM).with_suffix("").parts).removesuffix(".__init__")


def _folder(module: str) -> str:
    folder = module.partition(".")[0]
    return folder if (ROOM / folder).is_dir() else "files"


def _imports(path: Path) -> set[str]:
    """The modules of the room that a module imports, under TYPE_CHECKING too."""
    known, found = {_name(other) for other in FILES}, set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("augsynth.generators."):
            module = str(node.module).removeprefix("augsynth.generators").removeprefix(".")
            names = {f"{module}.{alias.name}".removeprefix(".") for alias in node.names}
            found |= names & known or {module}
    return found


def test_imports_form_no_ring() -> None:
    list(graphlib.TopologicalSorter({_name(path): _imports(path) for path in FILES}).static_order())


def test_a_folder_imports_only_what_its_row_names() -> None:
    imported: dict[str, set[str]] = {folder: set() for folder in ALLOWED}
    for path in FILES:
        imported[_folder(_name(path))] |= {_folder(module) for module in _imports(path)}
    assert {folder: found - {folder} for folder, found in imported.items()} == ALLOWED


def test_no_row_names_a_folder_below_it() -> None:
    for rank, folder in enumerate(ALLOWED):
        assert ALLOWED[folder] <= set(list(ALLOWED)[:rank]), folder
