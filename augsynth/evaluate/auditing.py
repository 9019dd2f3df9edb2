"""Audit of data: copies, duplicates, leaks between splits, doubtful labels and odd images, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from augsynth.core.checks import check_integer, check_number, check_seed
from augsynth.core.typing import Ints
from augsynth.data import ImageData, SyntheticPool
from augsynth.data.mixing.items.joining import require_same_class_names
from augsynth.errors import ArgumentError
from augsynth.evaluate import provenance
from augsynth.evaluate.findings import AuditResult, Finding, findings_of
from augsynth.evaluate.inputs import ImageSet, read_sets
from augsynth.evaluate.reporting.pictures import Picture
from augsynth.gates import (
    CopyFindings,
    DoubtfulLabels,
    check_copies,
    find_doubtful_labels,
    find_duplicates,
    find_odd_images,
)
from augsynth.gates.doubtful import DEFAULT_STEPS

_SHOWN = 10
_SIGNIFICANCE = 0.01
"""P-value of a finding of copies: of a hundred pools without copies, one is suspected."""


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
        steps: steps of training each classifier; 0 leaves the labels out; default 300.
        seed: 64-bit seed of all random choices; default 0.

    >>> images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    >>> result = audit([(image, 0) for image in images[:30]], test=[(image, 0) for image in images[25:]])
    >>> result.found, result.findings[0].sentence
    (True, '5 of 15 images of test (33.3%) have a duplicate in data, 5 of them equal in all pixels')
    """
    tolerated, seed = check_number("tolerated", tolerated, 0.0, 1.0), check_seed(seed)
    steps = check_integer("steps", steps, 0)
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
    return AuditResult(
        sizes,
        findings,
        copies,
        duplicates,
        doubtful,
        odd,
        notes,
        name=str(getattr(data, "name", own)),
        settings={"tolerated": tolerated, "training steps": steps, "seed": seed},
        provenance=provenance.environment(),
        pictures=_pictures(findings, sets),
    )


def _sets(data: Any, real: Any, held_out: Any, test: Any) -> dict[str, ImageSet]:
    if test is None:
        test = next((part.test for part in (data, real) if isinstance(part, ImageData) and part.test is not None), None)
    own = "data" if real is None else "samples"
    if real is not None:
        require_same_class_names(real, data)
    return read_sets({own: data, "real": real, "held-out": held_out, "test": test})


def _copies(sets: Mapping[str, ImageSet], seed: int) -> CopyFindings | None:
    if "real" not in sets:
        return None
    held_out = sets["held-out"].images if "held-out" in sets else None
    return check_copies(sets["samples"].images, sets["real"].images, held_out, significance=_SIGNIFICANCE, seed=seed)


def _doubtful(
    sets: Mapping[str, ImageSet], own: str, groups: Ints, steps: int, seed: int
) -> tuple[dict[str, DoubtfulLabels], tuple[str, ...]]:
    """Return the doubtful labels of each set that could be judged, and notes about the others."""
    judge = sets.get("real", sets[own])
    found: dict[str, DoubtfulLabels] = {}
    if steps == 0:
        return found, ("labels were not checked: steps is 0",)
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


def _pictures(findings: Sequence[Finding], sets: Mapping[str, ImageSet]) -> tuple[Picture, ...]:
    """Return the first images of each finding."""
    pictures = []
    for number, finding in enumerate(finding for finding in findings if len(finding.items)):
        items = finding.items[:_SHOWN]
        images = np.moveaxis(sets[finding.where].images[torch.from_numpy(items)].numpy(), 1, -1)
        title = f"{finding.check} in {finding.where}"
        pictures.append(Picture(f"finding-{number}", title, f"{finding.sentence}.", images, tuple(map(str, items))))
    return tuple(pictures)
