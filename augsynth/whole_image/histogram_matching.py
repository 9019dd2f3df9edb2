"""Matching of histograms: each colour of an image gets the distribution that it has in another one."""

from __future__ import annotations

import numpy as np

from augsynth import _native
from augsynth.core.scale import full_scale, stored
from augsynth.core.typing import Floats, Image
from augsynth.errors import ArgumentError
from augsynth.whole_image.colour_planes import colours_of
from augsynth.whole_image.description import WholeImageOperation

MOST_LEVELS = 1024


def match_histogram(image: Image, *, levels: Floats, shares: Floats, blend: float) -> Image:
    """Give each colour the distribution of a reference, as scikit-image's `match_histograms` does.

    A value of which a share s of the channel's values are no higher becomes the reference's level at s, between its
    levels by a straight line. NaN and infinite values are not counted, and stay. The fourth of four channels stays.

    Args:
        image: an image (H, W, C).
        levels: the reference's levels (colours, k), as fractions of the full scale, in rising order.
        shares: the share (colours, k) of the reference's values that are no higher than each level.
        blend: the share of the result in a mean with the image, 0 to 1.

    >>> ramp = np.array([[[0], [1], [2], [3]]], np.uint8)
    >>> match_histogram(ramp, levels=[[0.0, 1.0]], shares=[[0.5, 1.0]], blend=1.0).ravel().tolist()
    [0, 0, 128, 255]
    """
    levels, shares = np.asarray(levels, np.float64), np.asarray(shares, np.float64)
    result: Image = image.copy()
    colours = colours_of(result)
    if levels.ndim != 2 or levels.shape != shares.shape or len(levels) < colours.shape[2] or not levels.size:
        raise ArgumentError(f"levels and shares must be ({colours.shape[2]}, k), got {levels.shape}, {shares.shape}")
    scale = full_scale(image.dtype)
    counted = _native.count_levels(image) if image.dtype == np.uint8 else None
    for channel in range(colours.shape[2]):
        values = colours[..., channel]
        kept = np.isfinite(values)
        if counted is None:
            known, places, counts = np.unique(values[kept], return_inverse=True, return_counts=True)
        else:
            known, places, counts = np.arange(256), values.ravel(), counted[channel]
        below = np.cumsum(counts) / max(int(counts.sum()), 1)
        matched = np.interp(below, shares[channel], levels[channel]) * scale
        values[kept] = stored(known + blend * (matched - known), image.dtype)[places.ravel()]
    return result


def distribution(image: Image) -> tuple[Floats, Floats]:
    """Return the levels and the shares (colours, k) of an image, for `match_histogram`.

    k is the number of different levels, which is at most 1,024: of more levels, quantiles at equal distances are left.

    >>> levels, shares = distribution(np.array([[[0], [255], [0], [51]]], np.uint8))
    >>> levels.tolist(), shares.tolist()
    ([[0.0, 0.2, 1.0]], [[0.5, 0.75, 1.0]])
    """
    found = [_distribution(plane[np.isfinite(plane)]) for plane in np.moveaxis(colours_of(image), -1, 0)]
    longest = max(len(levels) for levels, _ in found)
    padded = [[np.pad(row, (0, longest - len(row)), mode="edge") for row in pair] for pair in found]
    levels, shares = np.stack(padded, axis=1)
    return levels / full_scale(image.dtype), shares


def _distribution(values: Image) -> tuple[Floats, Floats]:
    levels, counts = np.unique(values if values.size else np.zeros(1, values.dtype), return_counts=True)
    shares = np.cumsum(counts) / counts.sum()
    if len(levels) <= MOST_LEVELS:
        return levels.astype(np.float64), shares
    even = np.linspace(shares[0], 1.0, MOST_LEVELS)
    return np.interp(even, shares, levels), even


HISTOGRAM_MATCHING = WholeImageOperation(
    "match_histogram",
    match_histogram,
    {"levels": [[0.1, 0.5, 0.9]] * 16, "shares": [[0.2, 0.7, 1.0]] * 16, "blend": 0.8},
    keeps_positions=True,
)
