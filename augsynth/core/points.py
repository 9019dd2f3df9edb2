"""Point operations: the new value depends on the old value alone. Barriers and lookup tables compute them by name.

>>> sorted(POINTS)
['gamma', 'invert', 'posterize', 'solarize']

Each function takes `values` in an image's units, their full scale `full` (255, 65535, or 1 for floats), and parameters
that broadcast against the values: parameters (n, 1) and the 256 levels of uint8 give n lookup tables at once. Results
are float64, neither rounded nor clamped. NaN stays NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from augsynth.core.typing import Floats

Parameter = npt.ArrayLike


def invert(values: Floats, full: float) -> Floats:
    """Return the negative, full - v.

    Args:
        values: values in the image's units.
        full: full scale of the values.

    >>> invert(np.array([0.0, 55.0]), 255.0).tolist()
    [255.0, 200.0]
    """
    return full - values


def solarize(values: Floats, full: float, *, threshold: Parameter) -> Floats:
    """Return the values, those at or above a threshold inverted.

    Args:
        values: values in the image's units.
        full: full scale of the values.
        threshold: in the image's units; rounded to float32 for float images.

    >>> solarize(np.array([99.0, 100.0]), 255.0, threshold=100.0).tolist()
    [99.0, 155.0]
    """
    level = np.asarray(threshold, np.float32 if full == 1.0 else np.float64)
    return np.where(values >= level, full - values, values)


def posterize(values: Floats, full: float, *, bits: Parameter) -> Floats:
    """Return the values with their highest bits only.

    Integers lose all lower bits of the dtype. Floats have 2**bits levels, floor(v * 2**bits) / 2**bits, and v outside
    [0, 1) goes to the nearest level. Both are torchvision's conventions.

    Args:
        values: values in the image's units.
        full: full scale of the values.
        bits: number of bits that stay, 0 or more.

    >>> posterize(np.array([31.0, 32.0, 255.0]), 255.0, bits=3).tolist()
    [0.0, 32.0, 224.0]
    >>> posterize(np.array([0.3, 1.0]), 1.0, bits=2).tolist()
    [0.25, 0.75]
    """
    levels = np.exp2(np.asarray(bits, np.float64))
    width = (1.0 if full == 1.0 else full + 1.0) / levels
    return np.clip(np.floor(values / width), 0.0, levels - 1.0) * width


def gamma(values: Floats, full: float, *, gamma: Parameter, gain: Parameter = 1.0) -> Floats:
    """Return the power law gain * full * (v / full)**gamma; negative values count as 0.

    Args:
        values: values in the image's units.
        full: full scale of the values.
        gamma: exponent, 0 or more.
        gain: factor of the result, 1 by default.

    >>> gamma(np.array([0.0, 51.0, 255.0]), 255.0, gamma=2.0).round(1).tolist()
    [0.0, 10.2, 255.0]
    """
    # Not gain * full first: where gamma and gain are 1, v comes back within its last place.
    power: Floats = np.power(np.maximum(values, 0.0) / full, np.asarray(gamma)) * full
    return np.asarray(gain) * power


PointFunction = Callable[..., Floats]

POINTS: Mapping[str, PointFunction] = {
    "gamma": gamma,
    "invert": invert,
    "posterize": posterize,
    "solarize": solarize,
}
