"""Headers of `.npy` files, read without taking their word for how much they hold."""

from __future__ import annotations

import math
from typing import IO, Any, NamedTuple

import numpy as np


class NpyHeader(NamedTuple):
    """What an `.npy` file says that it holds, and how many bytes that would be."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_npy_header(stream: IO[bytes]) -> NpyHeader:
    """The header of an `.npy` file, whose stream then stands at its first value; `ValueError` where there is none.

    Headers of version 1 are read, which plain arrays have: they are at most 64 kB long, later ones up to 4 GB.
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"its header has version {version}, expected (1, 0)")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except Exception as error:  # Python's parser, which NumPy uses, fails in half a dozen ways
        raise ValueError(f"no plain .npy array: {error}") from None
    return NpyHeader(shape, dtype, fortran)
