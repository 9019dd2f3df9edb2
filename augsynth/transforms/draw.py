"""The random numbers that a transform gets: uniform numbers for its parameters, and bits for noise of pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from augsynth import _native
from augsynth.core.rng import Keys
from augsynth.core.typing import Bits, Floats, Ints

STREAM_WORDS = 4


class Draw(NamedTuple):
    """The random numbers of one transform for the samples of a batch.

    Args:
        u: (n, draws), uniform in [0, 1): one row for each sample, `draws` being that of the transform.
        keys: (n, 3), the keys (seed, epoch, index) of the samples.
        op: the position of the transform in its pipeline, from 0.
    """

    u: Floats
    keys: Keys
    op: int

    @property
    def stream(self) -> Bits:
        """Words (n, 4) that key the noise of each sample's pixels."""
        return _native.draw_bits(self.keys, self.op, STREAM_WORDS)

    def between(self, column: int, low: float, high: float) -> Floats:
        """Numbers (n,), uniform in [low, high).

        Args:
            column: the column of `u` that they are made of, 0 to draws - 1.
            low: the lowest number.
            high: the bound above.
        """
        return _native.spread(self.u, column, low, high)

    def choice(self, count: int, column: int = 0) -> Ints:
        """Numbers (n,), uniform over 0 … count - 1. For a `count` of 1, no random number is needed.

        Args:
            count: the number of alternatives, at least 1.
            column: the column of `u` that they are made of; 0 by default.
        """
        if count == 1:
            return np.zeros(len(self.u), np.int64)
        chosen: Ints = (self.u[:, column] * count).astype(np.int64)
        return chosen
