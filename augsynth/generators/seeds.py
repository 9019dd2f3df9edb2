"""Random numbers that depend on a seed and a position alone, and do not use the global generators."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from augsynth.core.checks import check_seed

_WORD = 1 << 64


class Noise:
    """Random numbers of a batch of samples: an independent stream for each sample.

    Sample k draws from Philox4x64 with the key (seed, k), on the CPU. Its numbers are therefore the same in every batch
    and on every device. (`torch.Generator` is not used: its CPU engine keeps 32 bits of a seed, so that two of 10,000
    samples would be equal in one of a hundred calls.)

    Each call continues the streams, so equal calls give new numbers.

    Args:
        seed: 64-bit seed.
        indices: numbers of the samples, each at least 0.
        device: device of the results.

    >>> noise = Noise(seed=0, indices=range(4), device="cpu")
    >>> noise.normal(16).shape
    torch.Size([4, 16])
    >>> torch.equal(Noise(0, [2], "cpu").normal(16)[0], Noise(0, range(4), "cpu").normal(16)[2])
    True
    """

    def __init__(self, seed: int, indices: Sequence[int], device: torch.device | str) -> None:
        key = check_seed(seed) % _WORD
        self._streams = [np.random.Generator(np.random.Philox(key=np.array([key, k], np.uint64))) for k in indices]
        self.device = torch.device(device)

    def __len__(self) -> int:
        return len(self._streams)

    def normal(self, *shape: int) -> Tensor:
        """Draw standard normal numbers, float32 (len(self), *shape), on `device`.

        Args:
            shape: shape of the numbers of one sample.
        """
        values = np.empty((len(self), *shape), np.float32)
        for row, stream in enumerate(self._streams):
            values[row] = stream.standard_normal(shape, dtype=np.float32)
        return torch.from_numpy(values).to(self.device)

    def uniform(self, *shape: int) -> Tensor:
        """Draw uniform numbers in [0, 1), float32 (len(self), *shape), on `device`.

        Args:
            shape: shape of the numbers of one sample.
        """
        values = np.empty((len(self), *shape), np.float32)
        for row, stream in enumerate(self._streams):
            values[row] = stream.random(shape, dtype=np.float32)
        return torch.from_numpy(values).to(self.device)


def derive_seed(purpose: str, *values: int) -> int:
    """Compute a 63-bit seed for one purpose. It is a hash, so that neighbouring values give unrelated streams.

    Args:
        purpose: name of the purpose.
        values: integers that the seed depends on.
    """
    text = ":".join([purpose, *map(str, values)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1
