"""Entries of a manifest: shards with their checksums, and the provenance of items; read from JSON that may be wrong."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from augsynth.errors import shown

_LIST_DIGITS = 64


@dataclass(frozen=True)
class Shard:
    """Shard with `count` samples in the files `images-NNNNNN.npy` and `labels-NNNNNN.npy`, with their SHA-256.

    Args:
        count: number of samples.
        images_sha256: SHA-256 of the images.
        labels_sha256: SHA-256 of the labels; None without labels.
        targets_sha256: SHA-256 of the files of the targets, by field; None without targets.
    """

    count: int
    images_sha256: str
    labels_sha256: str | None
    targets_sha256: dict[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the entry of a manifest; targets that are None are left out."""
        return {name: value for name, value in vars(self).items() if name != "targets_sha256" or value is not None}

    @classmethod
    def from_json(cls, entry: Any) -> Shard:
        """Return a shard; raise `TypeError` or `ValueError` for an entry that is none."""
        shard = cls(**entry)
        whole(shard.count, "count")
        if not isinstance(shard.images_sha256, str) or not isinstance(shard.labels_sha256, (str, type(None))):
            raise ValueError(f"a shard has no checksums: {shown(shard)}")
        targets = {} if shard.targets_sha256 is None else shard.targets_sha256
        if not isinstance(targets, dict) or not all(isinstance(value, str) for value in targets.values()):
            raise ValueError(f"the targets of a shard have no checksums: {shown(targets)}")
        return shard


@dataclass(frozen=True)
class Part:
    """Provenance of the items of a pool from number `first` to the next part: item k is sample `start + k − first`.

    Args:
        generator: name, distribution, version, class and config of the generator, and the SHA-256 of its weights.
        seed: seed of the samples.
        labels: classes that were asked for: "none", "in turn" (the default), one class, or the SHA-256 of a list.
        first: number of the first item.
        start: number of its sample.
        guidance: strength of guidance; None for the default of the generator.
    """

    generator: dict[str, Any]
    seed: int
    labels: str
    first: int
    start: int
    guidance: float | None = None

    def same_stream(self, other: Part) -> bool:
        """Return whether both parts have samples of one generator and seed."""
        return self.generator == other.generator and self.seed == other.seed

    def continued_by(self, other: Part) -> bool:
        """Return whether another part is the rest of this one, so that one entry describes both."""
        one_rule = self.labels == other.labels and len(self.labels) < _LIST_DIGITS and self.guidance == other.guidance
        return self.same_stream(other) and one_rule and other.start - self.start == other.first - self.first

    def as_json(self) -> dict[str, Any]:
        """Return the entry of a manifest; values that are None are left out."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @classmethod
    def from_json(cls, entry: Any) -> Part:
        """Return a part; raise `TypeError` or `ValueError` for an entry that is none."""
        part = cls(**entry)
        if not isinstance(part.generator, dict) or not isinstance(part.labels, str) or type(part.seed) is not int:
            raise ValueError(f"a part has no generator, seed or labels: {shown(part)}")
        whole(part.first, "first", 0)
        whole(part.start, "start", 0)
        if not isinstance(part.guidance, (int, float, type(None))):
            raise ValueError(f"guidance is {shown(part.guidance)}, expected a number")
        return part


def whole(value: Any, name: str, least: int = 1) -> int:
    """Return a whole number, as JSON has it; `ValueError` for everything else, Booleans and 3.0 included.

    Args:
        value: the number.
        name: its name in messages.
        least: the smallest number that is allowed.
    """
    if type(value) is not int or not least <= value <= sys.maxsize:
        raise ValueError(f"{name} is {shown(value)}, expected a whole number of at least {least}")
    return value
