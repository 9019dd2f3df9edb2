"""Rooms of the native code: includes go one way, as the table says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSRC = Path(__file__).resolve().parent.parent / "csrc"
# The rooms that each room may include, beside itself. The rooms stand from the ground upwards.
ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "dispatch": {"core"},
    "memory": {"core"},
    "pass": {"core"},
    "validation": {"core", "pass"},
    "pixel": {"pass"},
    "gradient": {"core", "pass"},
    "vectors/simd": {"pass"},
    "vectors/stages": {"core", "pass"},
    "whole_image": {"core", "dispatch", "memory", "pass"},
    "vectors/isa": {"pixel", "vectors/simd", "vectors/stages", "whole_image"},
    "cpu": {"core", "dispatch", "gradient", "pass", "validation", "whole_image"},
    "cuda": {"core", "gradient", "pass", "pixel", "validation"},
    "bindings": {"core", "gradient"},
    "bindings/cpu": {"bindings", "core", "cpu", "dispatch", "memory", "whole_image"},
    "bindings/cuda": {"bindings", "core", "cuda"},
}
FILES = sorted(path for path in CSRC.rglob("*.*") if path.suffix in (".cpp", ".cu", ".h", ".inl"))


def _room(path: str) -> str:
    return path.rpartition("/")[0]


def _included_rooms(path: Path) -> set[str]:
    return {_room(name) for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CSRC)))
def test_a_file_includes_only_what_its_room_may(path: Path) -> None:
    room = _room(path.relative_to(CSRC).as_posix())
    assert _included_rooms(path) <= ALLOWED[room] | {room}


def test_no_room_may_include_one_above_it() -> None:
    rooms = list(ALLOWED)
    for rank, room in enumerate(rooms):
        assert ALLOWED[room] <= set(rooms[:rank]), room


def test_the_table_allows_nothing_that_no_file_needs() -> None:
    for room, allowed in ALLOWED.items():
        files = [path for path in FILES if _room(path.relative_to(CSRC).as_posix()) == room]
        assert allowed == set().union(*map(_included_rooms, files)) - {room}, room
