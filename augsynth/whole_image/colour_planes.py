"""The channels of an image that are colours."""

from __future__ import annotations

from augsynth.core.typing import Image


def colour_count(channels: int) -> int:
    """Return the number of colours: the fourth of four channels is none, but alpha.

    >>> [colour_count(channels) for channels in (1, 3, 4, 5)]
    [1, 3, 3, 5]
    """
    return channels - (channels == 4)


def colours_of(image: Image) -> Image:
    """Return a view of the colours of an image (H, W, C)."""
    return image[..., : colour_count(image.shape[2])]
