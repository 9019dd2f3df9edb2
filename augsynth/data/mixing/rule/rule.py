"""The rule of a mix: ratio, mode and pairing, checked once against both data sets, and applied to any epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from augsynth.core.checks import check_choice, check_integer
from augsynth.core.typing import Ints
from augsynth.data.mixing.items.failures import located
from augsynth.data.mixing.rule.assignment import EpochAssignment, ExtendAssignment, ReplaceAssignment, rounding_phase
from augsynth.data.mixing.rule.classes import ClassGroups, Groups, OneGroup
from augsynth.data.mixing.rule.labels import class_labels
from augsynth.data.mixing.rule.pairing import PAIRINGS, FreePairing, PairingName, Sides, listed
from augsynth.data.mixing.rule.quota import FixedRatio, Mode, Ratio, check_ratio, group_quotas
from augsynth.data.pools.pool import SyntheticPool
from augsynth.errors import ArgumentError, DataError


class MixRule:
    """Rule that decides the items of every epoch: `assignment(epoch)` depends on the arguments and the epoch alone.

    Classes are read only if the pairing or the ratio needs them. Raises `DataError` or `ArgumentError` if the data
    sets do not fit.

    Args:
        real, synthetic: map-style datasets.
        ratio: synthetic fraction of an epoch; see `SyntheticMixDataset`.
        mode: "replace" or "extend".
        pairing: "class", "index" or "free".
        seed: signed 64-bit integer.
        progress: True (default) shows a progress bar while labels are read.
    """

    def __init__(
        self,
        real: Any,
        synthetic: Any,
        ratio: Ratio,
        mode: Mode,
        pairing: PairingName,
        seed: int,
        *,
        progress: bool = True,
    ) -> None:
        self.ratio = ratio if callable(ratio) else check_ratio(ratio, mode)
        self.mode = mode
        self.pairing = pairing
        self.seed = seed
        self.num_real = len(real)
        self.uses_synthetic = uses_synthetic(self.ratio)
        self.num_synthetic = len(synthetic) if self.uses_synthetic else 0
        if self.uses_synthetic and self.num_synthetic == 0:
            raise DataError("synthetic has no items, and ratio is not 0; fill the pool, or give ratio=0")
        self._content = content_digest(synthetic) if self.uses_synthetic else None
        first = _ratio_at(ratio, 0, mode)
        kind = PAIRINGS[pairing] if self.uses_synthetic else FreePairing
        by_class = isinstance(first, Mapping) or kind.needs_classes
        self._classes: Ints | None = None
        self._groups: Groups = OneGroup(self.num_real)
        if by_class:
            labels = class_labels(real, "real", progress=progress)
            self._classes = np.unique(labels)
            self._groups = ClassGroups(labels, self._classes)
        self._pairing = kind(Sides(self.num_real, self.num_synthetic, self._classes, synthetic, progress))
        self._check_classes(first)

    def assignment(self, epoch: int) -> EpochAssignment:
        """Return the sources of an epoch; raise `DataError` or `ArgumentError` if its ratio cannot be met."""
        ratio = _ratio_at(self.ratio, epoch, self.mode)
        self._check_classes(ratio)
        phase = rounding_phase(self.seed, epoch)
        quotas = group_quotas(ratio, self._groups.sizes, self._classes, self.mode, phase)
        kind = ReplaceAssignment if self.mode == "replace" else ExtendAssignment
        return kind(self._groups, quotas, self._pairing.picker(self.seed, epoch), self.seed, epoch)

    def description(self, epoch: int) -> dict[str, Any]:
        """Return all that decides the items of an epoch, JSON-ready.

        A ratio that is a function is described by its values at epoch 0, at the powers of two, and at `epoch`.
        """
        if callable(self.ratio):
            epochs = sorted({0, epoch, *(1 << power for power in range(epoch.bit_length()))})
            ratio: Any = [[number, _plain(_ratio_at(self.ratio, number, self.mode))] for number in epochs]
        else:
            ratio = _plain(self.ratio)
        return {
            "seed": self.seed,
            "ratio": ratio,
            "mode": self.mode,
            "pairing": self.pairing,
            "num_real": self.num_real,
            "num_synthetic": self.num_synthetic,
            "synthetic": self._content,
        }

    def partner(self, synthetic_item: int) -> int:
        """Return the real item that a synthetic one was made from; for pairing "index" only."""
        return synthetic_item // (self.num_synthetic // self.num_real)

    def _check_classes(self, ratio: FixedRatio) -> None:
        if isinstance(ratio, Mapping):
            self._check_names(ratio)
        if self._classes is None:
            return
        needed = [not isinstance(ratio, Mapping) or ratio.get(label, 0) > 0 for label in self._classes.tolist()]
        self._pairing.require_classes(np.array(needed))

    def _check_names(self, ratio: Mapping[int, float]) -> None:
        if self._classes is None:
            raise ArgumentError("ratio gave a number for epoch 0 and {class: number} later; give the same form always")
        known = self._classes.tolist()
        unknown = sorted(set(ratio) - set(known), key=str)
        if unknown:
            raise ArgumentError(
                f"ratio names classes that real does not have: {listed(unknown)}; it has {listed(known)}"
            )


def check_arguments(ratio: Ratio, mode: Mode, pairing: PairingName, seed: Any) -> int:
    """Return the seed as an integer; raise `ArgumentError` or `ArgumentTypeError` for values that no data set fits."""
    check_choice("mode", mode, get_args(Mode))
    check_choice("pairing", pairing, tuple(PAIRINGS))
    _ratio_at(ratio, 0, mode)
    return check_integer("seed", seed, -(2**63), expected="a signed 64-bit integer")


def uses_synthetic(ratio: Ratio) -> bool:
    """Return whether a ratio may need a synthetic item; a function of the epoch always may."""
    if callable(ratio):
        return True
    return any(value > 0 for value in ratio.values()) if isinstance(ratio, Mapping) else bool(ratio > 0)


def content_digest(synthetic: Any) -> str | None:
    """Return the SHA-256 of the checksums of a pool's shards, which identifies its items; None for other data sets."""
    if not isinstance(synthetic, SyntheticPool):
        return None
    digest = hashlib.sha256()
    for shard in synthetic.manifest.shards:
        digest.update(f"{shard.count} {shard.images_sha256} {shard.labels_sha256}\n".encode())
    return digest.hexdigest()


def _ratio_at(ratio: Ratio, epoch: int, mode: Mode) -> FixedRatio:
    if not callable(ratio):
        return check_ratio(ratio, mode)
    try:
        value = ratio(epoch)
    except Exception as error:
        raise located(error, f"the ratio at epoch {epoch}") from error
    return check_ratio(value, mode, epoch)


def _plain(ratio: FixedRatio) -> Any:
    if isinstance(ratio, Mapping):
        return [[label, float(ratio[label])] for label in sorted(ratio)]
    return float(ratio)
