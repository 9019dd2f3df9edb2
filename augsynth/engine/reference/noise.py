"""Noise in float64, from the bits that `docs/design/numerics.md` assigns to each value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from augsynth._native.layout import NoiseKind
from augsynth.core.rng import normal_of, philox
from augsynth.core.typing import Bits, Floats

PIXEL_ROUNDS = 7  # of Philox: the fewest with which it passes BigCrush

LARGE_MEAN = 16.0
_NOISY_MEAN = 2.0**48


def add_noise(row: np.void, values: Floats) -> Floats:
    """Return the values (C, H, W) with the noise of the row, in the source's units."""
    stream, shape = row["stream"], values.shape
    p0, p1, p2, p3 = (float(parameter) for parameter in row["noise_parameters"])
    match NoiseKind(row["noise"]):
        case NoiseKind.NONE:
            return values
        case NoiseKind.GAUSSIAN | NoiseKind.EXACT_GAUSSIAN | NoiseKind.UNIFORM | NoiseKind.SPECKLE if p0 == p1 == 0:
            return values  # 0 added to -0 is 0, and 0 times an infinity is NaN
        case NoiseKind.GAUSSIAN:
            return values + (p0 + p1 * table_normal(stream, shape))
        case NoiseKind.EXACT_GAUSSIAN:
            return values + (p0 + p1 * normal_quantile(uniform(stream, shape)))
        case NoiseKind.UNIFORM:
            return values + uniform_between(stream, shape, p0, p1)
        case NoiseKind.SALT_AND_PEPPER:
            u = uniform(stream, (1, *shape[1:]))
            return np.where(u < p0, p2, np.where(u < p1, p3, values))
        case NoiseKind.POISSON:
            mean = np.maximum(values, 0.0) / p0
            noisy = mean < _NOISY_MEAN
            counts = poisson_quantile(uniform(stream, shape), np.where(noisy, mean, 0.0))
            return np.where(noisy, counts * p0, values)
        case NoiseKind.SPECKLE:
            return values + values * (p0 + p1 * table_normal(stream, shape))


def halves(stream: Bits, shape: tuple[int, ...]) -> npt.NDArray[np.uint32]:
    """Return 16 random bits for each value of an image (C, H, W)."""
    channels, height, width = shape
    words = _words(stream, channels, height, -(-width // 8))
    pairs = np.stack([words & np.uint32(0xFFFF), words >> np.uint32(16)], axis=-1)
    return pairs.reshape(channels, height, -1)[..., :width]


def uniform_between(stream: Bits, shape: tuple[int, ...], low: Floats | float, high: Floats | float) -> Floats:
    """Return uniform numbers between `low` and `high`, which broadcast to (C, H, W), from 16 random bits each."""
    result: Floats = low + (high - low) * (halves(stream, shape) + 0.5) / 2**16
    return result


def uniform(stream: Bits, shape: tuple[int, ...]) -> Floats:
    """Return uniform numbers in (0, 1) for each value of an image, from 32 random bits each.

    Args:
        stream: uint32 (4,), the stream of a row.
        shape: (C, H, W) of the image.
    """
    channels, height, width = shape
    words = _words(stream, channels, height, -(-width // 4)).reshape(channels, height, -1)[..., :width]
    result: Floats = (words + 0.5) / 2**32
    return result


def _words(stream: Bits, channels: int, height: int, blocks: int) -> npt.NDArray[np.uint32]:
    """Return the words (channels, height, blocks, 4) of a stream of noise."""
    counter = np.empty((channels, height, blocks, 4), dtype=np.uint32)
    channel = np.arange(channels, dtype=np.uint32)[:, None, None]
    counter[..., 0] = (channel << np.uint32(28)) | np.arange(blocks, dtype=np.uint32)
    counter[..., 1] = np.arange(height, dtype=np.uint32)[:, None]
    counter[..., 2:] = stream[2:]
    return philox(counter, np.asarray(stream[:2], dtype=np.uint32), PIXEL_ROUNDS)


def table_normal(stream: Bits, shape: tuple[int, ...]) -> Floats:
    """Return standard normal numbers (C, H, W), from 16 random bits each."""
    return normal_of(halves(stream, shape))


def normal_quantile(u: Floats) -> Floats:
    """Return the inverse of the standard normal distribution function.

    Args:
        u: float64 probabilities in (0, 1), of any shape.
    """
    result: Floats = torch.special.ndtri(torch.from_numpy(u)).numpy()
    return result


def poisson_quantile(u: Floats, mean: Floats) -> Floats:
    """Return the smallest k with P(X <= k) >= `u` for a Poisson variable X.

    Means above `LARGE_MEAN` use the Cornish-Fisher expansion.

    Args:
        u: float64 probabilities in (0, 1), of any shape.
        mean: float64 means, at least 0, of the same shape.
    """
    large = mean > LARGE_MEAN
    return np.where(large, _expanded_poisson(u, np.where(large, mean, 1.0)), _summed_poisson(u, mean * ~large))


def _summed_poisson(u: Floats, mean: Floats) -> Floats:
    probability = np.exp(-mean)
    total, count, following = probability.copy(), np.zeros_like(mean), 1
    while np.any(total < u):
        count += total < u
        probability *= mean / following
        total += probability
        following += 1
    return count


def _expanded_poisson(u: Floats, mean: Floats) -> Floats:
    z, root = normal_quantile(u), np.sqrt(mean)
    count = mean + root * z + (1 / 3 + z**2 / 6) - (z / 36 + z**3 / 72) / root
    count += (-8 / 405 + 7 * z**2 / 810 + z**4 / 270) / mean
    return np.floor(np.maximum(count, 0.0))
