"""Odd images: constant ones, and outliers of brightness, contrast, saturated pixels and roughness.

A statistic is odd if it is further from the median than 8 times the distance from the median to the quartile on its
side. Of a normal distribution, that is one value in ten million.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth.copies.distances import check_images
from augsynth.core.typing import Floats, Ints

_FAR = 8.0
_CONSTANT = 0.5  # grey levels
_CHUNK = 1024


def _mean(images: Tensor) -> Tensor:
    return images.mean((1, 2, 3))


def _contrast(images: Tensor) -> Tensor:
    return images.std((1, 2, 3), correction=0)


def _saturated(images: Tensor) -> Tensor:
    return ((images == 0) | (images == 255)).float().mean((1, 2, 3))


def _roughness(images: Tensor) -> Tensor:
    """Return the mean difference of neighbouring pixels, relative to the contrast: noise is rough, blur is smooth."""
    steps = [images.diff(dim=axis).abs().mean((1, 2, 3)) for axis in (2, 3) if images.shape[axis] > 1]
    total = torch.stack(steps).mean(0) if steps else torch.zeros(len(images))
    return total / _contrast(images).clamp(min=1.0)


# Each has a function of float images (n, C, H, W), and the smallest distance from the median to a quartile.
_STATISTICS = {
    "brightness": (_mean, 2.0),
    "contrast": (_contrast, 2.0),
    "saturated": (_saturated, 0.1),
    "roughness": (_roughness, 0.02),
}


@dataclass(frozen=True, eq=False)
class OddImages:
    """Result of `find_odd_images`.

    Args:
        reasons: reasons of each odd image by its position: "constant", or the statistics that are odd, with their
            values.
        ranges: lowest and highest value of each statistic that is not odd, by its name.
    """

    reasons: Mapping[int, tuple[str, ...]]
    ranges: Mapping[str, tuple[float, float]]

    @property
    def items(self) -> Ints:
        """Positions of odd images, int64 (d,)."""
        return np.array(sorted(self.reasons), np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Return the result, JSON-ready."""
        return {
            "items": self.items.tolist(),
            "reasons": {str(item): list(found) for item, found in sorted(self.reasons.items())},
            "ranges": {name: list(limits) for name, limits in self.ranges.items()},
        }


def find_odd_images(images: Tensor, reference: Tensor | None = None) -> OddImages:
    """Find images that are constant, or whose statistics are far outside the usual range.

    Args:
        images: uint8 (n, C, H, W).
        reference: images that say what is usual, uint8 (m, C, H, W), such as the real ones; None (default) for
            `images`.

    >>> images = torch.randint(0, 256, (50, 1, 8, 8), dtype=torch.uint8)
    >>> images[7] = 3
    >>> find_odd_images(images).reasons[7][0]
    'constant'
    """
    check_images("images", images)
    usual = images if reference is None else check_images("reference", reference)
    of_images, of_usual = _statistics(images), _statistics(usual)
    ranges = {name: _range(of_usual[name], least) for name, (_, least) in _STATISTICS.items()}
    reasons: dict[int, list[str]] = {
        int(item): ["constant"] for item in np.flatnonzero(of_images["contrast"] < _CONSTANT)
    }
    for name, (low, high) in ranges.items():
        values = of_images[name]
        for item in np.flatnonzero((values < low) | (values > high)):
            reasons.setdefault(int(item), []).append(f"{name} {values[item]:.3g}")
    return OddImages({item: tuple(found) for item, found in reasons.items()}, ranges)


def _statistics(images: Tensor) -> dict[str, Floats]:
    parts = [
        {name: function(part.float()) for name, (function, _) in _STATISTICS.items()}
        for part in torch.split(images, _CHUNK)
    ]
    return {name: torch.cat([part[name] for part in parts]).cpu().double().numpy() for name in _STATISTICS}


def _range(values: Floats, least: float) -> tuple[float, float]:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(middle - _FAR * max(middle - low, least)), float(middle + _FAR * max(high - middle, least))
