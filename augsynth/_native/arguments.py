"""Checks of the arguments of extensions."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from augsynth.errors import ArgumentTypeError

Array: TypeAlias = npt.NDArray[Any]


def require(name: str, array: Array, dtype: np.dtype[Any], expected: str) -> None:
    """Raise `ArgumentTypeError` unless an argument is an array of the dtype.

    Args:
        name: the argument's name, for the message.
        array: the argument.
        dtype: the dtype that is expected.
        expected: the dtype's name, for the message.
    """
    if not isinstance(array, np.ndarray) or (array.dtype is not dtype and array.dtype != dtype):
        came = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise ArgumentTypeError(f"{name} is {came}, expected a NumPy array of {expected}")
