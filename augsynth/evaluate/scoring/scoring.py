"""`scores`: generated images against real ones, beside other real images in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from augsynth.classifier import Classifier, train_classifier
from augsynth.core.checks import check_integer, check_seed
from augsynth.data import ImageData
from augsynth.data.mixing.items.joining import require_same_class_names
from augsynth.errors import ArgumentError, DataError
from augsynth.evaluate import provenance
from augsynth.evaluate.inputs import ImageSet, read_sets
from augsynth.evaluate.reporting.examples import by_class, nearest_picture
from augsynth.evaluate.reporting.pictures import Picture
from augsynth.evaluate.scoring.judged import FeatureFunction, Judged, pixel_features
from augsynth.evaluate.scoring.result import Evaluation, Scored
from augsynth.evaluate.scoring.scores import SCORES
from augsynth.gates import check_copies
from augsynth.gates.selection.features import features_of
from augsynth.generators.reading.class_names import read_class_names

_FEWEST = 12
"""Test images at least: both halves then have the six that the feature scores need."""
_FEW, _KNOWN = 500, 5000


def scores(
    samples: Any,
    real: Any,
    names: Sequence[str] | None = None,
    *,
    test: Any = None,
    features: FeatureFunction | None = None,
    limit: int = 2000,
    steps: int = 600,
    seed: int = 0,
) -> Evaluation:
    """Score generated images against real ones, beside as many other real images in their place (the floor).

    CAS is the accuracy on the test images of a classifier that is trained on samples alone, as many as there are real
    training images; its floor is trained on real ones. All other scores compare n samples with n test images, and their
    floor compares n other test images with the same ones. `docs/evaluate.md` explains the scores.

    Args:
        samples: `SyntheticPool`, `Samples`, or map-style data set of `(image, label)` or of images.
        real: real images that the generator was fitted on; an `ImageData` brings its test part. Without any test
            images, half of them play that part.
        names: keys of `SCORES`; default all that the data allow: CAS and GAN-test need classes on all sides.
        test: real images that the generator has not seen; default the test part of `real`.
        features: function of images, uint8 (n, C, H, W), that returns (n, D), such as `gates.TimmFeatures(weights)`.
            Default: a classifier that is trained on `real`, or pixels of reduced images if there are no classes.
        limit: largest number n of images on each side, at least 6; default 2,000.
        steps: steps of training each classifier, at least 1; default 600.
        seed: 64-bit seed of all random choices; default 0.

    >>> rng = np.random.default_rng(0)
    >>> pictures = [rng.integers(0, 256, (60, 8, 8), np.uint8) for _ in range(2)]
    >>> result = scores(list(pictures[0]), list(pictures[1]), ["coverage", "fld"])
    >>> list(result.values)
    ['coverage', 'fld']
    """
    limit, steps, seed = check_integer("limit", limit, 6), check_integer("steps", steps, 1), check_seed(seed)
    if test is None and isinstance(real, ImageData):
        test = real.test
    for other in (samples, test):
        require_same_class_names(real, other)
    sets = read_sets({"samples": samples, "real": real, "test": test})
    sets, notes = _with_test(sets, seed)
    classes = all(part.has_classes for part in sets.values())
    chosen, left_out = _chosen(names, classes)
    judge = _judge(sets["real"], steps, seed) if classes and (features is None or "gan_test" in chosen) else None
    extract, described = _extract(features, judge)
    judged = _judged(sets, extract, judge, limit, steps, seed)
    return Evaluation(
        name=_name(samples),
        scores=_scored(judged, chosen),
        features=described,
        sizes=_sizes(sets, judged),
        warnings=(*_cautions(judged), *_copied(judged)),
        notes=(*notes, *left_out),
        settings={"scores": list(chosen), "features": described, "limit": limit, "training steps": steps, "seed": seed},
        provenance=provenance.environment(),
        pictures=_pictures(judged, real),
    )


def _name(samples: Any) -> str:
    path = getattr(samples, "path", None)
    return str(getattr(samples, "name", "samples" if path is None else Path(path).name))


def _scored(judged: Judged, names: Sequence[str]) -> dict[str, Scored]:
    floor, chosen = judged.floor, {name: SCORES[name] for name in names}
    return {name: Scored(s.title, s.better, s.compute(judged), s.compute(floor)) for name, s in chosen.items()}


def _sizes(sets: Mapping[str, ImageSet], judged: Judged) -> dict[str, int]:
    return {
        "samples": len(sets["samples"]),
        "real training images": len(sets["real"]),
        "real test images": len(sets["test"]),
        "compared on each side": len(judged.samples),
        "to train for CAS": len(judged.lessons),
    }


def _with_test(sets: Mapping[str, ImageSet], seed: int) -> tuple[dict[str, ImageSet], tuple[str, ...]]:
    """Return the sets with test images, and a note if they come from the real ones."""
    found, notes = dict(sets), tuple[str, ...]()
    if "test" not in found:
        order = np.random.default_rng(seed).permutation(len(found["real"]))
        half = len(order) // 2
        real = found["real"]
        found |= {"real": real.take(np.sort(order[:half])), "test": real.take(np.sort(order[half:]))}
        notes = ("there are no test images: a random half of the real ones plays their part",)
    if len(found["test"]) < _FEWEST or len(found["samples"]) < _FEWEST // 2 or len(found["real"]) < 4:
        listed = ", ".join(f"{len(part)} {name}" for name, part in found.items())
        raise DataError(
            f"too few images to compare: {listed}; at least 6 samples, 4 real and 12 test images are needed"
        )
    return found, notes


def _chosen(names: Sequence[str] | None, classes: bool) -> tuple[list[str], tuple[str, ...]]:
    unknown = [name for name in names or () if name not in SCORES]
    if unknown or (names is not None and not names):
        raise ArgumentError(f"names must be some of {', '.join(SCORES)}; got {', '.join(unknown) or 'none'}")
    chosen = list(dict.fromkeys(names or SCORES))
    needing = [name for name in chosen if SCORES[name].needs_classes and not classes]
    if needing and names is not None:
        raise DataError(f"{needing[0]} needs two or more classes in samples, real and test images")
    titles = " and ".join(SCORES[name].title for name in needing)
    note = (f"{titles} need classes on all sides, and were left out",) if needing else ()
    return [name for name in chosen if name not in needing], note


def _judge(real: ImageSet, steps: int, seed: int) -> Classifier:
    return train_classifier(real.images, real.labels, steps=steps, seed=seed, threads=1)


def _extract(features: FeatureFunction | None, judge: Classifier | None) -> tuple[FeatureFunction, str]:
    """Return the function of features, and what it is."""
    if features is not None:
        named = getattr(features, "model", getattr(features, "__name__", type(features).__name__))
        return partial(features_of, features), str(named)
    if judge is None:
        return partial(features_of, pixel_features), "pixels of images reduced to at most 16x16"
    return judge.features, "the last layer of a classifier of the real training images"


def _judged(
    sets: Mapping[str, ImageSet],
    extract: FeatureFunction,
    judge: Classifier | None,
    limit: int,
    steps: int,
    seed: int,
) -> Judged:
    samples, real, test = sets["samples"], sets["real"], sets["test"]
    rng = np.random.default_rng(seed)
    order, tests, known = (rng.permutation(len(part)) for part in (samples, test, real))
    n, m = min(len(samples), len(test) // 2, limit), min(len(samples), len(real))
    return Judged(
        samples=samples.take(np.sort(order[:n])),
        lessons=samples.take(np.sort(order[:m])),
        reference=test.take(np.sort(tests[:n])),
        training=real,
        known=real.take(np.sort(known[:_KNOWN])),
        test=test,
        others=test.take(np.sort(tests[n : 2 * n])),
        extract=cache(extract),
        judge=judge,
        steps=steps,
        seed=seed,
    )


def _cautions(judged: Judged) -> list[str]:
    compared = len(judged.samples)
    if compared >= _FEW:
        return []
    return [f"Only {compared} images a side were compared: differences from the floor may be chance."]


def _copied(judged: Judged) -> list[str]:
    held_out = judged.reference.images
    found = check_copies(judged.samples.images, judged.known.images, held_out, significance=0.01, seed=judged.seed)
    if not len(found.items) and not found.copied:
        return []
    p_value = "" if found.evidence is None else f" (p = {found.evidence.p_value:.3g})"
    return [f"{len(found.items)} of {found.samples} samples are near-copies of training images{p_value}."]


def _pictures(judged: Judged, real: Any) -> tuple[Picture, ...]:
    names = read_class_names(real) or ()
    shown = ("samples", "Samples", "Drawn at random, not selected.", judged.samples)
    beside = ("real", "Real images", "Test images, drawn at random.", judged.reference)
    return (
        *(by_class(*one, names) for one in (shown, beside)),
        nearest_picture(judged.samples.images, judged.known.images),
    )
