"""Adaptation to other images: their distribution of colours, or their low frequencies. NumPy, between passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from augsynth.core.typing import Floats, Image, Ints, Mask
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan.lowering import ImageInfo, Operate
from augsynth.transforms.contract import Draw, Transform
from augsynth.transforms.params import Range, probability, span
from augsynth.transforms.reference_images import ReferenceImages
from augsynth.whole_image.colour_planes import colour_count, colours_of
from augsynth.whole_image.fourier_adaptation import amplitudes_of, highest_frequency
from augsynth.whole_image.histogram_matching import distribution

_HIGHEST_BETA = 0.5


@dataclass(frozen=True)
class _Adaptation(Transform):
    """A transform with reference images.

    A description holds only the `name`, and `from_dict(d, functions={name: references})` puts the images back.
    """

    references: Any = field(repr=False)
    blend: Range = field(default=1.0, kw_only=True)
    name: str = field(default="references", kw_only=True)
    p: float = field(default=0.5, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.references, ReferenceImages):
            object.__setattr__(self, "references", ReferenceImages(self.references))
        super().__post_init__()

    def check(self) -> None:
        if not isinstance(self.name, str):
            raise ArgumentTypeError(f"name must be a string, got {shown(self.name)}")
        span(self.blend, "blend", 0.0, 1.0)
        probability(self.p)

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        return tuple(name for name in super().parameter_names() if name != "references")

    @classmethod
    def from_description(cls, values: Mapping[str, Any], functions: Mapping[str, Any]) -> Transform:
        name: Any = values.get("name")
        if name not in functions:
            raise ArgumentError(
                f"the description needs reference images {name!r}: pass from_dict(..., functions={{{name!r}: images}})"
            )
        return cls(functions[name], **values)

    def _chosen(self, numbers: Ints, active: Mask, images: ImageInfo) -> list[Image | None]:
        """The reference (H, W, C) of each sample, with as many colours as its image; None where it is not needed."""
        pairs = zip(numbers.tolist(), active.tolist(), images.channels.tolist(), strict=True)
        return [self._fitting(number, colour_count(count)) if needed else None for number, needed, count in pairs]

    def _fitting(self, number: int, colours: int) -> Image:
        planes = colours_of(self.references[number])
        if planes.shape[2] not in (1, colours):
            raise ArgumentError(
                f"references[{number}] has {planes.shape[2]} colours, and the images have {colours}: give references "
                "with as many, or grey ones"
            )
        return np.broadcast_to(planes, (*planes.shape[:2], colours))


@dataclass(frozen=True)
class HistogramMatching(_Adaptation):
    """Give the image the distribution of colours of another one, drawn from `references`, at random.

    scikit-image's `match_histograms`, rounded, and Albumentations' `HistogramMatching`. The plan holds the reference's
    levels (of more than 1,024, as many quantiles), so it can be stored, and replayed without the references.

    Args:
        references: the other images: an array (n, H, W, C), a list, or a data set with a length, such as
            `EncodedImageFolder` or a pool. They have as many channels as the images, or one, and any size and dtype.
            One is read for each sample that is changed.
        blend: the share of the result in a mean with the image, 0 to 1: a number, or a pair to draw from; 1 by default.
        name: the name of the references in descriptions; "references" by default.
        p: the probability, 0 to 1; 0.5 by default.

    >>> other = np.array([[[50], [60]]], np.uint8)
    >>> HistogramMatching([other], blend=1.0, p=1.0)(np.array([[1, 2]], np.uint8)).tolist()
    [[[50, 60]]]
    """

    draws: ClassVar[int] = 3

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        active = draw.u[:, 0] < self.p
        chosen = self._chosen(draw.choice(len(self.references), 1), active, images)
        nothing: Floats = np.zeros((1, 1))
        found = [(nothing, nothing) if image is None else distribution(image) for image in chosen]
        parameters = {
            "levels": _stacked([levels for levels, _ in found]),
            "shares": _stacked([shares for _, shares in found]),
            "blend": draw.between(2, *span(self.blend, "blend", 0.0, 1.0)),
        }
        return Operate("match_histogram", parameters, active=active)


@dataclass(frozen=True)
class FourierDomainAdaptation(_Adaptation):
    """Give the image the low frequencies of another one, drawn from `references`, at random: its light and its tones.

    Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation", CVPR 2020, and Albumentations' `FDA`.
    The amplitudes of frequencies up to `beta` times the shorter side are those of the reference; the phases, which hold
    the shapes, stay. References are not resized: frequencies are counted in periods for each picture. The plan holds
    the amplitudes, so it can be stored, and replayed without the references. Float images are clamped to [0, 1].

    Args:
        references: the other images, as for `HistogramMatching`.
        beta: the highest frequency, a share of the shorter side, 0 to 0.5: a number, or a pair to draw from; (0, 0.1)
            by default.
        blend: the share of the result in a mean with the image, 0 to 1: a number, or a pair to draw from; 1 by default.
        name: the name of the references in descriptions; "references" by default.
        p: the probability, 0 to 1; 0.5 by default.

    >>> bright = np.full((1, 8, 8, 1), 200, np.uint8)
    >>> np.unique(FourierDomainAdaptation(bright, beta=0, p=1.0)(np.full((6, 6), 50, np.uint8))).tolist()
    [200]
    """

    beta: Range = (0.0, 0.1)
    draws: ClassVar[int] = 4

    def check(self) -> None:
        super().check()
        span(self.beta, "beta", 0.0, _HIGHEST_BETA)

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        active = draw.u[:, 0] < self.p
        chosen = self._chosen(draw.choice(len(self.references), 1), active, images)
        sides = images.sizes.min(axis=1)
        reach = np.minimum(draw.between(2, *span(self.beta, "beta")) * sides, (sides - 1) // 2).astype(np.int64)
        for sample, image in enumerate(chosen):
            reach[sample] = 0 if image is None else min(reach[sample], highest_frequency(image))
        highest = int(reach.max(initial=0))
        nothing: Floats = np.zeros((1, 1, 1))
        pairs = zip(chosen, reach.tolist(), strict=True)
        found = [nothing if image is None else _within(amplitudes_of(image, most), highest) for image, most in pairs]
        parameters = {
            "amplitudes": _stacked(found),
            "reach": reach,
            "blend": draw.between(3, *span(self.blend, "blend", 0.0, 1.0)),
        }
        return Operate("adapt_fourier", parameters, active=active)


def _within(amplitudes: Floats, highest: int) -> Floats:
    """Amplitudes in the middle of an array for frequencies up to `highest`."""
    more = highest + 1 - amplitudes.shape[2]
    return np.pad(amplitudes, ((0, 0), (more, more), (0, more)))


def _stacked(arrays: Sequence[Floats]) -> Floats:
    """Arrays (n, …) whose last values go on where others are larger."""
    largest = np.max([array.shape for array in arrays], axis=0)
    gaps = [[(0, more) for more in largest - array.shape] for array in arrays]
    return np.stack([np.pad(array, gap, mode="edge") for array, gap in zip(arrays, gaps, strict=True)])
