"""Headers of `.npy` files, read without trusting the sizes that they state."""

from __future__ import annotations

import math
from typing import IO, Any, NamedTuple

import numpy as np


class NpyHeader(NamedTuple):
    """Shape, dtype and order of the array that an `.npy` file states; `nbytes` is the size that follows from them."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_npy_header(stream: IO[bytes]) -> NpyHeader:
    """Return the header of an `.npy` file; the stream is then at the first value.

    Only headers of version 1 are read. Plain arrays have them, and they are at most 64 kB long. Headers of later
    versions may have 4 GB.

    Args:
        stream: the file, opened in binary.

    Raises `ValueError` if there is no such header.
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"its header has version {version}, expected (1, 0)")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except Exception as error:  # Python's parser, which NumPy uses, fails in half a dozen ways
        raise ValueError(f"no plain .npy array: {error}") from None
    return NpyHeader(shape, dtype, fortran)
