"""Descriptions of pipelines with something wrong in them, and parameters of enormous size."""

from __future__ import annotations

import json
from typing import Any

from fuzz_corpus import FUNCTIONS, TRANSFORMS, any_image, any_key, any_pipeline
from fuzz_junk import NUMBERS, Rng, json_junk, mutated, pick
from fuzz_trials import RAN, TOO_LARGE, same_twice, too_large

from augsynth import transforms as T
from augsynth.transforms.pipeline import Pipeline


def descriptions(rng: Rng) -> str:
    """A description with up to four faults."""
    description: Any = _plain(any_pipeline(rng))
    for _ in range(rng.integers(0, 5)):
        description = mutated(rng, description, json_junk)
    return _build_and_run(rng, description)


def parameters(rng: Rng) -> str:
    """One transform, of which one or two numbers are hostile."""
    description: Any = _plain(pick(rng, TRANSFORMS))
    for _ in range(rng.integers(1, 3)):
        description = _with_a_number(rng, description)
    return _build_and_run(rng, description)


def _plain(pipeline: Pipeline) -> Any:
    return json.loads(json.dumps(pipeline.to_dict()))


def _with_a_number(rng: Rng, value: Any) -> Any:
    """The nest with one of its leaves, but for names of types, become a number of any size."""
    if isinstance(value, dict):
        name = pick(rng, [name for name in value if name != "type"] or list(value))
        return {**value, name: _with_a_number(rng, value[name])}
    if isinstance(value, list) and value:
        at = int(rng.integers(len(value)))
        return [*value[:at], _with_a_number(rng, value[at]), *value[at + 1 :]]
    exponent = rng.uniform(-30, 30)
    if rng.random() < 0.4:
        return pick(rng, (rng.random(), int(rng.integers(0, 12)), rng.normal()))
    return pick(rng, (pick(rng, NUMBERS), 10.0**exponent, -(10.0**exponent), round(10 ** abs(exponent))))


def _build_and_run(rng: Rng, description: Any) -> str:
    pipeline = T.from_dict(description, functions=FUNCTIONS)
    _check_description(pipeline)
    image, key = any_image(rng), any_key(rng)
    plan = pipeline.plan([image.shape], [key], dtype=image.dtype.name)
    if too_large(plan):
        return TOO_LARGE
    same_twice(lambda: pipeline(image, key=key))
    pipeline.explain(image.shape, image.dtype.name)
    return RAN


def _check_description(pipeline: Pipeline) -> None:
    """A built pipeline can be described as strict JSON, and built again from it."""
    text = json.dumps(pipeline.to_dict(), allow_nan=False)
    assert T.from_dict(json.loads(text), functions=FUNCTIONS) == pipeline, f"not built again from {text[:300]}"
