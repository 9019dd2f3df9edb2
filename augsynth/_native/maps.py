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
    """Return the maps (n, 3, 3) [[a, b, c], [d, e, f], [0, 0, 1]].

    Args:
        a, b, c, d, e, f: the coefficients, each (n,) or one number for all maps.

    >>> affine(1.0, 0.0, np.array([3.0, 4.0]), 0.0, 1.0, 0.0)[1].tolist()
    [[1.0, 0.0, 4.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return _cpu.affine(a, b, c, d, e, f)


def about(
    a: Coefficient, b: Coefficient, d: Coefficient, e: Coefficient, x: Coefficient, y: Coefficient
) -> npt.NDArray[np.float64]:
    """Return the linear maps (n, 3, 3) [[a, b], [d, e]] that leave the point (x, y) where it is.

    The translation is x - (a x + b y) and y - (d x + e y).

    Args:
        a, b, d, e: the coefficients, each (n,) or one number for all maps.
        x, y: the point that stays, each (n,) or one number for all maps.

    >>> about(-1.0, 0.0, 0.0, -1.0, np.array([3.0]), 2.0)[0].tolist()
    [[-1.0, 0.0, 6.0], [0.0, -1.0, 4.0], [0.0, 0.0, 1.0]]
    """
    return _cpu.about(a, b, d, e, x, y)


def compose(outer: npt.NDArray[np.float64], inner: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the products (n, 3, 3) of matrices, rounded alike on every processor.

    NumPy leaves products to a BLAS, whose last bits depend on the processor.

    Args:
        outer: the maps that are applied last, (n, 3, 3), or (1, 3, 3) for all.
        inner: the maps that are applied first, (n, 3, 3), or (1, 3, 3) for all.

    >>> move = np.array([[[1.0, 0.0, 2.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    >>> compose(move, move)[0, 0].tolist()
    [1.0, 0.0, 4.0]
    """
    return _cpu.compose(outer, inner)
