"""Files of plans: .npz archives without pickle, whose rows are all checked when they are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Any, TypeVar
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import numpy.typing as npt

from augsynth._native.layout import COLOUR, DISPLACEMENT, ERASURE, MISSING, PLAN_MAGIC, PLAN_VERSION, ROW, Tables
from augsynth.core.files import open_file
from augsynth.core.typing import Array
from augsynth.errors import CheckpointError, PlanError, shown
from augsynth.plan.barriers import Barrier
from augsynth.plan.passes import Pass, new_rows
from augsynth.plan.sequence import PlanStep, check_sequence, passes_of
from augsynth.plan.table_rules import check_pass

_Read = TypeVar("_Read")
PathOrFile = str | os.PathLike[str] | IO[bytes]
_TABLES = {"colours": COLOUR, "erasures": ERASURE, "missing": MISSING, "displacements": DISPLACEMENT}
_PLAIN = ("luts", "offsets")  # tables of plain numbers
# Version 3 had no displacements.
_READABLE = (3, PLAN_VERSION)
_ROW_3 = np.dtype([(name, ROW[name]) for name in ROW.names or () if name != "displacement"], align=True)


def write_steps(steps: tuple[PlanStep, ...], path: PathOrFile) -> None:
    """Write the steps of a plan to a path or into a binary file."""
    write_arrays({"header": np.array([PLAN_MAGIC, PLAN_VERSION, len(steps)], np.uint32), **step_arrays(steps)}, path)


def read_steps(path: PathOrFile) -> tuple[PlanStep, ...]:
    """Read the steps that `write_steps` wrote; `CheckpointError` for any other file."""

    def steps_in(archive: Mapping[str, Array]) -> tuple[PlanStep, ...]:
        _check_header(archive["header"], path)
        return steps_of(archive, int(archive["header"][2]), int(archive["header"][1]))

    return read_arrays(path, "plan", steps_in)


def write_arrays(arrays: Mapping[str, Array], path: PathOrFile) -> None:
    """Write arrays by their names to a path or into a binary file."""
    with _opened(path, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_arrays(path: PathOrFile, what: str, reader: Callable[[Mapping[str, Array]], _Read]) -> _Read:
    """Read a file that `write_arrays` wrote; `CheckpointError` for any other file.

    Args:
        path: a path, or a binary file.
        what: the object that the file holds, for messages.
        reader: makes the object of the arrays by their names, and raises any error if they are damaged.
    """
    try:
        with _opened(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            _check_members(archive.zip)
            return reader(archive)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged archive makes zipfile and NumPy raise nearly anything
        raise CheckpointError(f"{file_name(path)} is no {what} that can be read: {str(error)[:200]}") from error


def step_arrays(steps: tuple[PlanStep, ...], prefix: str = "") -> dict[str, Array]:
    """The steps of a plan as arrays by their names, which begin with `prefix`."""
    arrays: dict[str, Array] = {}
    for number, step in enumerate(steps):
        parts = _pass_arrays(step) if isinstance(step, Pass) else _barrier_arrays(step)
        arrays |= {f"{prefix}{number}.{name}": array for name, array in parts.items()}
    return arrays


def steps_of(
    archive: Mapping[str, Array], count: int, version: int = PLAN_VERSION, prefix: str = ""
) -> tuple[PlanStep, ...]:
    """The `count` steps in arrays that `step_arrays` gave; some error if they are damaged."""
    steps = tuple(_step_of(archive, f"{prefix}{number}.", version) for number in range(count))
    check_sequence(steps)
    for number, step in enumerate(passes_of(steps)):
        check_pass(step, f"pass {number}")
    return steps


def _pass_arrays(step: Pass) -> dict[str, Array]:
    tables = {name: getattr(step.tables, name) for name in (*_TABLES, *_PLAIN)}
    used = {name: array for name, array in tables.items() if len(array)}
    structured = {name: _as_bytes(array) for name, array in {"rows": step.rows, **used}.items() if name not in _PLAIN}
    return used | structured


def _barrier_arrays(barrier: Barrier) -> dict[str, Array]:
    if barrier.function is not None:
        raise PlanError(
            f"the plan holds a function of yours ({barrier.operation}), which cannot be stored: store the plan's keys, "
            "and draw it again"
        )
    arrays: dict[str, Array] = {"operation": np.array(barrier.operation), "active": barrier.active}
    arrays |= {f"parameters.{name}": np.asarray(values) for name, values in barrier.parameters.items()}
    arrays |= {f"settings.{name}": np.asarray(values) for name, values in barrier.settings.items()}
    return arrays


def _step_of(archive: Mapping[str, Array], prefix: str, version: int) -> PlanStep:
    parts = {name.removeprefix(prefix): archive[name] for name in archive if name.startswith(prefix)}
    if "operation" in parts:
        groups = {
            group: {name.removeprefix(f"{group}."): array for name, array in parts.items() if name.startswith(group)}
            for group in ("parameters", "settings")
        }
        active = parts["active"]
        if active.dtype != np.bool_ or active.ndim != 1:
            raise ValueError(f"a barrier names its samples by bool (n,), got {active.dtype} {active.shape}")
        return Barrier(str(parts["operation"]), active, groups["parameters"], groups["settings"])
    tables = {name: _from_bytes(parts[name], name, structure) for name, structure in _TABLES.items() if name in parts}
    plain = {name: parts[name] for name in _PLAIN if name in parts}
    return Pass(_rows_of(parts["rows"], version), Tables(**tables, **plain))


def _rows_of(stored: Array, version: int) -> Array:
    if version == PLAN_VERSION:
        return _from_bytes(stored, "rows", ROW)
    former = _from_bytes(stored, "rows", _ROW_3)
    rows = new_rows(len(former))
    for name in _ROW_3.names or ():
        rows[name] = former[name]
    return rows


def _as_bytes(rows: Array) -> npt.NDArray[np.uint8]:
    # NumPy leaves the padding of a structured array undefined when it copies field by field; bytes it copies whole.
    return np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), rows.dtype.itemsize)


def _from_bytes(stored: Array, name: str, structure: np.dtype[Any]) -> Array:
    if stored.dtype != np.uint8 or stored.ndim != 2 or stored.shape[1] != structure.itemsize:
        raise ValueError(
            f"{name} are stored as {stored.dtype} {stored.shape}, expected uint8 (n, {structure.itemsize})"
        )
    return np.ascontiguousarray(stored).view(structure).reshape(len(stored))


def _check_header(header: Array, path: PathOrFile) -> None:
    if header.dtype != np.uint32 or header.shape != (3,) or int(header[0]) != PLAN_MAGIC:
        raise CheckpointError(f"{file_name(path)} is no augsynth plan: its header is {header!r}")
    if int(header[1]) not in _READABLE:
        raise CheckpointError(
            f"{file_name(path)} holds a plan of version {int(header[1])}, this augsynth reads the versions "
            f"{' and '.join(map(str, _READABLE))}: draw the plan again from its keys"
        )


def _check_members(archive: ZipFile) -> None:
    """Refuse compressed members: they can take a million times the memory of the file, and the others cannot."""
    for member in archive.infolist():
        if member.compress_type != ZIP_STORED:
            raise CheckpointError(
                f"a plan's members are not compressed, but {shown(member.filename)} is: load no file like it"
            )


def _opened(path: PathOrFile, mode: str) -> AbstractContextManager[IO[bytes]]:
    if isinstance(path, (str, os.PathLike)):
        return open_file(path) if mode == "rb" else open(path, mode)
    return nullcontext(path)


def file_name(path: PathOrFile) -> str:
    """The name of a file in messages."""
    return repr(os.fspath(path)) if isinstance(path, (str, os.PathLike)) else "the file"
