"""The synthetic side of a mix: a data set, or a generator that fills a pool before any worker starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from augsynth.core.checks import check_integer
from augsynth.data.mixing.rule.labels import class_labels
from augsynth.data.pools.pool import SyntheticPool
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.generators import Generator, create_generator
from augsynth.generators.fitting import fit_if_needed


def as_synthetic(
    synthetic: Any,
    real: Any,
    check: Callable[[Any], None],
    *,
    pairing: str,
    pool_size: Any,
    fit_steps: Any,
    seed: int,
    progress: bool,
) -> Any:
    """Return a map-style dataset of synthetic items.

    Args:
        synthetic: map-style dataset, fitted generator, or the name of a generator, which is fitted on `real`. A
            generator fills a temporary pool, in which the classes have the proportions of the real ones.
        real: map-style dataset of real items.
        check: raises an error for an item that cannot be mixed in; called with a sample before the pool is filled.
        pairing: rule of pairing; "index" needs a data set.
        pool_size: number of samples, at least 1; None for as many as there are real items.
        fit_steps: steps of fitting for a name, at least 1.
        seed: seed of fitting and sampling.
        progress: True shows progress bars.
    """
    if isinstance(synthetic, (str, Generator)):
        if pairing == "index":
            raise ArgumentError(
                "pairing='index' needs items made from each real one (for example with Generator.vary), in a data set; "
                "a generator's samples come from none: use pairing='class' or 'free'"
            )
        size = len(real) if pool_size is None else check_integer("pool_size", pool_size, 1)
        steps = check_integer("fit_steps", fit_steps, 1)
        if isinstance(synthetic, str) and Path(synthetic).is_dir():
            raise ArgumentError(f"synthetic {synthetic!r} is a folder; if it is a pool, give SyntheticPool.open(path)")
        fitted = _fitted(synthetic, real, steps, seed, progress)
        return _pool(fitted, real, check, size, seed, progress)
    if not hasattr(synthetic, "__len__") or not hasattr(synthetic, "__getitem__"):
        raise ArgumentTypeError(
            "synthetic must be a SyntheticPool, a fitted Generator, a generator's name or a map-style dataset, got "
            f"{type(synthetic).__name__}"
        )
    return synthetic


def _fitted(generator: str | Generator, real: Any, steps: int, seed: int, progress: bool) -> Generator:
    if isinstance(generator, Generator):
        return generator
    created = create_generator(generator)
    fit_if_needed(created, real, steps=steps, seed=seed, progress=progress)
    return created


def _pool(
    generator: Generator, real: Any, check: Callable[[Any], None], size: int, seed: int, progress: bool
) -> SyntheticPool:
    labels = None
    if generator.num_classes is not None:
        ordered = np.sort(class_labels(real, "real", progress=progress))
        labels = ordered[np.arange(size) * len(ordered) // size].tolist()
    check(generator.sample(1, labels=labels and labels[:1], seed=seed)[0])
    return SyntheticPool.temporary(generator, size, labels=labels, seed=seed, progress=progress)
