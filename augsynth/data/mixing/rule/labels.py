"""Class labels of a data set, read without its images wherever it states them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import ConcatDataset, Subset

from augsynth.core.arrays import to_numpy
from augsynth.core.checks import LARGEST_INT64
from augsynth.core.items import DEFAULT_KEYS, ItemKeys, class_of
from augsynth.core.typing import Ints, Labels
from augsynth.data.mixing.items.failures import located
from augsynth.data.mixing.items.form import structure_of
from augsynth.data.mixing.rule.classes import find_classes
from augsynth.errors import AugsynthError, DataError, shown
from augsynth.generators.reading.keyed import KeyedItems
from augsynth.progress import progress_bar

_LABEL_ATTRIBUTES = ("labels", "targets")
_PROBES = 8
_PROBED_CLASSES = 256
_BAR_FROM = 2000
_CHUNK = 2**17  # labels of a list that are read at a time


def class_labels(dataset: Any, name: str, *, progress: bool = True) -> Labels:
    """Return the class of every item of a data set (n,), in a type of integers that holds them.

    They come from the column of the label (Hugging Face `datasets`), or from the attribute `labels` or `targets`, if
    the attribute agrees with an item of each class. Both are also found inside `Subset` and `ConcatDataset`. Parts of a
    `ConcatDataset` that state nothing are read item by item, with a progress bar, and so is any other data set that
    states nothing. Raises `DataError` if classes are not integers.

    Args:
        dataset: map-style dataset, or `KeyedItems` of one.
        name: name of the data set in messages and in the progress bar.
        progress: True (default) shows the bar for 2,000 items or more.
    """
    keys = DEFAULT_KEYS
    if isinstance(dataset, KeyedItems):
        dataset, keys = dataset.dataset, dataset.keys
    return _class_labels(dataset, name, keys, progress)


def _class_labels(dataset: Any, name: str, keys: ItemKeys, progress: bool) -> Labels:
    stated = _stated_labels(dataset, keys, name)
    if stated is not None and len(stated) == len(dataset) and _is_true(stated, dataset, name, keys):
        return stated
    if _is_plain_concatenation(dataset):
        parts = enumerate(dataset.datasets)
        return np.concatenate([_class_labels(part, f"part {k} of {name}", keys, progress) for k, part in parts])
    count = len(dataset)
    found = np.empty(count, np.int64)
    with progress_bar(f"reading the labels of {name}", count, enabled=progress and count >= _BAR_FROM) as advance:
        for index in range(count):
            found[index] = _label_at(dataset, index, name, keys)
            advance()
    return found


def _is_plain_concatenation(dataset: Any) -> bool:
    return isinstance(dataset, ConcatDataset) and type(dataset).__getitem__ is ConcatDataset.__getitem__


def _stated_labels(dataset: Any, keys: ItemKeys, name: str) -> Labels | None:
    """Return the classes that a data set, or all data sets inside it, state; None if one does not."""
    if isinstance(dataset, Subset):
        inner = _stated_labels(dataset.dataset, keys, name)
        return None if inner is None else inner[np.asarray(dataset.indices, np.int64)]
    if isinstance(dataset, ConcatDataset):
        parts = [_stated_labels(part, keys, name) for part in dataset.datasets]
        known = [part for part in parts if part is not None]
        return np.concatenate(known) if len(known) == len(parts) else None
    if _has_column(dataset, keys.label):
        return _column(dataset, keys.label, name)
    stated = (_integers(getattr(dataset, attribute, None)) for attribute in _LABEL_ATTRIBUTES)
    return next((labels for labels in stated if labels is not None), None)


def _has_column(dataset: Any, key: str) -> bool:
    names = getattr(dataset, "column_names", None)
    return isinstance(names, list) and key in names


def _column(dataset: Any, key: str, name: str) -> Labels:
    """Return a column of a Hugging Face data set, without decoding the images beside it."""
    # A function that `set_transform` sets would be called with the images of all items.
    plain = dataset.with_format(None) if hasattr(dataset, "with_format") else dataset
    values = plain[key][:]
    labels = _integers(values)
    return np.array([as_class(value, name) for value in values], np.int64) if labels is None else labels


def _is_column(dataset: Any, keys: ItemKeys) -> bool:
    """Return whether the labels of all items are those of a column, which no function of the user changes."""
    if isinstance(dataset, Subset):
        return type(dataset).__getitem__ is Subset.__getitem__ and _is_column(dataset.dataset, keys)
    if isinstance(dataset, ConcatDataset):
        return _is_plain_concatenation(dataset) and all(_is_column(part, keys) for part in dataset.datasets)
    form = getattr(dataset, "format", None)
    changed = isinstance(form, dict) and form.get("type") == "custom"
    return _has_column(dataset, keys.label) and not changed


def _integers(values: Any) -> Labels | None:
    """Return labels in any sequence as an array; None if they are no integers of 64 bits with a sign."""
    if not isinstance(values, (Sequence, np.ndarray, torch.Tensor)) or isinstance(values, (str, bytes)):
        return None
    counted = _from_zero(values)
    if counted is not None:
        return counted
    try:
        labels = to_numpy(values if isinstance(values, (np.ndarray, torch.Tensor)) else list(values), "labels")
    except (AugsynthError, OverflowError):
        return None
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or (labels.size and int(labels.max()) > LARGEST_INT64):
        return None
    return labels.astype(np.int64) if labels.dtype == np.uint64 else labels


def _from_zero(values: Any) -> Labels | None:
    """Return a list of integers in [0, 2**32) in the smallest type that holds them; None for everything else.

    Millions of labels take a tenth of the time and of the memory that the general way needs.
    """
    if not isinstance(values, list) or not values or type(values[0]) is not int:
        return None
    parts = []
    try:
        for start in range(0, len(values), _CHUNK):
            part = np.frombuffer(array("Q", values[start : start + _CHUNK]), np.uint64)
            parts.append(part.astype(np.min_scalar_type(part.max())))
    except (TypeError, OverflowError):
        return None
    labels = np.concatenate(parts)
    return labels if labels.itemsize < 8 else None


def _is_true(labels: Labels, dataset: Any, name: str, keys: ItemKeys) -> bool:
    return _is_column(dataset, keys) or _agrees(labels, dataset, name, keys)


def _agrees(labels: Labels, dataset: Any, name: str, keys: ItemKeys) -> bool:
    """Return whether an item of each class, and a few others, have the label that the data set states.

    If there are many classes, some of them are checked, unless a `target_transform` could change some labels.
    """
    _, firsts = find_classes(labels)
    if len(firsts) > _PROBED_CLASSES and _changes_targets(dataset):
        return False
    chosen = firsts[_spread(len(firsts), _PROBED_CLASSES)]
    probes = np.union1d(chosen, _spread(len(labels), _PROBES))
    return all(_label_at(dataset, int(probe), name, keys) == labels[probe] for probe in probes)


def _spread(count: int, limit: int) -> Ints:
    return np.unique(np.linspace(0, count - 1, min(limit, count)).astype(np.int64))


def _changes_targets(dataset: Any) -> bool:
    inner = [dataset.dataset] if isinstance(dataset, Subset) else getattr(dataset, "datasets", [])
    return getattr(dataset, "target_transform", None) is not None or any(map(_changes_targets, inner))


def _label_at(dataset: Any, index: int, name: str, keys: ItemKeys) -> int:
    try:
        item = dataset[index]
    except Exception as error:
        raise located(error, f"item {index} of {name}, read for its label") from error
    structure = structure_of(item, name, keys)
    if structure.label not in structure.fields:
        raise DataError(f"items of {name} have no label, and pairing='class' and a ratio for each class need classes")
    return as_class(structure.split(item)[1][structure.label], name)


def as_class(label: Any, name: str) -> int:
    """Return the class of a label: an int, a NumPy integer, or a tensor or an array of one integer."""
    value = class_of(label)
    if value is None:
        raise DataError(
            f"{name}: a class must be an integer, got a label of type {type(label).__name__} ({shown(label)}); "
            f"use pairing='free' with one ratio for all, or give integer labels{_numbering(label)}"
        )
    if not -LARGEST_INT64 - 1 <= value <= LARGEST_INT64:
        raise DataError(f"{name}: a class must be a signed 64-bit integer, got {value}; number the classes from 0")
    return value


def _numbering(label: Any) -> str:
    """Return advice on integer labels for labels of this form."""
    if isinstance(label, str):
        return ": the position of the text in sorted(set(texts))"
    if isinstance(label, (np.ndarray, torch.Tensor, list, tuple)):
        return ": of a one-hot vector, the position of the 1; vectors of several classes have no integer"
    return ""
