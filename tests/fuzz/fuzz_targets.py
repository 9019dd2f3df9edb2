"""Targets of every form, with something wrong in them, through geometry of every kind, there and back."""

from __future__ import annotations

from typing import Any

from fuzz_corpus import any_image, any_key, any_pipeline, any_target
from fuzz_junk import NUMBERS, Rng, junk, mutated, pick
from fuzz_trials import RAN, same_twice

from augsynth import transforms as T

GEOMETRY = (
    T.RandomRotation(180, expand=True),
    T.RandomPerspective(0.9, p=1.0),
    T.RandomCrop(5, padding=3, pad_if_needed=True, min_visible=0.5),
    T.RandomResizedCrop(6, min_visible=0.5),
    T.RandomAffine(30, (0.5, 0.5), (0.01, 50.0), 30),
    T.RandomErasing(1.0, min_visible=0.9),
    T.GaussianBlur(3),
    T.RandomHorizontalFlip(),
)


def targets(rng: Rng) -> str:
    """A target with up to three faults beside a sound image."""
    image = any_image(rng, ("uint8",))[..., :1]
    target = any_target(rng, *image.shape[:2])
    for _ in range(rng.integers(0, 4)):
        target = mutated(rng, target)
    rules = {"min_area": float(pick(rng, (0.0, 1.0, 1e300))), "min_visibility": float(pick(rng, (0.0, 0.5, 1.0)))}
    parts = [pick(rng, GEOMETRY) for _ in range(rng.integers(0, 3))]
    mask_fill: Any = pick(rng, (0, 0, 1, 255, -1, 0.5))
    pipeline = T.Compose(parts, rng.random() < 0.8, **rules, mask_fill=mask_fill)
    key = any_key(rng)
    # A target that is None is none.
    same_twice(lambda: pipeline.batch([image], [target], keys=[key]))
    return RAN


def inversions(rng: Rng) -> str:
    """Predictions with something wrong in them, taken back through a plan."""
    plan = T.Compose([pick(rng, GEOMETRY), *any_pipeline(rng, 1).transforms]).plan([(9, 7, 3)], [any_key(rng)])
    height, width = plan.passes[-1].rows["output_size"][0].tolist()
    sound: dict[str, Any] = {
        "points": rng.normal(size=(4, 2)) * 9,
        "boxes": rng.random((3, 4)) * 9,
        "masks": rng.random((2, height, width)) < 0.5,
    }
    given = {name: value for name, value in sound.items() if rng.random() < 0.7}
    if given and rng.random() < 0.7:
        name = pick(rng, list(given))
        given[name] = mutated(rng, given[name]) if rng.random() < 0.7 else junk(rng)
    if rng.random() < 0.2:
        given["mask_fill"] = pick(rng, NUMBERS)
    same_twice(lambda: plan.invert(**given))
    return RAN
