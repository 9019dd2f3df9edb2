"""Beta variates from uniform numbers: a function of keyed bits, where library generators have a state."""

from __future__ import annotations

import numpy as np
import torch

from augsynth.core.typing import Floats

_ATTEMPTS = 8
_DRAWS = 1 + 2 * _ATTEMPTS
UNIFORMS = 2 * _DRAWS
"""Number of uniform numbers for one variate."""


def symmetric_beta(u: Floats, alpha: float) -> Floats:
    """Variates (n,) of Beta(alpha, alpha) from uniform numbers (n, UNIFORMS) in [0, 1).

    x / (x + y) with x and y from Gamma(alpha), compared as logarithms, since for small alpha they underflow.

    >>> symmetric_beta(np.full((1, UNIFORMS), 0.25), alpha=2.0).tolist()
    [0.5]
    """
    difference = _log_gamma_variates(u[:, _DRAWS:], alpha) - _log_gamma_variates(u[:, :_DRAWS], alpha)
    with np.errstate(over="ignore"):
        share: Floats = 1.0 / (1.0 + np.exp(difference))
    return share


def _log_gamma_variates(u: Floats, alpha: float) -> Floats:
    """Logarithms (n,) of Gamma(alpha) variates: the first accepted of eight attempts, each accepted by over 95%.

    Marsaglia and Tsang, "A simple method for generating gamma variables", ACM Trans. Math. Softw. 26(3), 2000. For
    alpha < 1, a variate of alpha + 1 times a uniform number to the power 1 / alpha.
    """
    shape = alpha + 1.0 if alpha < 1.0 else alpha
    d = shape - 1.0 / 3.0
    above_nought = u + 2.0**-54
    x = torch.special.ndtri(torch.from_numpy(above_nought[:, 1 : 1 + _ATTEMPTS])).numpy()
    root = 1.0 + x / np.sqrt(9.0 * d)
    v = np.where(root > 0, root, 1.0) ** 3
    accepted = (root > 0) & (np.log(above_nought[:, 1 + _ATTEMPTS :]) < 0.5 * x**2 + d * (1.0 - v + np.log(v)))
    first = np.where(accepted.any(axis=1), accepted.argmax(axis=1), 0)
    variates: Floats = np.log(d * v[np.arange(len(u)), first])
    return variates + np.log(above_nought[:, 0]) / alpha if alpha < 1.0 else variates
