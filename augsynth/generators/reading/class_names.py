"""Finding the names of the classes of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from augsynth.errors import DataError, shown

_DEEPEST = 10


def read_class_names(dataset: Any, classes: int | None = None) -> tuple[str, ...] | None:
    """Return the names of the classes, or None if the data set has none. Raises `DataError` for too few names.

    The names are the attribute `class_names`, the attribute `classes` (torchvision), the names of the feature "label"
    (Hugging Face), or those of a data set that is wrapped (`Subset`, `ConcatDataset`).

    Args:
        dataset: any data set.
        classes: number of classes, at least 1, of which each must have a name; None (default) returns all names.
    """
    names = _names_of(dataset, _DEEPEST)
    if names is not None and classes is not None and len(names) < classes:
        raise DataError(
            f"the data set names {len(names)} classes, {shown(list(names))}, and its labels reach {classes - 1}; "
            "let class_names (or classes) name all of them, or be None"
        )
    return None if names is None else names[:classes]


def _names_of(dataset: Any, depth: int) -> tuple[str, ...] | None:
    feature = _attribute(dataset, "features")
    label = feature.get("label") if isinstance(feature, Mapping) else None
    for owner, attribute in ((dataset, "class_names"), (dataset, "classes"), (label, "names")):
        names = _as_texts(_attribute(owner, attribute))
        if names is not None:
            return names
    wrapped, several = _attribute(dataset, "dataset"), _attribute(dataset, "datasets")
    parts = several if isinstance(several, (list, tuple)) else [] if wrapped is None else [wrapped]
    found = {_names_of(part, depth - 1) for part in parts} if depth else set()
    return found.pop() if len(found) == 1 else None


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
