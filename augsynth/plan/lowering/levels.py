"""Values of channels: one number, or one for each channel, that the images of a batch can have."""

from __future__ import annotations

from augsynth._native.layout import MAX_CHANNELS, DType
from augsynth.errors import ArgumentError
from augsynth.plan.lowering.steps import PerChannel
from augsynth.plan.passes import FULL_SCALE


def per_channel(values: PerChannel, name: str, channels: tuple[int, ...]) -> tuple[float, ...]:
    """One value for each of the 16 channels that a row can have.

    Args:
        values: a number, or one for each channel.
        name: the parameter's name, for the message.
        channels: the channel counts that occur in the batch.

    >>> per_channel((1.0, 2.0, 3.0), "mean", (3,))[:4]
    (1.0, 2.0, 3.0, 1.0)
    """
    given = (values,) if isinstance(values, (int, float)) else tuple(values)
    if len(given) > 1 and channels not in ((), (len(given),)):
        raise ArgumentError(
            f"{name} has {len(given)} values, one a channel, but the images have "
            f"{' or '.join(map(str, channels))} channels"
        )
    # No negative zeros: a state is remembered for all declarations that are equal.
    return tuple(value + 0.0 for value in (given * MAX_CHANNELS)[:MAX_CHANNELS])


def levels(values: PerChannel, name: str, channels: tuple[int, ...], dtype: DType) -> tuple[float, ...]:
    """`per_channel` for levels of images of `dtype`; an integer image has no levels outside the range of its dtype."""
    given, full = per_channel(values, name, channels), FULL_SCALE[dtype]
    if dtype != DType.FLOAT32 and not all(0 <= value <= full for value in set(given)):
        raise ArgumentError(f"{name} must be in [0, {full:g}] for {dtype.name.lower()} images, got {values!r}")
    return given
