"""The gate against copies: is a set of samples copied from training images, and which samples are?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from augsynth.copies import Alignment, CopyEvidence, CopyTest, find_copies
from augsynth.core.checks import check_number, check_seed
from augsynth.core.typing import Ints
from augsynth.errors import ArgumentError

_MOST_TESTED = 2000


@dataclass(frozen=True, eq=False)
class CopyFindings:
    """Result of `check_copies`.

    Args:
        samples: number of samples.
        items: positions of samples that are copies, int64 (c,).
        originals: position of the image that each of them is a copy of, int64 (c,).
        evidence: result of the permutation test; None without held-out images.
        significance: p-value up to which the test says "copied".
    """

    samples: int
    items: Ints
    originals: Ints
    evidence: CopyEvidence | None
    significance: float

    @property
    def copied(self) -> bool | None:
        """True if the permutation test says that samples were copied; None without held-out images."""
        return None if self.evidence is None else self.evidence.p_value <= self.significance

    def to_dict(self) -> dict[str, Any]:
        """Return the result, JSON-ready."""
        return {
            "samples": self.samples,
            "items": self.items.tolist(),
            "originals": self.originals.tolist(),
            "copied": self.copied,
            "significance": self.significance,
            "test": None if self.evidence is None else vars(self.evidence),
        }


def check_copies(
    samples: Tensor,
    fit: Tensor,
    held_out: Tensor | None = None,
    *,
    significance: float = 0.05,
    false_discoveries: float = 0.05,
    seed: int = 0,
    alignment: Alignment | None = None,
) -> CopyFindings:
    """Test whether samples were copied from the images of a fit, and find single copies.

    The test (`CopyTest`) needs images that were held out at random, and looks at no more than 2,000 random samples.
    Single copies (`find_copies`) are found among all samples, at a known rate of false discoveries.

    Args:
        samples: images of a generator, uint8 (n, C, H, W).
        fit: images that it was fitted on, uint8 (m, C, H, W).
        held_out: images that it never saw, a random part of the real ones, uint8 (h, C, H, W); None (default) for none.
        significance: p-value up to which the test says "copied", in (0, 1); default 0.05.
        false_discoveries: expected share of false ones among the single copies, in (0, 1); default 0.05.
        seed: 64-bit seed of all random choices; default 0.
        alignment: changes that a copy may differ by; default `Alignment()`.
    """
    if not 0 < check_number("significance", significance) < 1:
        raise ArgumentError(f"significance must lie in (0, 1), got {significance}")
    found = find_copies(
        samples, fit, held_out, false_discoveries=false_discoveries, seed=check_seed(seed), alignment=alignment
    )
    evidence = None
    if held_out is not None:
        tested = np.sort(np.random.default_rng(seed % 2**64).permutation(len(samples))[:_MOST_TESTED])
        evidence = CopyTest(fit, held_out, seed=seed, alignment=alignment)(samples[tested])
    items = np.flatnonzero(found.copied.numpy())
    return CopyFindings(len(samples), items, found.nearest.numpy()[items], evidence, significance)
