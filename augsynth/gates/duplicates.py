"""Duplicates within sets of images and between them: equal images, and near-duplicates.

Two images are near-duplicates if their distance (see `augsynth.copies`) is at most 0.05 + 10 / contrast, with the
contrast in grey levels, and at most 0.45 of the distance to the third image beyond. The first limit is what noise of
about 10 levels makes of a copy. By the second, a duplicate is much nearer than the usual neighbour, so images that are
only similar (digits, textures) are none. Groups of up to 13 near-duplicates are found so in each set, and groups of any
size at distances of at most 0.05.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth.copies import Alignment, Neighbours, likely_nearest
from augsynth.copies.distances import check_images
from augsynth.core.typing import Ints
from augsynth.errors import ArgumentError

_NEIGHBOURS = 16
_BEYOND = 3
_MOST_DISTANT = 0.4
_SURELY = 0.05
_NOISE = 10.0  # grey levels
_GAP = 0.45
_LEAST_CONTRAST = 2.0  # grey levels; images below it are alike only if they are equal


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Result of `find_duplicates`.

    Args:
        sizes: number of images of each set, by its name.
        groups: images that are duplicates of each other, as (name of the set, position), in rising order. An image is
            in one group at most.
        equal_groups: groups of images that are equal in all pixels; each is part of one of `groups`.
    """

    sizes: Mapping[str, int]
    groups: tuple[tuple[tuple[str, int], ...], ...]
    equal_groups: tuple[tuple[tuple[str, int], ...], ...]

    @property
    def exact(self) -> int:
        """Number of images that equal an earlier one in all pixels."""
        return sum(len(group) - 1 for group in self.equal_groups)

    def equal(self, name: str, other: str) -> Ints:
        """Return the positions of images of a set that equal one of another set, or an earlier one of the same set.

        Args:
            name: name of the set.
            other: name of the other set, or the same name.
        """
        parts = [(self._members(group, name), self._members(group, other)) for group in self.equal_groups]
        return np.array(sorted(i for ours, theirs in parts if theirs for i in ours[name == other :]), np.int64)

    def within(self, name: str) -> tuple[tuple[int, ...], ...]:
        """Return the groups of positions in one set that are duplicates of each other.

        Args:
            name: name of the set.
        """
        parts = (self._members(group, name) for group in self.groups)
        return tuple(part for part in parts if len(part) > 1)

    def repeated(self, name: str) -> Ints:
        """Return the positions in a set that repeat an earlier one of the set, int64 (n,).

        Args:
            name: name of the set.
        """
        return np.array(sorted(i for group in self.within(name) for i in group[1:]), np.int64)

    def shared(self, name: str, other: str) -> Ints:
        """Return the positions in a set that have a duplicate in another set, int64 (n,).

        Args:
            name: name of the set.
            other: name of the other set.
        """
        met = (self._members(group, name) for group in self.groups if self._members(group, other))
        return np.array(sorted(i for part in met for i in part), np.int64)

    def group_numbers(self, name: str) -> Ints:
        """Return a number for each image of a set, int64 (n,), which is equal for duplicates alone.

        Args:
            name: name of the set.
        """
        numbers = np.arange(self.sizes[name])
        for group in self.within(name):
            numbers[list(group)] = group[0]
        return numbers

    def to_dict(self) -> dict[str, Any]:
        """Return the result, JSON-ready."""
        return {
            "sizes": dict(self.sizes),
            "exact": self.exact,
            "groups": [[list(member) for member in group] for group in self.groups],
            "equal_groups": [[list(member) for member in group] for group in self.equal_groups],
        }

    def _members(self, group: tuple[tuple[str, int], ...], name: str) -> tuple[int, ...]:
        if name not in self.sizes:
            raise ArgumentError(f"there is no set {name!r}; the sets are {', '.join(self.sizes)}")
        return tuple(position for owner, position in group if owner == name)


