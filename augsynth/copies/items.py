"""Single samples that are copies, found at a known rate of false discoveries.

A copy is much nearer to one image than to all others. Gu et al., "On memorization in diffusion models", TMLR 2025, take
the quotient of the distances to the nearest and to the second nearest training image, and call a sample below 1/3
memorised. Here the fourth nearest stands for the others, so that copies of an image with two near-duplicates are found,
too. The limit comes from real images: those that were held out, and those of the fit compared with the rest of the fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth.copies.alignment import Alignment
from augsynth.copies.distances import Neighbours, check_images, nearest
from augsynth.core.checks import check_number, check_seed
from augsynth.errors import ArgumentError

_NEIGHBOURS = 4
_MOST_CONTROLS = 2000
_MOST_BLAMED = 0.005

_Doubles = np.ndarray[Any, np.dtype[np.float64]]
_Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, eq=False)
class CopiedItems:
    """Result of `find_copies`.

    Args:
        copied: True for each sample that is a copy, bool (n,).
        nearest: position of the nearest image of the fit, int64 (n,).
        ratios: distance to the nearest image divided by the distance to the fourth nearest, float32 (n,), in [0, 1].
        p_values: share of real images with such a small ratio, float64 (n,), in (0, 1].
    """

    copied: Tensor
    nearest: Tensor
    ratios: Tensor
    p_values: Tensor


def find_copies(
    samples: Tensor,
    fit: Tensor,
    held_out: Tensor | None = None,
    *,
    false_discoveries: float = 0.05,
    seed: int = 0,
    alignment: Alignment | None = None,
) -> CopiedItems:
    """Find the samples that are copies of images that a generator was fitted on.

    The p-values follow Benjamini & Hochberg, 1995. Besides, at most 1 in 200 samples without copies is blamed, or 1 in
    the number of real images if they are fewer.

    Args:
        samples: uint8 (n, C, H, W).
        fit: images that the generator was fitted on, uint8 (m, C, H, W), of which at least 5 are different.
        held_out: further images of the same kind, uint8 (h, C, H, W), which make the p-values finer; None (default) for
            none.
        false_discoveries: expected share of false ones among the copies that are found, in (0, 1); default 0.05.
        seed: 64-bit seed of the choice of at most 2,000 images of the fit for comparison; default 0.
        alignment: changes that images are compared under; default `Alignment()`.
    """
    kept = _without_repetitions(check_images("fit", fit))
    rate = check_number("false_discoveries", false_discoveries)
    if not 0 < rate < 1:
        raise ArgumentError(f"false_discoveries must lie in (0, 1), got {false_discoveries}")
    alignment = alignment or Alignment()
    found = nearest(samples, fit[kept], _NEIGHBOURS, alignment=alignment)
    ratios = _ratios(found)
    controls = _controls(fit[kept], held_out, check_seed(seed), alignment)
    as_small = np.searchsorted(np.sort(controls), ratios, side="right").astype(np.float64)
    p_values = (1.0 + as_small) / (1.0 + len(controls))
    limit = min(_largest_discovery(p_values, rate), max(_MOST_BLAMED, 1.0 / (1.0 + len(controls))))
    copied, originals = torch.from_numpy(p_values <= limit), kept[found.indices[:, 0]]
    return CopiedItems(copied, originals, torch.from_numpy(ratios), torch.from_numpy(p_values))


def _without_repetitions(images: Tensor) -> Tensor:
    """Return the position of each different image, the first where it is repeated; at least `_NEIGHBOURS` + 1."""
    first: dict[bytes, int] = {}
    for position, image in enumerate(images.cpu().numpy()):
        first.setdefault(image.tobytes(), position)
    if len(first) <= _NEIGHBOURS:
        raise ArgumentError(f"fit must hold at least {_NEIGHBOURS + 1} different images, got {len(first)}")
    return torch.tensor(list(first.values()), dtype=torch.int64, device="cpu")


def _ratios(found: Neighbours) -> _Floats:
    first, last = found.distances[:, 0].numpy(), found.distances[:, -1].numpy()
    ratios: _Floats = np.divide(first, last, out=np.zeros_like(first), where=last > 0)
    return ratios


def _controls(fit: Tensor, held_out: Tensor | None, seed: int, alignment: Alignment) -> _Floats:
    """Return the ratios of real images."""
    chosen = np.random.default_rng(seed % 2**64).permutation(len(fit))[:_MOST_CONTROLS]
    probes = torch.from_numpy(chosen).to(fit.device)
    ratios = [_ratios(nearest(fit[probes], fit, _NEIGHBOURS, apart=probes, alignment=alignment))]
    if held_out is not None:
        ratios.append(_ratios(nearest(held_out, fit, _NEIGHBOURS, alignment=alignment)))
    return np.concatenate(ratios)


def _largest_discovery(p_values: _Doubles, rate: float) -> float:
    """Return the largest p-value of a discovery: the last of p₍ᵢ₎ ≤ rate · i / n. It is 0 if there is none."""
    ordered = np.sort(p_values)
    good = ordered <= rate * np.arange(1, len(ordered) + 1) / len(ordered)
    return float(ordered[good].max(initial=0.0))
