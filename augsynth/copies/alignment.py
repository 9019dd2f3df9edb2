"""Views of images in which a copy that was shifted, mirrored, brightened or noised is near its original.

Two images are compared on the part that both show after a shift, so nothing is invented at their borders. This part is
averaged to a small grid, which removes noise. Each channel is centred and the whole is scaled to length 1, which
removes brightness and contrast. The distance of two images is the least Euclidean distance over all shifts, mirrored or
not. It is √(2 − 2r) for the correlation r of the two grids: 0 for a copy, √2 for images that have nothing in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from augsynth.core.checks import check_flag, check_integer

_LONGEST_SIDE = 32
_LONGEST_GRID_SIDE = 16
_LEAST_CONTRAST = 2.0  # grey levels: an image with less is noise, which must not be scaled up


@dataclass(frozen=True)
class Alignment:
    """Changes that two images are compared under.

    Args:
        shift: largest shift in each direction, in pixels of images that were reduced to at most 32 pixels a side; at
            least 0, default 2. Time grows with (2 · shift + 1)².
        flip: True (default) compares mirrored images, too, in twice the time.
    """

    shift: int = 2
    flip: bool = True

    def __post_init__(self) -> None:
        check_integer("shift", self.shift, 0)
        check_flag("flip", self.flip)

    def views(self, queries: Tensor, references: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the grids of queries and of references for each shift, and mirrored: float32 (n, D) and (m, D).

        Args:
            queries: uint8 (n, C, H, W).
            references: uint8 (m, C, H, W), on the same device.
        """
        yield from zip(self.query_views(queries), self.reference_views(references), strict=True)

    def query_views(self, images: Tensor, *, side: int = _LONGEST_GRID_SIDE, step: int = 1) -> Iterator[Tensor]:
        """Yield the grids of queries for each shift, as they are and mirrored.

        Args:
            images: uint8 (n, C, H, W).
            side: largest number of rows and of columns of a grid; default 16.
            step: 1 (default) takes every shift, 2 every second one, from 0 on.
        """
        for reduced, here in self._overlaps(images, step, 1):
            yield _standardised(reduced[here], side)
            if self.flip:
                yield _standardised(reduced.flip(3)[here], side)

    def reference_views(self, images: Tensor, *, side: int = _LONGEST_GRID_SIDE, step: int = 1) -> Iterator[Tensor]:
        """Yield the grids of references in the order of `query_views`. The same tensor stands beside a mirrored one.

        Args:
            images: uint8 (m, C, H, W).
            side: largest number of rows and of columns of a grid; default 16.
            step: 1 (default) takes every shift, 2 every second one, from 0 on.
        """
        for reduced, there in self._overlaps(images, step, -1):
            grid = _standardised(reduced[there], side)
            yield grid
            if self.flip:
                yield grid

    def _overlaps(self, images: Tensor, step: int, sign: int) -> Iterator[tuple[Tensor, tuple[Any, ...]]]:
        """Yield the reduced images for each shift, with the part of them that is left when they are moved by it."""
        height, width = (_reduced(side) for side in images.shape[2:])
        reduced = _averaged(images.float(), (height, width))
        for down in self._shifts(height, step):
            for right in self._shifts(width, step):
                yield reduced, (..., _overlap(sign * down, height), _overlap(sign * right, width))

    def _shifts(self, side: int, step: int) -> list[int]:
        most = min(self.shift, side // 4)
        return [shift for shift in range(-most, most + 1) if shift % step == 0]


def _overlap(shift: int, side: int) -> slice:
    """Return the rows of an image that are left in the picture when it is moved back by `shift`."""
    return slice(max(shift, 0), side + min(shift, 0))


def _standardised(images: Tensor, most: int) -> Tensor:
    height, width = (_halved(side, most) for side in images.shape[2:])
    grid = _averaged(images, (height, width))
    centred = (grid - grid.mean((2, 3), keepdim=True)).flatten(1)
    least = _LEAST_CONTRAST * centred.shape[1] ** 0.5
    return centred.div(centred.norm(dim=1, keepdim=True).clamp(min=least))


def _averaged(images: Tensor, size: tuple[int, int]) -> Tensor:
    return images if tuple(images.shape[2:]) == size else F.adaptive_avg_pool2d(images, size)


def _reduced(side: int) -> int:
    return -(-side // -(-side // _LONGEST_SIDE))


def _halved(side: int, most: int) -> int:
    while side > most:
        side = -(-side // 2)
    return side
