"""Colour adjustments as linear maps, of the pixels' channels and of the picture's mean colour.

Images of 3 channels are red, green and blue; of 4, these and one that is no colour (alpha), which stays as it is.
Images of any other number have that many channels of equal standing; their grey is the mean of the channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augsynth.lowering import MapColours

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Luma of ITU-R BT.601, and with it the I and Q of the YIQ colour space (NTSC, 1953): grey has neither.
LUMA = (0.299, 0.587, 0.114)
_YIQ = np.array([LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)])
_RGB = np.linalg.inv(_YIQ)
_LIGHTNESS = _RGB @ np.diag([1.0, 0.0, 0.0]) @ _YIQ
_CHROMA = _RGB @ np.diag([0.0, 1.0, 1.0]) @ _YIQ
# A quarter turn of the chroma plane that takes red towards green, as a growing hue does.
_TURNED = _RGB @ np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]) @ _YIQ


@dataclass(frozen=True)
class ColourMaps:
    """n maps v' = matrix v + of_mean m of colours v (C,), m being the picture's mean colour; both are (n, C, C)."""

    matrix: Floats
    of_mean: Floats

    def then(self, after: ColourMaps) -> ColourMaps:
        """This map, followed by another: the mean becomes (matrix + of_mean) m on the way."""
        mean = self.matrix + self.of_mean
        return ColourMaps(after.matrix @ self.matrix, after.matrix @ self.of_mean + after.of_mean @ mean)

    def as_step(self, active: npt.NDArray[np.bool_] | None = None) -> MapColours:
        """The step of a pass that maps the samples that are `active` (n,), or all."""
        return MapColours(self.matrix, np.zeros(self.matrix.shape[:2]), self.of_mean, active)


@dataclass(frozen=True)
class Palette:
    """Which channels of n images are colours, `colours` (n, C) of 0 and 1, and their shares in grey, `grey` (n, C).

    C is the largest number of channels of them all; `rgb` (n,) says which images have red, green and blue.

    >>> palette = Palette.of(np.array([3]))
    >>> palette.brightness(np.array([2.0])).matrix[0].tolist()
    [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]
    """

    colours: Floats
    grey: Floats
    rgb: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, channels: Ints) -> Palette:
        """The palette of images with `channels` (n,)."""
        count = int(channels.max(initial=1))
        rgb = (channels == 3) | (channels == 4)
        colours = np.where(np.arange(count) < np.where(rgb, 3, channels)[:, None], 1.0, 0.0)
        luma = np.zeros(count)
        luma[:3] = LUMA[:count]
        return cls(colours, np.where(rgb[:, None], luma, colours / channels[:, None]), rgb)

    def brightness(self, factor: Floats) -> ColourMaps:
        """v times `factor` (n,)."""
        return self._plain(self._scaled(factor))

    def contrast(self, factor: Floats) -> ColourMaps:
        """From the mean of the grey picture (`factor` 0) to the picture (1), and beyond."""
        return ColourMaps(self._scaled(factor), self._greys(1.0 - factor))

    def saturation(self, factor: Floats) -> ColourMaps:
        """From each pixel's grey (`factor` 0) to its colour (1), and beyond."""
        return self._plain(self._scaled(factor) + self._greys(1.0 - factor))

    def hue(self, turn: Floats) -> ColourMaps:
        """Rotate the chroma plane of YIQ by `turn` (n,), 1 being the full circle; the luma stays."""
        angle = 2.0 * np.pi * turn[:, None, None]
        turned = _LIGHTNESS + np.cos(angle) * _CHROMA + np.sin(angle) * _TURNED
        matrix = self._scaled(np.ones(len(turn)))
        count = min(matrix.shape[1], 3)
        matrix[self.rgb, :count, :count] = turned[self.rgb, :count, :count]
        return self._plain(matrix)

    def _scaled(self, factor: Floats) -> Floats:
        matrix: Floats = np.eye(self.colours.shape[1]) * (1.0 + self.colours * (factor[:, None] - 1.0))[:, None]
        return matrix

    def _greys(self, factor: Floats) -> Floats:
        """Each colour as `factor` times the grey, the rest nought."""
        matrix: Floats = (factor[:, None] * self.colours)[:, :, None] * self.grey[:, None]
        return matrix

    def _plain(self, matrix: Floats) -> ColourMaps:
        return ColourMaps(matrix, np.zeros_like(matrix))
