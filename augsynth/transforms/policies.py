"""Automatic policies: operations drawn for each image, at strengths that are given, drawn or were searched for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from augsynth.core.checks import check_choice
from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError
from augsynth.plan.lowering import Lowering, PerChannel
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import integer, resampled
from augsynth.transforms.policy_operations import IDENTITY, NAMES, POLICY_OPERATIONS, Space, add_chosen
from augsynth.transforms.policy_tables import POLICIES

_SEARCHED = Space(shear=0.3, translate=150 / 331, rotate=30.0, enhance=0.9, posterize=4.0)
_WIDE = Space(shear=0.99, translate=1.0, rotate=135.0, enhance=0.99, posterize=6.0, translate_pixels=32.0)
# All but Invert, as both papers have it; what comes last is to leave the image as it is.
_UNSEARCHED = np.array([*(number for number, name in enumerate(NAMES) if name != "Invert"), IDENTITY])
_AUTO_BINS = 10
_MOST_OPS = 100


def _signs(u: Floats) -> Floats:
    return np.where(u < 0.5, -1.0, 1.0)


def _drawn(u: Floats, count: int) -> Ints:
    return np.minimum((u * count).astype(np.int64), count - 1)


@dataclass(frozen=True)
class RandAugment(Transform):
    """Apply random operations one after the other, all at one strength (Cubuk et al. 2020).

    There are 14 operations, with torchvision's largest amounts: shears by 0.3, translations by 150/331 of a side,
    rotations by 30 degrees, brightness, colour, contrast and sharpness by 0.9, posterise by 4 bits, solarise,
    autocontrast, equalise, and no change. Directions are drawn. Translations may be by fractions of a pixel, and are
    interpolated.

    A magnitude of 0 may still change an image, as in torchvision: solarise inverts values of at least the full scale,
    so that white becomes black; posterise keeps 8 bits, and uint16 and float images have more; autocontrast and
    equalise have no strength.

    Args:
        num_ops: the number of operations, 0 to 100; 2 by default.
        magnitude: the strength, 0 to `num_magnitude_bins` - 1; 9 by default.
        num_magnitude_bins: the number of strengths, at least 2; 31 by default.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".

    >>> import numpy as np
    >>> RandAugment()(np.zeros((8, 8, 3), np.uint8)).shape
    torch.Size([3, 8, 8])
    """

    num_ops: int = 2
    magnitude: int = 9
    num_magnitude_bins: int = 31
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    border: str = "constant"

    @property
    def draws(self) -> int:  # type: ignore[override]
        return 2 * self.num_ops

    def check(self) -> None:
        integer(self.num_ops, "num_ops", 0, _MOST_OPS)
        bins = integer(self.num_magnitude_bins, "num_magnitude_bins", 2)
        if integer(self.magnitude, "magnitude", 0) >= bins:
            raise ArgumentError(f"magnitude must be below num_magnitude_bins = {bins}, got {self.magnitude}")
        resampled(self.interpolation, None, self.border, self.fill)

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        u = next(draws).u
        declared = resampled(self.interpolation, None, self.border, self.fill)
        share = np.full(len(u), self.magnitude / (self.num_magnitude_bins - 1))
        for layer in range(self.num_ops):
            chosen = _UNSEARCHED[_drawn(u[:, 2 * layer], len(_UNSEARCHED))]
            add_chosen(lowering, "RandAugment", chosen, share, _signs(u[:, 2 * layer + 1]), _SEARCHED, declared)


@dataclass(frozen=True)
class TrivialAugmentWide(Transform):
    """Apply one random operation at a random strength (Müller & Hutter 2021, the wide space).

    The operations are those of `RandAugment`, with larger amounts: shears by 0.99, translations by 32 pixels, rotations
    by 135 degrees, brightness, colour, contrast and sharpness by 0.99, posterise by 6 bits. The lowest strength may
    still change an image, as a magnitude of 0 of `RandAugment` may.

    Args:
        num_magnitude_bins: the number of strengths, at least 2; 31 by default.
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".

    >>> import numpy as np
    >>> TrivialAugmentWide()(np.zeros((8, 8, 3), np.uint8)).shape
    torch.Size([3, 8, 8])
    """

    num_magnitude_bins: int = 31
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    border: str = "constant"
    draws = 3

    def check(self) -> None:
        integer(self.num_magnitude_bins, "num_magnitude_bins", 2)
        resampled(self.interpolation, None, self.border, self.fill)

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        u = next(draws).u
        declared = resampled(self.interpolation, None, self.border, self.fill)
        share = _drawn(u[:, 1], self.num_magnitude_bins) / (self.num_magnitude_bins - 1)
        chosen = _UNSEARCHED[_drawn(u[:, 0], len(_UNSEARCHED))]
        add_chosen(lowering, "TrivialAugmentWide", chosen, share, _signs(u[:, 2]), _WIDE, declared)


@dataclass(frozen=True)
class AutoAugment(Transform):
    """Apply two operations by a random sub-policy of those found for a data set (Cubuk et al. 2019).

    Each of the 25 sub-policies gives two operations, with a probability and a strength each. Directions are drawn. The
    largest amounts are those of `RandAugment`.

    Args:
        policy: "imagenet" (the default), "cifar10" or "svhn".
        interpolation: "nearest", "bilinear" (the default) or "bicubic".
        fill: the level of a constant border, in the image's units: a number, or one for each channel; 0 by default.
        border: the values outside the image: "constant" (the default), "replicate", "reflect", "reflect101" or "wrap".

    >>> import numpy as np
    >>> AutoAugment("cifar10")(np.zeros((8, 8, 3), np.uint8)).shape
    torch.Size([3, 8, 8])
    """

    policy: str = "imagenet"
    interpolation: str = "bilinear"
    fill: PerChannel = 0.0
    border: str = "constant"
    draws = 5

    def __post_init__(self) -> None:
        object.__setattr__(self, "policy", getattr(self.policy, "value", self.policy))
        super().__post_init__()

    def check(self) -> None:
        check_choice("policy", self.policy, POLICIES)
        resampled(self.interpolation, None, self.border, self.fill)

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        u = next(draws).u
        declared = resampled(self.interpolation, None, self.border, self.fill)
        operations, probabilities, magnitudes = _table(self.policy)
        which = _drawn(u[:, 0], len(operations))
        for layer in range(2):
            done = u[:, 1 + 2 * layer] < probabilities[which, layer]
            chosen = np.where(done, operations[which, layer], IDENTITY)
            share = magnitudes[which, layer] / (_AUTO_BINS - 1)
            add_chosen(lowering, "AutoAugment", chosen, share, _signs(u[:, 2 + 2 * layer]), _SEARCHED, declared)


@dataclass(frozen=True)
class SingleOperation(Transform):
    """One operation of a policy on every sample, in a drawn direction.

    Args:
        operation: a name of `POLICY_OPERATIONS`.
        share: the strength, a share of the largest amount, 0 to 1.
        wide: True for the amounts of `TrivialAugmentWide`; False for those of the other policies.
        interpolation: that of the policy.
        fill: that of the policy.
        border: that of the policy.
    """

    operation: str
    share: float
    wide: bool
    interpolation: str
    fill: PerChannel
    border: str
    draws = 1

    def lower(self, draws: Iterator[Draw], lowering: Lowering) -> None:
        u = next(draws).u
        declared = resampled(self.interpolation, None, self.border, self.fill)
        chosen, share = np.full(len(u), NAMES.index(self.operation)), np.full(len(u), self.share)
        space = _WIDE if self.wide else _SEARCHED
        add_chosen(lowering, self.operation, chosen, share, _signs(u[:, 0]), space, declared)


def single_operations(
    policy: RandAugment | TrivialAugmentWide | AutoAugment, strengths: Sequence[float]
) -> Iterator[tuple[str, float | None, Transform]]:
    """The operations of a policy at shares of its largest strength; None for those that have no strength."""
    wide, top = isinstance(policy, TrivialAugmentWide), 1.0
    if isinstance(policy, RandAugment):
        top = policy.magnitude / (policy.num_magnitude_bins - 1)
    used = _table(policy.policy)[0] if isinstance(policy, AutoAugment) else _UNSEARCHED
    for number in sorted(set(used.ravel().tolist()) - {IDENTITY}):
        name = NAMES[number]
        graded = bool(POLICY_OPERATIONS[name].limit) or name == "Solarize"
        for share in strengths if graded else (1.0,):
            made = SingleOperation(name, top * share, wide, policy.interpolation, policy.fill, policy.border)
            yield name, top * share if graded else None, made


@lru_cache
def _table(policy: str) -> tuple[Ints, Floats, Floats]:
    """Indices into `NAMES`, probabilities and magnitudes of a policy's sub-policies, (25, 2) each."""
    lines = [line.split(" + ") for line in POLICIES[policy].strip().splitlines()]
    words = [[operation.split() for operation in line] for line in lines]
    operations = np.array([[NAMES.index(operation[0]) for operation in line] for line in words])
    probabilities = np.array([[float(operation[1]) for operation in line] for line in words])
    magnitudes = np.array([[float((*operation, "0")[2]) for operation in line] for line in words])
    return operations, probabilities, magnitudes
