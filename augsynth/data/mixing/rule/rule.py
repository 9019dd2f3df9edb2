"""The rule of a mix: its arguments, checked once against all data sets, and applied to any epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from augsynth.core.typing import Floats, Ints, Labels
from augsynth.data.mixing.rule.arguments import MixArguments, require_no_classes
from augsynth.data.mixing.rule.assignment import (
    BalancedAssignment,
    EpochAssignment,
    ExtendAssignment,
    ReplaceAssignment,
    rounding_phases,
)
from augsynth.data.mixing.rule.classes import ClassGroups, Groups, OneGroup, find_classes
from augsynth.data.mixing.rule.label_space import Relabelled
from augsynth.data.mixing.rule.labels import class_labels
from augsynth.data.mixing.rule.pairing import PAIRINGS, AuxiliaryPairing, Pairing, Sides, listed
from augsynth.data.mixing.rule.quota import balanced_quotas, balanced_real, filling_quotas, source_quotas
from augsynth.data.mixing.rule.ratio import FixedRatio
from augsynth.data.pools.pool import SyntheticPool
from augsynth.data.pools.view import PoolView
from augsynth.errors import ArgumentError, DataError


class SyntheticSource(NamedTuple):
    """Synthetic source of a mix.

    * `name`: its name; "" for the single source of a mix.
    * `data`: map-style dataset, with joint labels.
    * `view`: the same for reading its labels: `data`, or `KeyedItems` of it.
    """

    name: str
    data: Any
    view: Any

    def labels(self, progress: bool) -> Labels:
        """Return the joint label of each item (n,)."""
        relabelled = isinstance(self.data, Relabelled)
        return self.data.labels if relabelled else class_labels(self.view, self.words, progress=progress)

    @property
    def auxiliary(self) -> bool:
        """True if its classes are none of the real set."""
        return isinstance(self.data, Relabelled) and self.data.auxiliary

    @property
    def words(self) -> str:
        """Name in messages."""
        return f"synthetic {self.name!r}" if self.name else "synthetic"


class MixRule:
    """Rule that decides the items of every epoch: `assignment(epoch)` depends on the arguments and the epoch alone.

    Classes are read only if they are needed. Raises `DataError` or `ArgumentError` if the data sets do not fit.

    Args:
        real: map-style dataset.
        sources: the synthetic sources that some epoch may need.
        arguments: arguments of the mix.
        progress: show a progress bar while labels are read. Default True.
    """

    def __init__(
        self, real: Any, sources: Sequence[SyntheticSource], arguments: MixArguments, *, progress: bool = True
    ) -> None:
        self._arguments = arguments
        self._sources = tuple(sources)
        self._num_real = len(real)
        self._content = [content_digest(source.data) for source in sources]
        self._lengths = [len(source.data) for source in sources]
        for source, length in zip(sources, self._lengths, strict=True):
            if length == 0:
                raise DataError(f"{source.words} has no items, and ratio is not 0; fill the pool, or give ratio=0")
        self._classes: Ints | None = None
        self._groups: Groups = OneGroup(self._num_real)
        kinds = [self._kind(source) for source in sources]
        first = self._ratios(0)
        by_class = any(isinstance(ratio, Mapping) for ratio in first) or any(kind.needs_classes for kind in kinds)
        # New classes pair with none of them, and still take the places of real items class by class.
        by_class = by_class or (bool(kinds) and arguments.pairing == "class" and arguments.mode == "replace")
        if by_class or arguments.balance or arguments.fill_to:
            self._classes, self._groups = _grouped(class_labels(real, "real", progress=progress))
        self._pairings = [self._paired(number, kind, progress) for number, kind in enumerate(kinds)]
        if arguments.ratios is not None:
            for number, ratio in enumerate(self._used(arguments.ratios.largest())):
                self._check_classes(number, ratio)
        self._quotas(0)

    @property
    def seed(self) -> int:
        """Seed of the mix."""
        return self._arguments.seed

    @property
    def epochs_differ(self) -> bool:
        """True if epochs draw different items."""
        return bool(self._sources) or self._arguments.balance is not None

    def assignment(self, epoch: int) -> EpochAssignment:
        """Return the sources of an epoch; raise `DataError` or `ArgumentError` if its ratio cannot be met."""
        quotas = self._quotas(epoch)
        seed = self.seed
        pickers = [pairing.picker(seed, epoch, own) for pairing, own in zip(self._pairings, quotas, strict=True)]
        if self._arguments.balance:
            phase = rounding_phases(seed, epoch, len(quotas) + 1)[-1]
            real = balanced_real(int(quotas.sum()), self._groups.sizes, self._arguments.mode, phase)
            return BalancedAssignment(self._groups, quotas, pickers, seed, epoch, real_quotas=real)
        replaces = self._arguments.mode == "replace" and self._arguments.fill_to is None
        kind = ReplaceAssignment if replaces else ExtendAssignment
        return kind(self._groups, quotas, pickers, seed, epoch)

    def partner(self, source: int, item: int) -> int | None:
        """Return the real item that an item of a synthetic source was made from; None if the pairing knows none."""
        return self._pairings[source].partner(item)

    def description(self, epoch: int) -> dict[str, Any]:
        """Return all that decides the items of an epoch, JSON-ready.

        A ratio that is a function is described by its values at epoch 0, at the powers of two, and at `epoch`.
        """
        arguments = self._arguments
        maps = [
            sorted(map(list, source.data.joint.items())) if isinstance(source.data, Relabelled) else None
            for source in self._sources
        ]
        single = arguments.names is None
        return {
            "seed": self.seed,
            "ratio": None if arguments.ratios is None else arguments.ratios.description(epoch),
            "mode": arguments.mode,
            "pairing": arguments.pairing,
            "num_real": self._num_real,
            "num_synthetic": sum(self._lengths) if single else self._lengths,
            "synthetic": next(iter(self._content), None) if single else self._content,
            "sources": None if arguments.names is None else list(arguments.names),
            "label_map": next(iter(maps), None) if single else maps,
            "balance": arguments.balance,
            "fill_to": arguments.fill_to,
            "max_repeats": arguments.max_repeats,
        }

    def _kind(self, source: SyntheticSource) -> type[Pairing]:
        if source.auxiliary:
            if self._arguments.fill_to is not None:
                raise ArgumentError(f"fill_to fills classes of real, and {source.words} has none of them")
            return AuxiliaryPairing
        if isinstance(source.data, Relabelled) and self._arguments.pairing != "class":
            raise ArgumentError(
                f"the label_map of {source.words} leads to classes of real, which only pairing='class' uses: use it, "
                "or leave the map out"
            )
        return PAIRINGS[self._arguments.pairing]

    def _paired(self, number: int, kind: type[Pairing], progress: bool) -> Pairing:
        source = self._sources[number]
        classes = self._classes
        if isinstance(source.data, Relabelled) and source.auxiliary:
            classes = np.unique(list(source.data.joint.values())).astype(np.int64)
        labels = partial(source.labels, progress)
        return kind(Sides(self._groups.sizes, classes, self._lengths[number], labels, number, source.words))

    def _ratios(self, epoch: int) -> tuple[FixedRatio, ...]:
        """Return the ratio of each source that is used."""
        return () if self._arguments.ratios is None else self._used(self._arguments.ratios.at(epoch))

    def _used(self, ratios: tuple[FixedRatio, ...]) -> tuple[FixedRatio, ...]:
        assert self._arguments.ratios is not None
        return tuple(ratio for ratio, used in zip(ratios, self._arguments.ratios.uses, strict=True) if used)

    def _quotas(self, epoch: int) -> Ints:
        """Return the number of items (K, G) of each source in each group; raise an error if they cannot be had."""
        phases = rounding_phases(self.seed, epoch, len(self._sources) + 1)
        fill = self._arguments.fill_to
        if fill is not None:
            missing = np.maximum(fill - self._groups.sizes, 0)
            able = np.array([pairing.available for pairing in self._pairings])
            self._pairings[0].require_classes((missing > 0) & ~able.any(axis=0))
            quotas = filling_quotas(missing, able, float(phases[0]))
        else:
            quotas = self._shared(self._ratios(epoch), phases)
        self._check_uses(quotas, epoch)
        return quotas

    def _shared(self, ratios: tuple[FixedRatio, ...], phases: Floats) -> Ints:
        for number, ratio in enumerate(ratios):
            self._check_classes(number, ratio)
        if not ratios:
            return np.zeros((0, len(self._groups.sizes)), np.int64)
        sizes, mode = self._groups.sizes, self._arguments.mode
        if self._arguments.balance:
            paired = np.array([not source.auxiliary for source in self._sources])
            return balanced_quotas(require_no_classes(ratios), sizes, paired, mode, phases)
        return source_quotas(ratios, sizes, self._classes, mode, phases)

    def _check_uses(self, quotas: Ints, epoch: int) -> None:
        """Raise `DataError` if a source would have to repeat items too often."""
        limit = self._arguments.max_repeats
        for pairing, own, source in zip(self._pairings, quotas, self._sources, strict=True):
            uses = pairing.uses(own)
            if limit is not None and uses > limit:
                raise DataError(
                    f"epoch {epoch} would use an item of {source.words} {uses} times, and max_repeats is {limit}: add "
                    "items to it, ask for fewer synthetic items, or raise max_repeats"
                )

    def _check_classes(self, number: int, ratio: FixedRatio) -> None:
        """Raise an error if a ratio names unknown classes, or a source lacks classes that it needs."""
        if isinstance(ratio, Mapping):
            self._check_names(self._sources[number], ratio)
        if self._classes is not None:
            needed = [not isinstance(ratio, Mapping) or ratio.get(label, 0) > 0 for label in self._classes.tolist()]
            self._pairings[number].require_classes(np.array(needed))

    def _check_names(self, source: SyntheticSource, ratio: Mapping[int, float]) -> None:
        if source.auxiliary:
            raise ArgumentError(
                f"{source.words} has classes that real lacks, all with equally many items: give one number as its "
                "ratio, not one for each class"
            )
        if self._classes is None:
            raise ArgumentError("ratio gave a number for epoch 0 and {class: number} later; give the same form always")
        known = self._classes.tolist()
        unknown = sorted(set(ratio) - set(known), key=str)
        if unknown:
            raise ArgumentError(
                f"ratio names classes that real does not have: {listed(unknown)}; it has {listed(known)}"
            )


def _grouped(labels: Labels) -> tuple[Ints, Groups]:
    """Return the classes, and the items grouped by them."""
    classes = find_classes(labels)[0]
    return classes, ClassGroups(labels, classes)


def content_digest(synthetic: Any) -> str | None:
    """Return the SHA-256 that identifies the items of a pool or of a view of one; None for other data sets."""
    pool = synthetic.data if isinstance(synthetic, Relabelled) else synthetic
    return pool.content_digest() if isinstance(pool, (SyntheticPool, PoolView)) else None
