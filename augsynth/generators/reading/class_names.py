"""Finding the names of the classes of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from augsynth.errors import DataError, shown

_DEEPEST = 10


def read_class_names(dataset: Any, classes: int | None = None, *, label: str = "label") -> tuple[str, ...] | None:
    """Return the names of the classes, or None if the data set has none.

    The names are the attribute `class_names`, the attribute `classes` (torchvision), the names of the feature of the
    label (Hugging Face), or those of a data set that is wrapped (`Subset`, `ConcatDataset`). Parts without names take
    those of the other parts.

    Raises `DataError` for too few names, and if a label has two names in two parts, unless a part has a
    `target_transform`, which may number the classes anew: then the data set has no names.

    Args:
        dataset: any data set.
        classes: number of classes, at least 1, of which each must have a name; None (default) returns all names.
        label: key of the label in items that are dicts; default "label".
    """
    names = _names_of(dataset, label, _DEEPEST)
    if names is not None and classes is not None and len(names) < classes:
        raise DataError(
            f"the data set names {len(names)} classes, {shown(list(names))}, and its labels reach {classes - 1}; "
            "let class_names (or classes) name all of them, or be None"
        )
    return None if names is None else names[:classes]


def differing_label(names: Sequence[str] | None, others: Sequence[str] | None) -> int | None:
    """Return the first label that has two names, or None. Labels that only one side names are not compared.

    >>> differing_label(["ant", "bee", "cat"], ["ant", "bug"])
    1
    """
    pairs = enumerate(zip(names or (), others or (), strict=False))
    return next((label for label, (name, other) in pairs if name != other), None)


def _names_of(dataset: Any, label: str, depth: int) -> tuple[str, ...] | None:
    feature = _attribute(dataset, "features")
    described = feature.get(label) if isinstance(feature, Mapping) else None
    for owner, attribute in ((dataset, "class_names"), (dataset, "classes"), (described, "names")):
        names = _as_texts(_attribute(owner, attribute))
        if names is not None:
            return names
    wrapped, several = _attribute(dataset, "dataset"), _attribute(dataset, "datasets")
    parts = several if isinstance(several, (list, tuple)) else [] if wrapped is None else [wrapped]
    return _common_names([_names_of(part, label, depth - 1) for part in parts] if depth else [], parts)


def _common_names(found: list[tuple[str, ...] | None], parts: Sequence[Any]) -> tuple[str, ...] | None:
    """Return the names that all parts with names agree on, the longest list."""
    known = [names for names in found if names is not None]
    longest = max(known, key=len, default=None)
    for number, names in enumerate(found):
        label = differing_label(longest, names)
        if label is None or longest is None or names is None:
            continue
        if any(_attribute(part, "target_transform") is not None for part in parts):
            return None
        raise DataError(
            f"the parts of the data set name their classes differently: label {label} is {shown(names[label])} in part "
            f"{number} and {shown(longest[label])} in part {found.index(longest)}; number the classes of all parts "
            "alike, or set class_names of the whole, which goes first"
        )
    return longest


def _attribute(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name, None)
    except Exception:  # a property of the user's class may raise anything
        return None


def _as_texts(names: Any) -> tuple[str, ...] | None:
    """Convert a list, an array or a mapping from 0 … K−1; None if it has no texts. ImageNet has several for a class."""
    if isinstance(names, Mapping):
        names = [names.get(label) for label in range(len(names))]
    if not isinstance(names, (list, tuple, np.ndarray)) or len(names) == 0:
        return None
    texts = [", ".join(name) if isinstance(name, (list, tuple)) and _are_texts(name) else name for name in names]
    return tuple(map(str, texts)) if _are_texts(texts) else None


def _are_texts(names: Any) -> bool:
    return all(isinstance(name, str) for name in names)
