"""Exhibits of a result: pictures of one repetition, and what the gates find in its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from augsynth.data.loading.datasets import ImageData
from augsynth.evaluate.auditing import audit
from augsynth.evaluate.figures import displayable
from augsynth.evaluate.inputs import ImageSet, read_sets
from augsynth.evaluate.reporting.examples import by_class, nearest_picture, rows_by_class
from augsynth.evaluate.reporting.pictures import Picture
from augsynth.evaluate.sweeping.sources import kind_of
from augsynth.evaluate.sweeping.splits import Repetition, Split, require_test_part
from augsynth.evaluate.sweeping.trials import Laboratory

_MOST = 500
"""Images of each set that the gates look at, drawn at random."""


class Exhibits(NamedTuple):
    """Pictures of one repetition, and the findings of the gates.

    Args:
        pictures: real, augmented and synthetic images, and samples beside their nearest training images.
        gates: sizes and findings of an audit, JSON-ready.
    """

    pictures: tuple[Picture, ...]
    gates: Mapping[str, Any]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Findings that belong in the first lines of a report: copies, and images in two splits."""
        serious = (one for one in self.gates["findings"] if one["matters"] and one["check"] in ("copies", "leaks"))
        return tuple(f"{one['sentence'][:1].upper()}{one['sentence'][1:]}." for one in serious)


def exhibits(laboratory: Laboratory, source: str, policy: str, repetition: Repetition) -> Exhibits:
    """Return the exhibits of one repetition.

    Args:
        laboratory: what trials share.
        source: name of the synthetic source.
        policy: name of the augmentation policy.
        repetition: the repetition.
    """
    split, pool = laboratory.split(repetition), laboratory.pool(source, repetition)
    real, other = split.real, kind_of(laboratory.sources[source]) == "auxiliary"
    sets = read_sets({"samples": pool, "real": real})
    names = (pool.class_names or ()) if other else real.class_names
    pictures = _pictures(laboratory, sets, real, policy, repetition.seed, names)
    return Exhibits(pictures, _gates(sets, split, require_test_part(laboratory.data_of(repetition)), repetition.seed))


def _pictures(
    laboratory: Laboratory, sets: Mapping[str, ImageSet], real: ImageData, policy: str, seed: int, drawn: Sequence[str]
) -> tuple[Picture, ...]:
    rows, _ = rows_by_class(sets["real"])
    keys = [(seed, 0, number) for number in range(len(rows))]
    output, note = displayable(laboratory.pipelines[policy].batch(real.images[rows], keys=keys))
    first = by_class("real", "Real", "Training images of the first repetition.", sets["real"], real.class_names)
    hint = f"The same images after augmentation ({policy})." + (f" The {note}." if note else "")
    augmented = Picture("augmented", "Augmented", hint, output, first.columns)
    hint = "Synthetic images of the same repetition, not selected."
    synthetic = by_class("synthetic", "Synthetic", hint, sets["samples"], drawn)
    return first, augmented, synthetic, nearest_picture(sets["samples"].images, sets["real"].images)


def _gates(sets: Mapping[str, ImageSet], split: Split, test: ImageData, seed: int) -> dict[str, Any]:
    """Return what an audit finds among the images of a repetition and those apart from it, without their labels."""
    rng, (real, apart) = np.random.default_rng(seed), split
    others: Sequence[ImageData | None] = (apart if len(apart) else None, test)
    drawn = [None if part is None else part.take(np.sort(rng.permutation(len(part))[:_MOST])) for part in others]
    samples = sets["samples"].images
    rows = np.sort(rng.permutation(len(samples))[:_MOST])
    trained = real.take(np.sort(rng.permutation(len(real))[:_MOST]))
    found = audit(list(samples[rows].numpy().transpose(0, 2, 3, 1)), trained, drawn[0], drawn[1], steps=0, seed=seed)
    return {"sizes": dict(found.sizes), "findings": [one.to_dict() for one in found.findings]}
