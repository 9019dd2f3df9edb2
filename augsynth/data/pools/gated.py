"""Selections and quarantines of a pool, recorded in its manifest by name, reason and parameters.

An entry of the manifest names its items by their digest. Their numbers are in the file `items-<digest>.npy`, which is
written before the manifest, and removed after it. So a killed process leaves a pool with the entry or without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from augsynth.core.files import open_file
from augsynth.core.npy import read_npy_header
from augsynth.core.typing import Ints
from augsynth.data.pools.manifest import Manifest
from augsynth.data.pools.shards import write_array
from augsynth.data.pools.writer import change
from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError, shown

_ITEM = np.dtype("<u8")


def entries(manifest: Manifest, kind: str) -> list[dict[str, Any]]:
    """Return the entries of a manifest of one kind.

    Args:
        manifest: the manifest.
        kind: "selection" or "quarantine".
    """
    return [entry for entry in manifest.views if entry.get("kind") == kind]


def selection_name(recipe: str, parameters: Mapping[str, Any]) -> str:
    """Return the name of a selection, which is equal for equal parameters alone.

    Args:
        recipe: name of the recipe.
        parameters: all that decides the choice, JSON-ready.
    """
    return f"{recipe}-{hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:8]}"


def record_selection(folder: Path, name: str, recipe: str, parameters: Mapping[str, Any], items: Ints) -> Manifest:
    """Record a selection, in place of an older one of the same name.

    Args:
        folder: folder of the pool.
        name: name of the selection.
        recipe: name of its recipe.
        parameters: all that decided the choice, JSON-ready.
        items: numbers of the items that were kept.
    """
    return _record(folder, {"name": name, "kind": "selection", "recipe": recipe, "parameters": dict(parameters)}, items)


def record_quarantine(folder: Path, reason: str, items: Ints) -> Manifest:
    """Put items into quarantine, beside those that are there for the same reason.

    Args:
        folder: folder of the pool.
        reason: the reason.
        items: numbers of the items.
    """
    entry = {"name": quarantine_name(reason), "kind": "quarantine", "reason": reason}
    return _record(folder, entry, items, added=True)


def remove(folder: Path, name: str) -> Manifest:
    """Remove an entry.

    Args:
        folder: folder of the pool.
        name: its name.
    """
    gone: list[dict[str, Any]] = []

    def edit(manifest: Manifest) -> Manifest:
        gone.extend(entry for entry in manifest.views if entry["name"] == name)
        return replace(manifest, views=tuple(entry for entry in manifest.views if entry["name"] != name))

    edited = change(folder, edit)
    _remove_files(folder, gone, edited)
    return edited


def quarantine_name(reason: Any) -> str:
    """Return the name of the entry for a reason; raise an error for a reason that is no text, or empty.

    Args:
        reason: the reason.
    """
    if not isinstance(reason, str):
        raise ArgumentTypeError(f"reason must be a text, got {shown(reason)}")
    if not reason.strip():
        raise ArgumentError("reason must not be empty: it is what release() is given")
    return f"quarantine: {reason}"


def read_items(folder: Path, entry: Mapping[str, Any]) -> Ints:
    """Return the numbers of the items of an entry, in rising order; raise `CheckpointError` if they are damaged.

    Args:
        folder: folder of the pool.
        entry: the entry.
    """
    digest = entry.get("items")
    if not isinstance(digest, str) or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise CheckpointError(f"the manifest of {folder} names no items for {shown(entry['name'])}")
    file = folder / _file(digest)
    try:
        with open_file(file) as stream:
            header = read_npy_header(stream)
            values = stream.read()
        if header.dtype != _ITEM or header.nbytes != len(values) or hashlib.sha256(values).hexdigest() != digest:
            raise ValueError("it does not hold the items that the manifest names")
    except (OSError, ValueError) as cause:
        raise CheckpointError(f"{file} cannot be read: {cause}") from cause
    return np.frombuffer(values, _ITEM).astype(np.int64)


def _record(folder: Path, entry: dict[str, Any], items: Ints, *, added: bool = False) -> Manifest:
    """Write the items, and then the entry in place of one of the same name, whose items are kept if `added`."""
    gone: list[dict[str, Any]] = []

    def edit(manifest: Manifest) -> Manifest:
        gone.extend(other for other in manifest.views if other["name"] == entry["name"])
        before = [read_items(folder, other) for other in gone] if added else []
        values = np.unique(np.concatenate([items, *before])).astype(_ITEM)
        if len(values) and values[-1] >= len(manifest):
            raise ArgumentError(f"the pool {folder} has {len(manifest)} items, got number {values[-1]}")
        digest = hashlib.sha256(values.tobytes()).hexdigest()
        write_array(folder / _file(digest), values)
        others = (other for other in manifest.views if other["name"] != entry["name"])
        return replace(manifest, views=(*others, {**entry, "count": len(values), "items": digest}))

    edited = change(folder, edit)
    _remove_files(folder, gone, edited)
    return edited


def _remove_files(folder: Path, gone: list[dict[str, Any]], manifest: Manifest) -> None:
    used = {entry.get("items") for entry in manifest.views}
    for entry in gone:
        if entry["items"] not in used:
            with suppress(OSError):
                (folder / _file(entry["items"])).unlink()


def _file(digest: str) -> str:
    return f"items-{digest[:32]}.npy"
