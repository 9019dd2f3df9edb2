"""A test of copying by relabelling, with an estimate of how many samples are near-copies beyond chance.

The real images are split at random: a generator is fitted on some, and the others are held out. If it copied nothing,
both are alike for its samples. T is the number of samples within a radius ε of an image of the fit. The labels "fit"
and "held out" are drawn anew B times, and p = (1 + #{T_b ≥ T}) / (B + 1) (arXiv 2610.00251).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth.copies.alignment import Alignment
from augsynth.copies.distances import check_images, nearest, pairs_within
from augsynth.core.checks import check_integer, check_number, check_seed
from augsynth.errors import ArgumentError

_MOST_PROBES = 1000
_LEAST_RADIUS = 0.05
"""Distance of an image from itself with a little noise: a radius below it would miss copies."""

_Ints = np.ndarray[Any, np.dtype[np.int64]]
_Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class CopyEvidence:
    """Result of `CopyTest`.

    Args:
        p_value: probability of so many samples near images of the fit if nothing was copied, in (0, 1].
        share: share of the samples that are near-copies of images of the fit beyond chance, in [0, 1].
        near_fit: number of samples within `radius` of an image of the fit.
        near_held_out: number of samples within `radius` of an image that was held out.
        samples: number of samples.
        radius: largest distance of a near-copy.
    """

    p_value: float
    share: float
    near_fit: int
    near_held_out: int
    samples: int
    radius: float


class CopyTest:
    """The test for one split of real images, for any number of sets of samples.

    The split must be random: images of another kind or from another source make the halves different. The test may
    be repeated for many sets of samples. Each has its own p-value.

    Args:
        fit: images that the generator was fitted on, uint8 (n, C, H, W).
        held_out: images of the same kind that it never saw, uint8 (m, C, H, W). With few of them, only frequent copying
            is seen: c copied images are found from (n / (n + m))^c < p on.
        quantile: quantile, in (0, 1), of the distances of real images to their nearest other real image that is taken
            for ε; default 0.01. At most 1,000 real images are asked, and distances below 0.05 are duplicates, which
            are not counted.
        relabellings: number B, at least 1; default 999.
        seed: 64-bit seed of the relabellings; default 0.
        alignment: changes that images are compared under; default `Alignment()`.

    >>> real = torch.randint(0, 256, (60, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    >>> test = CopyTest(real[:30], real[30:])
    >>> test(real[:10].flip(3)).p_value, test(real[:10]).share
    (0.002, 1.0)
    """

    def __init__(
        self,
        fit: Tensor,
        held_out: Tensor,
        *,
        quantile: float = 0.01,
        relabellings: int = 999,
        seed: int = 0,
        alignment: Alignment | None = None,
    ) -> None:
        check_images("held_out", held_out, like=check_images("fit", fit))
        self._real, self._fit = torch.cat([fit, held_out.to(fit.device)]), len(fit)
        self._quantile = check_number("quantile", quantile)
        if not 0 < self._quantile < 1:
            raise ArgumentError(f"quantile must lie in (0, 1), got {quantile}")
        self._relabellings = check_integer("relabellings", relabellings, 1)
        self._seed, self._alignment = check_seed(seed), alignment or Alignment()

    @cached_property
    def radius(self) -> float:
        """Largest distance ε of a near-copy. It does not depend on which images are held out."""
        chosen = np.sort(self._rng().permutation(len(self._real))[:_MOST_PROBES])
        probes = torch.from_numpy(chosen).to(self._real.device)
        found = nearest(self._real[probes], self._real, 1, apart=probes, alignment=self._alignment).distances
        apart = found[found.isfinite() & (found > _LEAST_RADIUS)]
        return max(_LEAST_RADIUS, float(apart.quantile(self._quantile))) if len(apart) else _LEAST_RADIUS

    def __call__(self, samples: Tensor) -> CopyEvidence:
        """Test samples of a generator.

        Args:
            samples: uint8 (s, C, H, W).
        """
        pairs = pairs_within(samples, self._real, self.radius, alignment=self._alignment)
        near = _Near(pairs[0].numpy(), pairs[1].numpy(), len(samples), self._fit, len(self._real) - self._fit)
        return CopyEvidence(
            near.p_value(self._relabellings, self._rng()),
            near.share(),
            int((near.fit_counts > 0).sum()),
            int((near.held_out_counts > 0).sum()),
            len(samples),
            self.radius,
        )

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self._seed % 2**64)


class _Near:
    """Pairs of samples and real images that are near each other."""

    def __init__(self, samples: _Ints, images: _Ints, n: int, fit: int, held_out: int) -> None:
        self._samples, self._images = samples, images
        self._n, self._fit, self._held_out = n, fit, held_out
        of_fit = images < fit
        self.fit_counts = np.bincount(samples[of_fit], minlength=n)
        self.held_out_counts = np.bincount(samples[~of_fit], minlength=n)

    def p_value(self, relabellings: int, rng: np.random.Generator) -> float:
        observed = int((self.fit_counts > 0).sum())
        if observed == 0:
            return 1.0
        known, images = np.unique(self._images, return_inverse=True)
        begins = np.flatnonzero(np.diff(self._samples, prepend=-1))
        as_many = 0
        for _ in range(relabellings):
            # Only images near a sample count: first their number in the fit is drawn, then these images.
            labelled = np.zeros(len(known), bool)
            among = rng.hypergeometric(self._fit, self._held_out, len(known))
            labelled[rng.permutation(len(known))[:among]] = True
            as_many += int(np.logical_or.reduceat(labelled[images], begins).sum()) >= observed
        return (1 + as_many) / (relabellings + 1)

    def share(self) -> float:
        """Compare both halves at one size: the expected share of samples near k random images of each half.

        k is the size of the smaller half. The difference is scaled to the size of the fit. A copy is near one image of
        the fit, which is among k with the probability k / n. So it counts once.
        """
        k = min(self._fit, self._held_out)
        met = _chance_to_meet(self.fit_counts, self._fit, k) - _chance_to_meet(self.held_out_counts, self._held_out, k)
        beyond_chance = float(met.mean()) * self._fit / k
        return min(max(beyond_chance, 0.0), float((self.fit_counts > 0).mean()))


def _chance_to_meet(counts: _Ints, size: int, k: int) -> _Floats:
    """Return the probability that k of `size` images include one of `count`: 1 − C(size − count, k) / C(size, k)."""
    drawn = np.arange(int(counts.max(initial=0)))
    missed = np.concatenate([[1.0], np.cumprod(np.maximum(size - k - drawn, 0) / (size - drawn))])
    return 1.0 - missed[counts]
