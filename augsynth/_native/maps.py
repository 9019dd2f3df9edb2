"""Maps of the plane (n, 3, 3)."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from augsynth._native.extensions import _cpu

Coefficient: TypeAlias = npt.NDArray[np.floating[Any] | np.integer[Any]] | float


def affine(
    a: Coefficient, b: Coefficient, c: Coefficient, d: Coefficient, e: Coefficient, f: Coefficient
) -> npt.NDArray[np.float64]:
    """The maps (n, 3, 3) [[a, b, c], [d, e, f], [0, 0, 1]] of coefficients (n,), or one number for all.

    >>> affine(1.0, 0.0, np.array([3.0, 4.0]), 0.0, 1.0, 0.0)[1].tolist()
    [[1.0, 0.0, 4.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return _cpu.affine(a, b, c, d, e, f)


def about(
    a: Coefficient, b: Coefficient, d: Coefficient, e: Coefficient, x: Coefficient, y: Coefficient
) -> npt.NDArray[np.float64]:
    """The linear maps [[a, b], [d, e]] with (x, y), and not the origin, as the point that stays: (n, 3, 3).

    What is added is x - (a x + b y) and y - (d x + e y).

    >>> about(-1.0, 0.0, 0.0, -1.0, np.array([3.0]), 2.0)[0].tolist()
    [[-1.0, 0.0, 6.0], [0.0, -1.0, 4.0], [0.0, 0.0, 1.0]]
    """
    return _cpu.about(a, b, d, e, x, y)


def compose(outer: npt.NDArray[np.float64], inner: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The maps `outer` after `inner`, as matrices (n, 3, 3) or (1, 3, 3) for all: products, rounded alike everywhere.

    NumPy leaves products to a BLAS, whose last bits depend on the processor.

    >>> move = np.array([[[1.0, 0.0, 2.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    >>> compose(move, move)[0, 0].tolist()
    [1.0, 0.0, 4.0]
    """
    return _cpu.compose(outer, inner)
