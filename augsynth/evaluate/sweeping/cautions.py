"""Warnings of a sweep: what makes its answer less certain, in one sentence each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from types import MappingProxyType

from augsynth.data.loading.datasets import ImageData
from augsynth.evaluate.sweeping.label_safety import Safety, Turn

CEILING = 0.995
FEW_IMAGES = 100
FEW_SEEDS = 5
_SHOWN = 3


def warnings_of(
    data: ImageData, control: Sequence[float], safety: Mapping[str, Safety] = MappingProxyType({})
) -> tuple[str, ...]:
    """Return the warnings about a verdict.

    Args:
        data: the images, with their test part.
        control: scores of the control on the test part, one a seed.
        safety: label safety of policies by name; default none.
    """
    test = data.test
    found = []
    if fmean(control) > CEILING:
        found.append(
            f"The control reaches {fmean(control):.1%}, so there is hardly anything to gain: try fewer images a class."
        )
    if test is not None and len(test) < FEW_IMAGES:
        found.append(f"The test part has {len(test)} images: one of them is {1 / len(test):.1%} of the accuracy.")
    if len(control) < FEW_SEEDS:
        found.append(f"The verdict rests on {len(control)} repetitions; five or more make it reliable.")
    if test is not None and (absent := sorted(set(range(data.num_classes)) - set(test.labels.tolist()))):
        names = ", ".join(repr(data.class_names[label]) for label in absent[:5])
        found.append(f"Classes without test images are not judged: {names}.")
    for policy, judged in safety.items():
        turned = "; ".join(_turned(turn, data.class_names) for turn in judged.turns[:_SHOWN])
        if turned:
            found.append(f"The policy {policy!r} is not label-safe: it turns {turned} of held-out images.")
    return tuple(found)


def _turned(turn: Turn, names: Sequence[str]) -> str:
    return f"{names[turn.label]!r} into {names[turn.into]!r} in {turn.share:.0%}"
