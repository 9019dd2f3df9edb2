"""Do all libraries do the same work? Compared before anything is timed, on square cuts of the images.

Without randomness (`ops.pinned`) the middles of the pictures must agree, in grey levels (borders may differ). With it,
shapes must agree, and the mean and the spread of all pictures; noise must have its sigma on flat grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.images import Image, ImageSet
from harness.ops import Noise, Normalize, Ops, pinned
from harness.peers import Peer

Floats = npt.NDArray[np.float64]

DRAWS = 4
GREY_LEVELS = 4.0
MEAN_LEVELS = 12.0
NOISE_ERROR = 0.05


@dataclass(frozen=True)
class Pictures:
    """Middles of the outputs (n, C, h, w) of a library in grey levels, without randomness and with it."""

    shape: tuple[int, ...]
    fixed: Floats | None
    drawn: Floats

    @classmethod
    def of(cls, peer: Peer, ops: Ops, images: list[Image]) -> Pictures:
        """Return the outputs of a library for square images."""
        fixed = pinned(ops, images[0].shape[0])
        drawn = outputs(peer, ops, images * DRAWS)
        shape = drawn[0].shape
        return cls(shape, _grey(outputs(peer, fixed, images), fixed) if fixed else None, _grey(drawn, ops))


def differences(peer: Peer, expected: Pictures, ops: Ops, images: list[Image]) -> list[str]:
    """Return the differences of a library from the expected outputs, in words; none if it does the same work."""
    found = Pictures.of(peer, ops, images)
    if found.shape != expected.shape:
        return [f"its output is {found.shape} instead of {expected.shape}"]
    problems = [_noise_error(peer, ops, images)]
    if found.fixed is not None and expected.fixed is not None:
        level = float(np.abs(found.fixed - expected.fixed).mean())
        problems.append(f"its pictures differ by {level:.1f} grey levels" if level > GREY_LEVELS else "")
    for name, measure in (("mean", np.mean), ("spread", np.std)):
        value, other = float(measure(found.drawn)), float(measure(expected.drawn))
        if abs(value - other) > MEAN_LEVELS:
            problems.append(f"the {name} of its outputs is {value:.0f} grey levels instead of {other:.0f}")
    return [problem for problem in problems if problem]


def shortcuts(peer: Peer, ops: Ops, images: list[Image]) -> list[str]:
    """Work that a library leaves to later: an output that is a view of the input, or has its channels last still."""
    output = next(iter(peer.ways(ops, ImageSet(images, len(images), alike=True), len(images))[0](0)))
    array = output.as_array() if hasattr(output, "as_array") else np.asarray(output)
    if array.ndim == 3 and not array.flags.c_contiguous and not np.moveaxis(array, 0, -1).flags.c_contiguous:
        return ["gives a view of its input, and moves no pixels: less work"]
    if isinstance(ops[-1], Normalize) and not array.flags.c_contiguous:
        return ["leaves channels last in memory: collating has to transpose them"]
    return []


def outputs(peer: Peer, ops: Ops, images: list[Image]) -> list[Any]:
    """Return the pictures (C, H, W) that a library makes from images."""
    run = peer.ways(ops, ImageSet(images, len(images), alike=True), len(images))[0]
    return [picture for output in run(0) for picture in as_pictures(output)]


def as_pictures(output: Any) -> Sequence[Any]:
    """Arrays (C, H, W) from a tensor or array of one image or a batch, channels first, last or left out."""
    array = np.array(output.as_array() if hasattr(output, "as_array") else output)
    if array.ndim == 2:
        return [array[None]]
    if array.shape[-1] in (1, 3) and array.shape[-3] not in (1, 3):
        array = np.moveaxis(array, -1, -3)
    return list(array) if array.ndim == 4 else [array]


def _noise_error(peer: Peer, ops: Ops, images: list[Image]) -> str:
    """Return faults of the noise alone, on flat grey, where nothing is clamped."""
    values = tuple(op for op in ops if isinstance(op, (Noise, Normalize)))
    asked = [op.sigma for op in values if isinstance(op, Noise)]
    if not asked:
        return ""
    flat = [np.full_like(image, 128) for image in images]
    sigma = float(_grey(outputs(peer, values, flat), values).std(axis=(0, 2, 3)).mean()) / 255
    return "" if abs(sigma / asked[0] - 1) < NOISE_ERROR else f"the sigma of its noise is {sigma:.3f}, not {asked[0]}"


def _grey(pictures: list[Any], ops: Ops) -> Floats:
    """Return the middles of pictures, converted to the scale 0 … 255."""
    values: npt.NDArray[Any] = np.stack([_middle(picture) for picture in pictures])
    last = ops[-1]
    if isinstance(last, Normalize):
        shape = (-1, 1, 1)
        grey: Floats = 255 * (values * np.reshape(last.std, shape) + np.reshape(last.mean, shape))
        return grey
    return values.astype(np.float64) * (1 if values.dtype == np.uint8 else 255)


def _middle(picture: Any) -> Any:
    height, width = picture.shape[-2:]
    return picture[:, height // 4 : height - height // 4, width // 4 : width - width // 4]
