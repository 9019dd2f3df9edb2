"""Colour adjustments as linear maps of a pixel's channels and of the image's mean colour.

The channels of an image with 3 are red, green and blue. With 4 channels, the last is no colour (alpha), and stays as it
is. For any other number, all channels are equal, and their grey is the mean of the channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augsynth.core.typing import Floats, Ints, Mask
from augsynth.plan.lowering import MapColours
from augsynth.whole_image.grey import LUMA

# The YIQ colour space (NTSC, 1953), with the luma of ITU-R BT.601: grey has neither I nor Q.
_YIQ = np.array([LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)])
# The difference of a colour from its grey, and this difference turned by a right angle from red towards green, which
# is the direction of a growing hue.
_CHROMA = np.eye(3) - np.array(LUMA)
_TURNED = np.linalg.inv(_YIQ) @ np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]) @ _YIQ


@dataclass(frozen=True)
class ColourMaps:
    """Maps v' = matrix v + of_mean m of n images; m is the image's mean colour. Both are (n, C, C)."""

    matrix: Floats
    of_mean: Floats

    def as_step(self, active: Mask | None = None, clip: bool = True) -> MapColours:
        """The step that maps the samples that are `active` (n,), or all, and clamps unless `clip` is False."""
        return MapColours(self.matrix, np.zeros(self.matrix.shape[:2]), self.of_mean, active, clip)


@dataclass(frozen=True)
class Palette:
    """The channels of n images that are colours, `colours` (n, C), and their weights in grey, `grey` (n, C).

    C is the largest number of channels; `rgb` (n,) is True for images that have red, green and blue.

    >>> palette = Palette.of(np.array([3]))
    >>> palette.brightness(np.array([2.0])).matrix[0].tolist()
    [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]
    """

    colours: Mask
    grey: Floats
    rgb: Mask

    @classmethod
    def of(cls, channels: Ints) -> Palette:
        """The palette of images with `channels` (n,)."""
        count = int(channels.max(initial=1))
        rgb = (channels == 3) | (channels == 4)
        colours = np.arange(count) < np.where(rgb, 3, channels)[:, None]
        luma = np.zeros(count)
        luma[:3] = LUMA[:count]
        return cls(colours, np.where(rgb[:, None], luma, colours / channels[:, None]), rgb)

    def brightness(self, factor: Floats) -> ColourMaps:
        """Multiplication of v by `factor` (n,)."""
        return self.adjusted(brightness=factor)

    def contrast(self, factor: Floats) -> ColourMaps:
        """A mix of the mean of the grey image (`factor` 0) and the image (`factor` 1); factors above 1 go beyond."""
        return self.adjusted(contrast=factor)

    def saturation(self, factor: Floats) -> ColourMaps:
        """A mix of each pixel's grey (`factor` 0) and its colour (`factor` 1); factors above 1 go beyond."""
        return self.adjusted(saturation=factor)

    def adjusted(
        self,
        brightness: Floats | float = 1.0,
        contrast: Floats | float = 1.0,
        saturation: Floats | float = 1.0,
        turn: Floats | float = 0.0,
    ) -> ColourMaps:
        """Brightness, contrast, saturation and a rotation of the chroma plane of YIQ. They commute.

        `turn` is in full circles. Images without red, green and blue have no saturation and no hue.
        """
        scale = np.broadcast_to(np.multiply(brightness, contrast), self.rgb.shape)
        matrix: Floats = np.eye(self.colours.shape[1]) * np.where(self.colours, scale[:, None], 1.0)[:, None]
        if self.rgb.any():
            angle = 2.0 * np.pi * np.asarray(turn)
            along, across = saturation * np.cos(angle) - 1.0, saturation * np.sin(angle)
            changed = np.multiply.outer(scale * along, _CHROMA) + np.multiply.outer(scale * across, _TURNED)
            matrix[self.rgb, :3, :3] += changed[self.rgb]
        means = np.where(self.colours, np.multiply(brightness, np.subtract(1.0, contrast))[..., None], 0.0)
        return ColourMaps(matrix, means[:, :, None] * self.grey[:, None])
