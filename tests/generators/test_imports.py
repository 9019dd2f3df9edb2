"""The room of generators has no ring of imports, not even one that only a type checker follows."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

from augsynth import generators

ROOM = Path(generators.__file__).parent


def _imports(path: Path) -> set[str]:
    """The modules of the room that a module imports, under TYPE_CHECKING too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "augsynth.generators":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("augsynth.generators."):
            found.add(str(node.module).split(".")[2])
    return found


def test_imports_form_no_ring() -> None:
    graph = {path.stem: _imports(path) for path in ROOM.glob("*.py") if path.stem != "__init__"}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert order.index("training") < order.index("network")
    assert {"learning", "kinds", "steps"} <= set(order[: order.index("base")])
