"""Fourier domain adaptation: the amplitudes of low frequencies of another image, with the phases of the own ones."""

from __future__ import annotations

import numpy as np

from augsynth.core.scale import full_scale, stored
from augsynth.core.typing import Floats, Image
from augsynth.errors import ArgumentError
from augsynth.whole_image.colour_planes import colours_of
from augsynth.whole_image.description import WholeImageOperation


def adapt_fourier(image: Image, *, amplitudes: Floats, reach: int, blend: float) -> Image:
    """Replace the amplitudes of low frequencies (Yang and Soatto, "FDA", CVPR 2020), and clamp to the full scale.

    Frequencies are counted in periods for each picture, so that a reference of any size serves: its amplitudes are
    those that it would have after an ideal resize. The fourth of four channels stays. A NaN or an infinite value makes
    its whole channel NaN.

    Args:
        image: an image (H, W, C).
        amplitudes: means for each pixel (colours, 2 m + 1, m + 1), as fractions of the full scale: row m + v and
            column u are those of v periods down and u periods across, v from -m to m and u from 0 to m.
        reach: the highest frequency that is replaced, 0 to m; less where the image is smaller.
        blend: the share of the result in a mean with the image, 0 to 1.

    >>> flat = np.full((4, 4, 1), 100, np.uint8)
    >>> int(adapt_fourier(flat, amplitudes=[[[0.8]]], reach=0, blend=0.5)[0, 0, 0])
    152
    """
    result: Image = image.copy()
    colours, amplitudes, most = colours_of(result), np.asarray(amplitudes, np.float64), int(reach)
    if amplitudes.ndim != 3 or amplitudes.shape[1] != 2 * amplitudes.shape[2] - 1 or len(amplitudes) < colours.shape[2]:
        raise ArgumentError(f"amplitudes must be ({colours.shape[2]}, 2 m + 1, m + 1), got {amplitudes.shape}")
    if not 0 <= most < amplitudes.shape[2]:
        raise ArgumentError(f"reach must be in [0, {amplitudes.shape[2] - 1}], got {reach!r}")
    most = min(most, highest_frequency(image))
    scale, rows = full_scale(image.dtype), np.arange(-most, most + 1)
    block = np.ix_(rows, np.arange(most + 1))
    for channel in range(colours.shape[2]):
        values = colours[..., channel].astype(np.float64)
        spectrum = np.fft.rfft2(values)
        wanted = amplitudes[channel][np.ix_(rows + amplitudes.shape[2] - 1, np.arange(most + 1))] * scale * values.size
        spectrum[block] = wanted * np.exp(1j * np.angle(spectrum[block]))
        adapted = values + blend * (np.fft.irfft2(spectrum, values.shape) - values)
        colours[..., channel] = stored(np.clip(adapted, 0.0, scale), image.dtype)
    return result


def amplitudes_of(image: Image, reach: int) -> Floats:
    """Return the amplitudes (colours, 2 reach + 1, reach + 1) of an image, for `adapt_fourier`. NaN counts as 0.

    >>> amplitudes_of(np.full((4, 4, 1), 51, np.uint8), 1)[0].round(9).tolist()
    [[0.0, 0.0], [0.2, 0.0], [0.0, 0.0]]
    """
    planes = np.nan_to_num(np.moveaxis(colours_of(image), -1, 0).astype(np.float64)) / full_scale(image.dtype)
    found: Floats = np.abs(np.fft.rfft2(planes)) / planes[0].size
    return found[:, np.arange(-reach, reach + 1)][:, :, : reach + 1]


def highest_frequency(image: Image) -> int:
    """Return the highest number of periods that an image (H, W, C) shows along both axes."""
    return int(min(image.shape[:2]) - 1) // 2


FOURIER_ADAPTATION = WholeImageOperation(
    "adapt_fourier",
    adapt_fourier,
    {"amplitudes": [[[0.0, 0.1], [0.5, 0.1], [0.0, 0.05]]] * 16, "reach": 1, "blend": 0.7},
    keeps_positions=True,
    clamps_floats_to=1.0,
)
