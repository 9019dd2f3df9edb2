"""Augmentation policies by name: the first cheap rivals of synthetic images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.evaluate.pipelines import default_pipeline, plain_pipeline

Policy = Callable[[int], T.Compose]
"""Function of the number of channels that returns a pipeline, whose images are float32 in [0, 1]."""


def _float(*transforms: T.Transform) -> T.Compose:
    return T.Compose([*transforms, T.ToDtype("float32", scale=True)])


def _flips_and_crops(channels: int) -> T.Compose:
    return _float(T.RandomHorizontalFlip(), T.RandomAffine(0, translate=(0.125, 0.125), border="reflect"))


def _randaugment(magnitude: int) -> Policy:
    return lambda channels: _float(T.RandAugment(num_ops=2, magnitude=magnitude))


POLICIES: dict[str, Policy] = {
    "none": lambda channels: plain_pipeline(),
    "gentle": default_pipeline,
    "flips and crops": _flips_and_crops,
    "TrivialAugment": lambda channels: _float(T.TrivialAugmentWide()),
    "RandAugment 5": _randaugment(5),
    "RandAugment 9": _randaugment(9),
    "RandAugment 14": _randaugment(14),
}
"""All policies by name. "gentle" is `default_pipeline`; the numbers are magnitudes of `RandAugment`, of 0 to 30."""


def pipelines_of(policies: Sequence[str] | Mapping[str, T.Compose], channels: int) -> dict[str, T.Compose]:
    """Return the pipelines of policies by their names; raise `ArgumentError` for unknown names, or none.

    Args:
        policies: keys of `POLICIES`, or pipelines by names of their own.
        channels: number of channels of the images.
    """
    if isinstance(policies, str):
        raise ArgumentError(f"policies must be a list of names or a mapping, got the text {policies!r}")
    if not policies:
        raise ArgumentError(f"policies is empty; there are {', '.join(POLICIES)}")
    if isinstance(policies, Mapping):
        return dict(policies)
    unknown = [name for name in policies if name not in POLICIES]
    if unknown:
        raise ArgumentError(f"there is no policy {unknown[0]!r}; there are {', '.join(POLICIES)}")
    return {name: POLICIES[name](channels) for name in policies}
