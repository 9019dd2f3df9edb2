"""Operations of pipelines, for all libraries: each library translates them into its own.

Ranges are (lowest, highest), angles in degrees counter-clockwise, sigma in fractions of the full scale. Libraries are
compared on `pinned(side)`, the operation without its randomness on images of `side` x `side` pixels; None: left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

Range = tuple[float, float]


class Op(Protocol):
    """One operation of a pipeline."""

    def pinned(self, side: int) -> Op | None: ...


Ops = tuple[Op, ...]


@dataclass(frozen=True)
class Flip:
    """Mirror left and right with probability `p`."""

    p: float = 0.5

    def pinned(self, side: int) -> Flip:
        return Flip(p=1.0)


@dataclass(frozen=True)
class Crop:
    """A window of `size` x `size` at a random place, after adding a black margin of `padding` pixels."""

    size: int
    padding: int = 0

    def pinned(self, side: int) -> Crop:
        return replace(self, size=side + 2 * self.padding)


@dataclass(frozen=True)
class Pad:
    """A margin of `padding` mirrored pixels (the edge pixel not repeated)."""

    padding: int

    def pinned(self, side: int) -> Pad:
        return self


@dataclass(frozen=True)
class Resize:
    """To `size` x `size`, bilinear; with `antialias` the filter is as wide as the reduction."""

    size: int
    antialias: bool

    def pinned(self, side: int) -> Resize:
        return self


@dataclass(frozen=True)
class ResizedCrop:
    """A window of random area and aspect ratio, resized to `size` x `size`, bilinear."""

    size: int
    antialias: bool
    scale: Range = (0.08, 1.0)
    ratio: Range = (3 / 4, 4 / 3)

    def pinned(self, side: int) -> ResizedCrop:
        return replace(self, scale=(1.0, 1.0), ratio=(1.0, 1.0))


@dataclass(frozen=True)
class Letterbox:
    """The longer side to `size`, bilinear without antialiasing, and black margins to `size` x `size`."""

    size: int

    def pinned(self, side: int) -> Letterbox:
        return self


@dataclass(frozen=True)
class Rotation:
    """About the centre, bilinear; outside lies the mirrored image, or black."""

    degrees: Range
    reflect: bool = True

    def pinned(self, side: int) -> Rotation:
        return replace(self, degrees=(10.0, 10.0))


@dataclass(frozen=True)
class Affine:
    """Shear, scale, rotate and translate (by fractions of the image) about the centre, bilinear; black outside."""

    degrees: Range
    translate: float
    scale: Range
    shear: float

    def pinned(self, side: int) -> Affine:
        return Affine(degrees=(10.0, 10.0), translate=0.0, scale=(0.9, 0.9), shear=0.0)


@dataclass(frozen=True)
class Jitter:
    """Brightness, contrast, saturation (factors) and hue (fractions of the circle), with probability `p`."""

    brightness: Range
    contrast: Range
    saturation: Range
    hue: Range
    p: float = 1.0

    def pinned(self, side: int) -> Jitter:
        return Jitter((0.9, 0.9), (0.8, 0.8), (0.7, 0.7), (0.0, 0.0))


@dataclass(frozen=True)
class Grey:
    """Red, green and blue replaced by their grey, with probability `p`."""

    p: float

    def pinned(self, side: int) -> Grey:
        return Grey(p=1.0)


@dataclass(frozen=True)
class Solarize:
    """The negative of all levels from `threshold` (of 255) on."""

    threshold: int

    def pinned(self, side: int) -> Solarize:
        return self


@dataclass(frozen=True)
class Equalize:
    """Each channel's histogram made flat."""

    def pinned(self, side: int) -> Equalize:
        return self


@dataclass(frozen=True)
class Blur:
    """A Gaussian of `size` x `size` pixels and a drawn `sigma`, with probability `p`."""

    size: int
    sigma: Range
    p: float = 1.0

    def pinned(self, side: int) -> Blur:
        return Blur(self.size, (1.5, 1.5))


@dataclass(frozen=True)
class Erase:
    """One rectangle of `scale` of the area and a ratio of 0.3 to 3.3 set to 0, with probability `p`."""

    scale: Range = (0.02, 0.33)
    p: float = 1.0

    def pinned(self, side: int) -> None:
        return None


@dataclass(frozen=True)
class Policy:
    """RandAugment, 2 operations of magnitude 9."""

    def pinned(self, side: int) -> None:
        return None


@dataclass(frozen=True)
class Noise:
    """Gaussian, independent for every value, clamped to the full scale."""

    sigma: float

    def pinned(self, side: int) -> None:
        return None


@dataclass(frozen=True)
class Normalize:
    """uint8 (H, W, C) to float32 (C, H, W): (v / 255 - mean) / std."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def pinned(self, side: int) -> Normalize:
        return self


def pinned(ops: Ops, side: int) -> Ops:
    """Return the pipeline without its randomness."""
    return tuple(fixed for op in ops if (fixed := op.pinned(side)) is not None)