def find_duplicates(sets: Mapping[str, Tensor], *, alignment: Alignment | None = None) -> Duplicates:
    """Find duplicates within sets of images and between them.

    Memory is bounded. Time grows with the product of the sizes of each pair of sets: for two sets of 10,000 MNIST
    images it is about one minute on one core.

    Args:
        sets: images of each set by its name, uint8 (n, C, H, W) of one shape.
        alignment: changes that near-duplicates may differ by; default `Alignment()`, shifts of 2 pixels and mirroring.

    >>> images = torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8)
    >>> found = find_duplicates({"train": images[:12], "test": images[8:]})
    >>> found.shared("test", "train").tolist(), found.exact
    ([0, 1, 2, 3], 4)
    """
    parts = list(sets.values())
    for name, images in sets.items():
        check_images(name, images, like=parts[0])
    starts = np.cumsum([0, *map(len, parts)])
    first = _first_of_equal([image for part in parts for image in part.cpu().numpy()])
    edges = [np.stack([np.arange(len(first)), first], axis=1)]
    kept = [
        np.flatnonzero(
            (first[start : start + len(part)] == np.arange(start, start + len(part)))
            & (_contrasts(part) >= _LEAST_CONTRAST)
        )
        for start, part in zip(starts, parts, strict=False)
    ]
    for one in range(len(parts)):
        for other in range(one, len(parts)):
            pairs = _near_pairs(parts[other][kept[other]], parts[one][kept[one]], one == other, alignment)
            edges.append(np.stack([kept[other][pairs[0]] + starts[other], kept[one][pairs[1]] + starts[one]], axis=1))
    owners = [(name, position) for name, part in sets.items() for position in range(len(part))]
    alike, equal = (
        tuple(tuple(owners[i] for i in group) for group in _groups(len(first), pairs))
        for pairs in (np.concatenate(edges), edges[0])
    )
    return Duplicates({name: len(part) for name, part in sets.items()}, alike, equal)


def _first_of_equal(images: list[Any]) -> Ints:
    """Return for each image the position of the first one with the same pixels."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(image.tobytes(), position) for position, image in enumerate(images)], np.int64)


def _contrasts(images: Tensor) -> Any:
    """Return the standard deviation of each image about the mean of each channel, in grey levels, float32 (n,)."""
    parts = [part.float().var(dim=(2, 3), correction=0).mean(1).sqrt() for part in torch.split(images, 1024)]
    return torch.cat(parts).cpu().numpy()


def _near_pairs(queries: Tensor, references: Tensor, same: bool, alignment: Alignment | None) -> tuple[Ints, Ints]:
    """Return the positions of queries and references that are near-duplicates."""
    if len(queries) == 0 or len(references) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    apart = torch.arange(len(queries), device="cpu") if same else None
    found = likely_nearest(
        queries, references, _NEIGHBOURS, apart=apart, alignment=alignment, within=_MOST_DISTANT / (1 - _GAP)
    )
    rows, columns = np.nonzero(_is_duplicate(found, _SURELY + _NOISE / _contrasts(queries)))
    return rows, found.indices.numpy()[rows, columns]


def _is_duplicate(found: Neighbours, limits: Any) -> Any:
    """Return True for each neighbour that is a near-duplicate, (n, k).

    Args:
        found: neighbours of n images.
        limits: largest distance of a near-duplicate of each image, (n,).
    """
    distances = found.distances.numpy()
    gaps = np.zeros(distances.shape, bool)
    if distances.shape[1] > _BEYOND:
        near, beyond = distances[:, :-_BEYOND], distances[:, _BEYOND:]
        gaps[:, :-_BEYOND] = (
            (near <= _GAP * beyond) & np.isfinite(beyond) & (near <= np.minimum(limits, _MOST_DISTANT)[:, None])
        )
    before_a_gap = np.logical_or.accumulate(gaps[:, ::-1], axis=1)[:, ::-1]
    return before_a_gap | (distances <= _SURELY)


def _groups(n: int, edges: Ints) -> Iterator[list[int]]:
    """Yield the connected components of more than one of n points, in the order of their first points."""
    least = np.arange(n)
    while True:
        lower = least.copy()
        for one, other in ((0, 1), (1, 0)):
            np.minimum.at(lower, edges[:, one], least[edges[:, other]])
        lower = lower[lower]
        if np.array_equal(lower, least):
            break
        least = lower
    members: dict[int, list[int]] = {}
    for position in np.flatnonzero(np.bincount(least, minlength=n)[least] > 1).tolist():
        members.setdefault(int(least[position]), []).append(position)
    yield from members.values()
