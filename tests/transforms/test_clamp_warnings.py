"""`explain` warns where a float image that was taken out of [0, 1] meets what clamps it, and nowhere else."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from augsynth import transforms as T

NORMALIZE = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
JITTER = T.ColorJitter((1.0, 1.5), 0.2)
CLAMPING = [
    JITTER,
    T.ColorMatrix(np.eye(3)),
    T.RandomGrayscale(1.0),
    T.RandomChannelPermutation(),
    T.GaussianNoise(),
    T.UniformNoise(),
    T.PoissonNoise(),
    T.SpeckleNoise(),
    T.RandomPosterize(3, 1.0),
    T.RandomGamma(1.5),
    T.RandomAdjustSharpness(2.0, 1.0),
    T.RandomEqualize(1.0),
    T.RandomAutocontrast(1.0),
    T.ToDtype("uint8", scale=True),
]
FREE = [
    T.RandomHorizontalFlip(1.0),
    T.RandomRotation((20, 20), border="reflect"),
    T.Resize(9),
    T.GaussianNoise(clip=False),
    T.UniformNoise(clip=False),
    T.SaltAndPepperNoise(0.1),
    T.RandomInvert(1.0),
    T.GaussianBlur(3),
    T.RandomErasing(1.0),
    T.Lambda(np.flipud),
    T.FillMissing("constant", 0.5),
    T.ToDtype("float16"),
]


def _warnings(*steps: T.Transform, **given: Any) -> list[str]:
    return [line.strip() for line in T.Compose(list(steps)).explain(**given).splitlines() if "warning" in line]


def _loses_what_is_negative(t: T.Transform) -> bool:
    """Return whether all pixels of a normalised picture end at 0 or above."""
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    after = T.Compose([NORMALIZE, t])(image, key=(0, 0, 0)).float()
    return float(after.min()) >= 0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("t", CLAMPING, ids=repr)
def test_what_clamps_after_normalize_is_told(t: T.Transform, dtype: str) -> None:
    assert _loses_what_is_negative(t)
    (line,) = _warnings(NORMALIZE, t, dtype=dtype)
    expected = (
        rf"warning: {type(t).__name__} clamps to \[0, (1|inf)\], and Normalize has left values of -2.12 to 2.64: .*"
    )
    assert re.fullmatch(expected, line)
    assert _warnings(T.RandomHorizontalFlip(), t, NORMALIZE, dtype=dtype) == []


@pytest.mark.parametrize("t", FREE, ids=repr)
def test_what_clamps_nothing_is_not(t: T.Transform) -> None:
    assert not _loses_what_is_negative(t)
    assert _warnings(NORMALIZE, t) == []


def test_it_is_told_once_and_across_passes() -> None:
    assert len(_warnings(NORMALIZE, T.GaussianBlur(3), JITTER, JITTER, T.GaussianNoise())) == 1
    assert len(_warnings(NORMALIZE, T.RandomApply([JITTER], 0.5))) == 1
    assert len(_warnings(NORMALIZE, T.RandAugment())) >= 1
    assert "let Normalize come after it" in _warnings(NORMALIZE, JITTER)[0]


def test_the_range_counts_and_not_the_name() -> None:
    unscaled = T.ToDtype("float32")
    assert "ToDtype has left values of 0 to 255" in _warnings(unscaled, JITTER)[0]
    assert "0 to 6.55e+04" in _warnings(unscaled, JITTER, dtype="uint16")[0]
    for steps in (
        [T.ToDtype("float32", scale=True), JITTER],
        [unscaled, T.Normalize([0.0], [255.0]), JITTER],
        [T.Normalize([0.0], [1.0]), JITTER],
        [unscaled, T.ToDtype("uint8")],
    ):
        assert _warnings(*steps) == []
    assert _warnings(unscaled, JITTER, dtype="float32") == []


def test_no_word_of_it_without_such_an_order() -> None:
    assert "warning" not in T.Compose([JITTER, T.GaussianNoise(), NORMALIZE]).explain()
