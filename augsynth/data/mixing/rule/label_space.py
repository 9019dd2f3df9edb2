"""The joint labels of a mix: the classes of the real set, and the new ones that auxiliary sources bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from augsynth.core.arrays import to_numpy
from augsynth.core.checks import LARGEST_INT64, check_integer
from augsynth.core.items import DEFAULT_KEYS
from augsynth.core.typing import Labels
from augsynth.data.mixing.items.form import structure_of
from augsynth.data.mixing.rule.classes import find_classes
from augsynth.data.mixing.rule.labels import as_class, class_labels
from augsynth.data.mixing.rule.pairing import listed
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, shown
from augsynth.generators.reading.class_names import read_class_names
from augsynth.generators.reading.keyed import KeyedItems

LabelMap = Literal["names"] | Mapping[int, int]

# Label of items that a map leaves out. A label space starts at 0.
_LEFT_OUT = -1


@dataclass(frozen=True)
class LabelSpace:
    """Joint labels of a mix, 0 … `num_classes` − 1.

    Args:
        real_classes: labels of the real items, in rising order.
        auxiliary_classes: labels that only auxiliary sources have, in rising order.
        class_names: name of each label; None if some label has no name.

    >>> space = LabelSpace((0, 1), (2,), ("cat", "dog", "fox"))
    >>> space.num_classes, space.restrict([[1.0, 2.0, 9.0]]), space.predict([[1.0, 2.0, 9.0]])
    (3, array([[1., 2.]]), array([1]))
    """

    real_classes: tuple[int, ...]
    auxiliary_classes: tuple[int, ...] = ()
    class_names: tuple[str, ...] | None = None

    @property
    def num_classes(self) -> int:
        """Number of outputs that a classifier of the joint labels needs: the largest label + 1."""
        largest = max(self.real_classes + self.auxiliary_classes) + 1
        return largest if self.class_names is None else max(largest, len(self.class_names))

    def restrict(self, scores: Any) -> Any:
        """Return the scores of the real classes alone, in the order of `real_classes`.

        Take logits, and apply softmax afterwards: the new classes then have no part in it.

        Args:
            scores: tensor, array or list (…, num_classes) of logits or probabilities of the joint labels.
        """
        scores = scores if isinstance(scores, torch.Tensor) else to_numpy(scores, "scores")
        if scores.ndim == 0 or scores.shape[-1] != self.num_classes:
            raise ArgumentError(
                f"scores must have shape (…, {self.num_classes}), one for each joint label, got {tuple(scores.shape)}"
            )
        if self.real_classes[0] < 0:
            raise ArgumentError(f"scores have columns from 0 on, and real has negative labels: {self.real_classes[0]}")
        return scores[..., list(self.real_classes)]

    def predict(self, scores: Any) -> Any:
        """Return the label of the real class with the largest score, to compare predictions with real labels.

        Args:
            scores: tensor, array or list (…, num_classes) of logits or probabilities of the joint labels.
        """
        restricted = self.restrict(scores)
        if isinstance(restricted, torch.Tensor):
            return torch.tensor(self.real_classes, device=restricted.device)[restricted.argmax(-1)]
        return np.array(self.real_classes)[restricted.argmax(-1)]


class JointLabels:
    """Joint labels that grow source by source; raises `DataError` or `ArgumentError` for a map that does not fit.

    Args:
        real: the real data set, or `KeyedItems` of it.
        progress: show a progress bar while labels are read.
    """

    def __init__(self, real: Any, progress: bool) -> None:
        self._progress = progress
        self._classes = find_classes(class_labels(real, "real", progress=progress))[0].tolist()
        names = read_class_names(real)
        self._has_names = names is not None
        self._names: dict[int, str] = dict(enumerate(names or ()))
        self._auxiliary: set[int] = set()

    def relabelled(self, source: Any, label_map: LabelMap, name: str) -> Relabelled:
        """Return a source with joint labels.

        Args:
            source: map-style dataset with classes, or `KeyedItems` of it.
            label_map: "names", or `{label of the source: joint label}`.
            name: name of the source in messages.
        """
        names = read_class_names(source)
        labels = class_labels(source, name, progress=self._progress)
        found = find_classes(labels)[0].tolist()
        joint = self._by_names(names, found, name) if label_map == "names" else _explicit(label_map, found, name)
        for label, other in joint.items():
            if names is not None and label < len(names):
                self._names.setdefault(other, names[label])
        new = set(joint.values()) - set(self._classes)
        if new and new != set(joint.values()):
            known = sorted(set(joint.values()) - new)
            raise ArgumentError(
                f"the label_map of {name} leads to {listed(known)}, which real has, and to {listed(sorted(new))}, "
                "which it lacks, and these are mixed in differently: give the data set as two sources, each with a map"
            )
        self._auxiliary |= new
        return Relabelled(source, labels, joint, name, auxiliary=bool(new))

    def space(self) -> LabelSpace:
        """Return the label space of the real set and of all sources so far."""
        labels = range(max([*self._classes, *self._auxiliary, *self._names]) + 1)
        named = all(label in self._names for label in labels)
        names = tuple(self._names[label] for label in labels) if named else ()
        return LabelSpace(tuple(self._classes), tuple(sorted(self._auxiliary)), names or None)

    def _by_names(self, names: tuple[str, ...] | None, found: list[int], what: str) -> dict[int, int]:
        if names is None or not self._has_names:
            nameless = "real" if not self._has_names else what
            raise ArgumentError(
                f"label_map='names' needs class names (class_names, or classes) on both sides, and {nameless} has "
                "none: give {label: joint label}"
            )
        if len(set(names)) < len(names) or len(set(self._names.values())) < len(self._names):
            raise ArgumentError(f"label_map='names' needs different class names, got {shown(list(names))}")
        labels = {known: label for label, known in self._names.items()}
        joint = {}
        for label in found:
            if not 0 <= label < len(names):
                raise DataError(f"{what} has the label {label}, and names only {len(names)} classes")
            joint[label] = labels.setdefault(names[label], max([*self._classes, *labels.values()]) + 1)
        return joint


class Relabelled:
    """Data set whose labels are replaced by joint labels; items of other labels have the label −1, and are left out.

    Args:
        view: map-style dataset with classes, or `KeyedItems` of it.
        labels: (n,) class of each item.
        joint: `{label: joint label}`.
        name: name of the data set in messages.
        auxiliary: its classes are none of the real set.
    """

    def __init__(self, view: Any, labels: Labels, joint: Mapping[int, int], name: str, *, auxiliary: bool) -> None:
        keyed = isinstance(view, KeyedItems)
        self.data = view.dataset if keyed else view
        self._keys = view.keys if keyed else DEFAULT_KEYS
        self.joint = dict(joint)
        self.auxiliary = auxiliary
        self._name = name
        self.labels: Labels = np.full(len(labels), _LEFT_OUT, np.min_scalar_type(-max(self.joint.values()) - 1))
        for label, other in self.joint.items():
            self.labels[labels == label] = other

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        item = self.data[index]
        structure = structure_of(item, self._name, self._keys)
        image, fields = structure.split(item)
        label = self.joint.get(as_class(fields[structure.label], self._name), _LEFT_OUT)
        return structure.join(image, {**fields, structure.label: label})


def check_label_map(label_map: Any, what: str) -> LabelMap:
    """Return a map of labels with Python's integers; raise `ArgumentError` or `ArgumentTypeError` for other values.

    Args:
        label_map: "names", or `{label: joint label}` with joint labels of at least 0.
        what: name of the map in messages.
    """
    if isinstance(label_map, str) and label_map == "names":
        return "names"
    if not isinstance(label_map, Mapping) or not label_map:
        raise ArgumentTypeError(f"{what} must be 'names' or {{label: joint label}}, got {shown(label_map)}")
    return {
        check_integer(f"a label in {what}", label, -LARGEST_INT64 - 1): check_integer(
            f"the joint label of {label!r} in {what}", joint, 0
        )
        for label, joint in label_map.items()
    }


def _explicit(label_map: LabelMap, found: list[int], name: str) -> dict[int, int]:
    assert isinstance(label_map, Mapping)
    unknown = sorted(set(label_map) - set(found))
    if unknown:
        raise ArgumentError(f"the label_map of {name} has {listed(unknown)}, and {name} has items of {listed(found)}")
    return dict(label_map)
