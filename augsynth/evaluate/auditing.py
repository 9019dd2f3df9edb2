"""Audit of data: copies, duplicates, leaks between splits, doubtful labels and odd images, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from augsynth.core.checks import check_number, check_seed
from augsynth.core.typing import Ints
from augsynth.data import ImageData, SyntheticPool
from augsynth.data.mixing.items.joining import require_same_class_names
from augsynth.errors import ArgumentError, DataError
from augsynth.evaluate.findings import AuditResult, findings_of
from augsynth.gates import (
    CopyFindings,
    DoubtfulLabels,
    check_copies,
    find_doubtful_labels,
    find_duplicates,
    find_odd_images,
)
from augsynth.gates.doubtful import DEFAULT_STEPS
from augsynth.generators.reading.pairs import read_pairs

_SIGNIFICANCE = 0.01
"""P-value of a finding of copies: of a hundred pools without copies, one is suspected."""


@dataclass(frozen=True, eq=False)
class _Set:
    images: Tensor
    labels: Ints | None


def audit(
    data: Any,
    real: Any = None,
    held_out: Any = None,
    test: Any = None,
    *,
    tolerated: float = 0.01,
    steps: int = DEFAULT_STEPS,
    seed: int = 0,
) -> AuditResult:
    """Check a pool, or a data set of your own, before a classifier learns from it.

    Without `real`, it looks for duplicates in `data` and in `test`, for leaks between both, for doubtful labels (of a
    classifier that has not seen the item) and for odd images. With `real`, `data` are samples of a generator that was
    fitted on `real`: it also looks for copies of real images, and a classifier of the real images judges the labels.
    Two sets of 10,000 MNIST images take some minutes on one core. `docs/audit.md` explains the findings.

    Args:
        data: `SyntheticPool`, or map-style dataset of `(image, label)` or of images; an `ImageData` brings its test
            part. Items of a pool that are in quarantine are not reported again.
        real: real items that a generator was fitted on, if `data` are its samples; default None.
        held_out: real items that the generator never saw, a random part of all: the copies then get a p-value. Default
            None.
        test: items of the test split; default None, or the test part of `data` or `real`.
        tolerated: share of near-duplicates, doubtful labels and odd images up to which there is only a note, in
            [0, 1]; default 0.01. Equal images, constant images and copies always count.
        steps: steps of training each classifier; default 300.
        seed: 64-bit seed of all random choices; default 0.

    >>> images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    >>> result = audit([(image, 0) for image in images[:30]], test=[(image, 0) for image in images[25:]])
    >>> result.found, result.findings[0].sentence
    (True, '5 of 15 images of test (33.3%) have a duplicate in data, 5 of them equal in all pixels')
    """
    tolerated, seed = check_number("tolerated", tolerated, 0.0, 1.0), check_seed(seed)
    if held_out is not None and real is None:
        raise ArgumentError("held_out needs real: both are parts of the images that a generator is compared with")
    sets = _sets(data, real, held_out, test)
    own = next(iter(sets))
    duplicates = find_duplicates({name: part.images for name, part in sets.items()})
    copies = _copies(sets, seed)
    groups = duplicates.group_numbers(own)
    doubtful, notes = _doubtful(sets, own, groups, steps, seed)
    usual = "real" if "real" in sets else own
    odd = {name: find_odd_images(sets[name].images, sets[usual].images) for name in sets if name != "held-out"}
    skipped = _in_quarantine(data)
    findings = findings_of(own, copies, duplicates, doubtful, odd, tolerated, skipped)
    sizes = {name: len(part.images) for name, part in sets.items()}
    return AuditResult(sizes, findings, copies, duplicates, doubtful, odd, notes)


def _sets(data: Any, real: Any, held_out: Any, test: Any) -> dict[str, _Set]:
    if test is None:
        test = next((part.test for part in (data, real) if isinstance(part, ImageData) and part.test is not None), None)
    own = "data" if real is None else "samples"
    if real is not None:
        require_same_class_names(real, data)
    given = {own: data, "real": real, "held-out": held_out, "test": test}
    sets = {name: _read(part, name) for name, part in given.items() if part is not None}
    shapes = {name: tuple(part.images.shape[1:]) for name, part in sets.items()}
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise DataError(f"all sets must have images of one shape, got {listed}; prepare them alike")
    return sets


def _read(part: Any, name: str) -> _Set:
    if isinstance(part, SyntheticPool):
        return _Set(part.take(np.arange(len(part))).images, part.labels)
    return _Set(*read_pairs(part, name))


def _copies(sets: Mapping[str, _Set], seed: int) -> CopyFindings | None:
    if "real" not in sets:
        return None
    held_out = sets["held-out"].images if "held-out" in sets else None
    return check_copies(sets["samples"].images, sets["real"].images, held_out, significance=_SIGNIFICANCE, seed=seed)


def _doubtful(
    sets: Mapping[str, _Set], own: str, groups: Ints, steps: int, seed: int
) -> tuple[dict[str, DoubtfulLabels], tuple[str, ...]]:
    """Return the doubtful labels of each set that could be judged, and notes about the others."""
    judge = sets.get("real", sets[own])
    found: dict[str, DoubtfulLabels] = {}
    if judge.labels is None or len(np.unique(judge.labels)) < 2:
        return found, ("labels were not checked: there are no labels of two or more classes to learn from",)
    for name in (own, "test"):
        part = sets.get(name)
        if part is None or part.labels is None:
            continue
        reference = None if part is judge else (judge.images, judge.labels)
        found[name] = find_doubtful_labels(
            part.images,
            part.labels,
            reference=reference,
            groups=groups if reference is None else None,
            steps=steps,
            seed=seed,
        )
    return found, ()


def _in_quarantine(data: Any) -> Ints:
    held = list(data.quarantined.values()) if isinstance(data, SyntheticPool) else []
    return np.unique(np.concatenate(held)) if held else np.empty(0, np.int64)
