"""The synthetic side of a mix: data sets, or generators that fill pools before any worker starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from augsynth.core.checks import check_integer
from augsynth.core.typing import Labels
from augsynth.data.mixing.items.joining import require_same_class_names
from augsynth.data.mixing.items.template import ItemTemplate
from augsynth.data.mixing.rule.arguments import MixArguments
from augsynth.data.mixing.rule.label_space import JointLabels, LabelMap, LabelSpace
from augsynth.data.mixing.rule.labels import class_labels
from augsynth.data.mixing.rule.rule import SyntheticSource
from augsynth.data.pools.pool import SyntheticPool
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.generators import Generator, create_generator
from augsynth.generators.fitting import fit_if_needed


class Filling(NamedTuple):
    """Wishes for pools that generators fill, from the arguments of the mix.

    * `size`: number of samples; None for as many as there are real items.
    * `steps`: steps of fitting.
    * `progress`: show progress bars.
    """

    size: Any
    steps: Any
    progress: bool


class SyntheticSide(NamedTuple):
    """Synthetic side of a mix.

    * `given`: the synthetic data set, or `{name: data set}`, as users find it at the mix; unused sources as they came.
    * `sources`: those that some epoch may need, with joint labels.
    * `space`: the joint labels; None without a map of labels.
    """

    given: Any
    sources: tuple[SyntheticSource, ...]
    space: LabelSpace | None


def as_sides(
    synthetic: Any, real: Any, template: ItemTemplate, arguments: MixArguments, filling: Filling
) -> SyntheticSide:
    """Return the synthetic side of a mix, in which generators have filled pools.

    Args:
        synthetic: one source, or `{name: source}`.
        real: map-style dataset of real items.
        template: form of the real items.
        arguments: arguments of the mix.
        filling: wishes for the pools of generators.
    """
    several = arguments.names is not None
    data = dict(synthetic) if several else {"": synthetic}
    joint = JointLabels(real, filling.progress) if arguments.label_maps else None
    sources = []
    for name in arguments.used():
        label_map = arguments.label_maps.get(name)
        if label_map is None:
            require_same_class_names(real, template.with_default_keys(data[name]))
        data[name] = as_synthetic(data[name], real, template, arguments, filling, label_map)
        view = template.with_default_keys(data[name])
        source = SyntheticSource(name, data[name], view)
        if joint is not None and label_map is not None:
            source = SyntheticSource(name, joint.relabelled(view, label_map, source.words), view)
        sources.append(source)
    return SyntheticSide(data if several else data[""], tuple(sources), None if joint is None else joint.space())


def as_synthetic(
    synthetic: Any,
    real: Any,
    template: ItemTemplate,
    arguments: MixArguments,
    filling: Filling,
    label_map: LabelMap | None,
) -> Any:
    """Return a map-style dataset of synthetic items.

    Args:
        synthetic: map-style dataset, fitted generator, or the name of a generator, which is fitted on `real`. A
            generator fills a temporary pool, in which the classes have the proportions of the real ones, or with a map
            of labels equal numbers.
        real: map-style dataset of real items.
        template: form of the real items, with which a sample is compared before the pool is filled.
        arguments: arguments of the mix.
        filling: wishes for the pool.
        label_map: map of labels of this source; None without one.
    """
    if isinstance(synthetic, (str, Generator)):
        _require_generator_fits(synthetic, arguments, label_map)
        size = len(real) if filling.size is None else check_integer("pool_size", filling.size, 1)
        steps = check_integer("fit_steps", filling.steps, 1)
        seed, progress = arguments.seed, filling.progress
        generator = _fitted(synthetic, real, steps, seed, progress)
        labels = _labels(generator, real, size, label_map, progress)
        template.check_synthetic(generator.sample(1, labels=labels and labels[:1], seed=seed)[0], arguments.pairing)
        return SyntheticPool.temporary(generator, size, labels=labels, seed=seed, progress=progress)
    if not hasattr(synthetic, "__len__") or not hasattr(synthetic, "__getitem__"):
        raise ArgumentTypeError(
            "synthetic must be a SyntheticPool, a fitted Generator, a generator's name, a map-style dataset, or a "
            f"mapping of names to several of these, got {type(synthetic).__name__}"
        )
    return synthetic.active if isinstance(synthetic, SyntheticPool) else synthetic


def _require_generator_fits(generator: str | Generator, arguments: MixArguments, label_map: LabelMap | None) -> None:
    if arguments.pairing == "index" and label_map is None:
        raise ArgumentError(
            "pairing='index' needs items made from each real one (for example with Generator.vary), in a data set; "
            "a generator's samples come from none: use pairing='class' or 'free'"
        )
    if not isinstance(generator, str):
        return
    if Path(generator).is_dir():
        raise ArgumentError(f"synthetic {generator!r} is a folder; if it is a pool, give SyntheticPool.open(path)")
    if label_map is not None:
        raise ArgumentError(
            f"synthetic {generator!r} is fitted on real, and has its classes: give label_map for a fitted generator or "
            "a data set"
        )


def _fitted(generator: str | Generator, real: Any, steps: int, seed: int, progress: bool) -> Generator:
    if isinstance(generator, Generator):
        return generator
    created = create_generator(generator)
    fit_if_needed(created, real, steps=steps, seed=seed, progress=progress)
    return created


def _labels(generator: Generator, real: Any, size: int, label_map: LabelMap | None, progress: bool) -> list[int] | None:
    if generator.num_classes is None:
        return None
    if label_map is None:
        ordered = np.sort(class_labels(real, "real", progress=progress))
        return _spread(ordered, size)
    classes = sorted(label_map) if isinstance(label_map, Mapping) else range(generator.num_classes)
    return _spread(np.array(classes), size)


def _spread(ordered: Labels, size: int) -> list[int]:
    chosen: list[int] = ordered[np.arange(size) * len(ordered) // size].tolist()
    return chosen
