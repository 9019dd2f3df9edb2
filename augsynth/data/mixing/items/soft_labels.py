"""Soft labels of images that were varied: between the class of the source and the class that they were moved to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from augsynth.core.arrays import to_numpy
from augsynth.core.checks import check_integer, check_number
from augsynth.core.items import class_of
from augsynth.core.typing import Floats
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, shown

Strength = float | Sequence[float]


@dataclass(frozen=True)
class SoftLabels:
    """Label vectors for real and synthetic items alike, of which those of varied images are soft.

    An image that a generator made from a real image of class a with strength s, and moved towards class b, gets
    y = (1 − s^γ)·a + s^γ·b (Diff-Mix, Wang et al., CVPR 2024; the best γ there lie between 0.5 and 0.8). Real items get
    the vector of their own label.

    Args:
        strength: strength s of the synthetic items, in [0, 1]: one number, one for each item, or with several synthetic
            sources `{name: one of these}`.
        gamma: exponent γ, above 0. Default 0.7.
        num_classes: length K of the vectors; default the number of classes of the mix (`mix.label_space`), or the
            length of labels that are vectors already.

    >>> SoftLabels(strength=0.5, gamma=1.0).weights("", 3)
    array([0.5, 0.5, 0.5])
    """

    strength: Strength | Mapping[str, Strength]
    gamma: float = 0.7
    num_classes: int | None = None

    def __post_init__(self) -> None:
        if check_number("gamma", self.gamma, 0.0) == 0.0:
            raise ArgumentError("gamma must be above 0: with 0, every strength would mean the new class alone")
        if self.num_classes is not None:
            check_integer("num_classes", self.num_classes, 1)
        for value in self.strength.values() if isinstance(self.strength, Mapping) else [self.strength]:
            _check_strength(value)

    def weights(self, name: str, count: int) -> Floats:
        """Return the share s^γ of the new class in the label of each item of a synthetic source, (count,).

        Args:
            name: name of the source; "" for the single source of a mix.
            count: number of its items.
        """
        strength = self.strength
        if isinstance(strength, Mapping):
            if name not in strength:
                known = ", ".join(map(str, strength)) or "none"
                source = f"the source {name!r}" if name else "a single source"
                raise ArgumentError(f"strength of soft_labels has no entry for {source}, only for {known}")
            strength = strength[name]
        values = _check_strength(strength)
        if values.ndim and len(values) != count:
            raise ArgumentError(
                f"strength of soft_labels has {len(values)} numbers, and the synthetic side has {count} items"
            )
        return np.broadcast_to(values ** float(self.gamma), (count,))


def _check_strength(strength: Any) -> Floats:
    values: Any = np.asarray(strength.cpu() if isinstance(strength, torch.Tensor) else strength)
    if values.dtype.kind not in "iuf" or values.ndim > 1:
        raise ArgumentTypeError(
            f"strength of soft_labels must be a number, or one number for each item, got {shown(strength)}"
        )
    outside = ~((values >= 0) & (values <= 1))
    if outside.any():
        raise ArgumentError(f"strength of soft_labels must be in [0, 1], got {values[outside].flat[0]}")
    result: Floats = values.astype(np.float64)
    return result


def require_soft_labels(options: Any, pairing: str) -> None:
    """Raise `ArgumentTypeError` or `ArgumentError` if these are no `SoftLabels`, or the pairing knows no sources."""
    if not isinstance(options, SoftLabels):
        raise ArgumentTypeError(f"soft_labels must be augsynth.data.SoftLabels, got {shown(options)}")
    if pairing != "index":
        raise ArgumentError(
            "soft_labels needs pairing='index': only there is a synthetic item known to be made from a real one, whose "
            "label is a part of its own"
        )


def label_vector(label: Any, num_classes: int) -> torch.Tensor:
    """Return a label as a float32 vector (K,): 1 at the place of a class, or the values of a vector.

    Args:
        label: a class in [0, K), or a vector of length K.
        num_classes: K.

    Raises `DataError` for other labels.

    >>> label_vector(1, 3)
    tensor([0., 1., 0.])
    """
    number = class_of(label)
    if number is not None:
        if not 0 <= number < num_classes:
            raise DataError(f"the label {number} has no place in a vector of {num_classes} classes; see num_classes")
        vector = torch.zeros(num_classes, device="cpu")
        vector[number] = 1.0
        return vector
    if length_of_vector(label) != num_classes:
        raise DataError(
            f"soft labels need a class or a vector of {num_classes} numbers as the label, got {shown(label)}"
        )
    return torch.from_numpy(to_numpy(label, "a label").astype(np.float32))


def length_of_vector(label: Any) -> int | None:
    """Return the length of a label that is a vector of numbers; None for other labels."""
    vector = isinstance(label, (np.ndarray, torch.Tensor)) and label.ndim == 1 and class_of(label) is None
    numeric = isinstance(label, torch.Tensor) or (vector and label.dtype.kind in "biuf")
    return len(label) if vector and numeric else None


def between(source: torch.Tensor, target: torch.Tensor, weight: float) -> torch.Tensor:
    """Return (1 − weight)·source + weight·target.

    Args:
        source: vector (K,) of the class that an image came from.
        target: vector (K,) of the class that it was moved to.
        weight: share of the target, in [0, 1].
    """
    return source * (1.0 - weight) + target * weight
