"""Automatic policies: what each operation amounts to, how often it is drawn, and in how many passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth._native.layout import DType
from augsynth.engine import CpuExecutor, run
from augsynth.errors import ArgumentError
from augsynth.plan import Pass
from augsynth.plan.lowering import Lowering, Sampling
from augsynth.testing import strategies as aug
from augsynth.transforms import policies
from augsynth.transforms.params import sampling
from augsynth.transforms.policy_operations import IDENTITY, NAMES, Space, add_chosen

SPACE = Space(shear=0.3, translate=0.25, rotate=30.0, enhance=0.9, posterize=4.0)
POLICIES = (T.RandAugment(), T.TrivialAugmentWide(), *(T.AutoAugment(name) for name in ("imagenet", "cifar10", "svhn")))
IMAGE = np.random.default_rng(0).integers(0, 256, (20, 28, 3), np.uint8)


def _done(name: str, share: float, sign: float = 1.0, declared: Sampling | None = None) -> np.ndarray:
    """The image after one operation of a policy, at `share` of the most."""
    lowering = Lowering(np.array([IMAGE.shape[:2]]), np.array([3]), DType.UINT8)
    chosen = np.array([NAMES.index(name) if name in NAMES else IDENTITY])
    declared = declared or sampling("bilinear", None, "constant", 0.0)
    add_chosen(lowering, "policy", chosen, np.array([share]), np.array([sign]), SPACE, declared)
    plan = lowering.finish()
    (output,) = outputs = CpuExecutor().allocate(plan.passes[-1].rows)
    run(plan, [IMAGE], CpuExecutor(), outputs)
    return np.moveaxis(output, 0, -1)


def _same(transform: T.Pipeline) -> np.ndarray:
    return np.moveaxis(transform(IMAGE, key=(0, 0, 0)).numpy(), 0, -1)


@pytest.mark.parametrize("name", [*NAMES, "Identity"])
def test_no_strength_changes_nothing(name: str) -> None:
    if name in ("Invert", "AutoContrast", "Equalize"):
        return  # these have no strength
    after = _done(name, 0.0)
    expected = np.where(IMAGE == 255, 0, IMAGE) if name == "Solarize" else IMAGE  # its threshold is 255
    np.testing.assert_array_equal(after, expected)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_full_strength_is_the_most_of_the_space(sign: float) -> None:
    def jitter(**given: float) -> np.ndarray:
        return _same(T.ColorJitter(**{name: (factor, factor) for name, factor in given.items()}))

    np.testing.assert_array_equal(_done("Rotate", 1.0, sign), _same(T.RandomRotation((30 * sign, 30 * sign))))
    np.testing.assert_array_equal(_done("Brightness", 1.0, sign), jitter(brightness=1 + 0.9 * sign))
    np.testing.assert_array_equal(_done("Color", 1.0, sign), jitter(saturation=1 + 0.9 * sign))
    np.testing.assert_array_equal(_done("Contrast", 1.0, sign), jitter(contrast=1 + 0.9 * sign))
    np.testing.assert_array_equal(_done("Sharpness", 1.0, sign), _same(T.RandomAdjustSharpness(1 + 0.9 * sign, p=1.0)))
    moved = np.zeros_like(IMAGE)
    if sign > 0:
        moved[:, 7:] = IMAGE[:, :-7]
    else:
        moved[:, :-7] = IMAGE[:, 7:]
    np.testing.assert_array_equal(_done("TranslateX", 1.0, sign), moved)


def test_full_strength_of_what_has_no_sign() -> None:
    np.testing.assert_array_equal(_done("Posterize", 1.0), IMAGE & 0xF0)
    np.testing.assert_array_equal(_done("Solarize", 1.0), 255 - IMAGE)
    np.testing.assert_array_equal(_done("Solarize", 0.5), np.where(IMAGE >= 127.5, 255 - IMAGE, IMAGE))
    np.testing.assert_array_equal(_done("Invert", 1.0), 255 - IMAGE)
    np.testing.assert_array_equal(_done("AutoContrast", 1.0), _same(T.RandomAutocontrast(p=1.0)))
    np.testing.assert_array_equal(_done("Equalize", 1.0), _same(T.RandomEqualize(p=1.0)))


LEVELS = {
    "uint8": np.arange(256, dtype=np.uint8),
    "uint16": np.arange(65536).astype(np.uint16),
    "float32": np.arange(256, dtype=np.float32) / np.float32(255),
}


def _one_operation(t: T.Transform, levels: np.ndarray, key: tuple[int, int, int]) -> np.ndarray:
    return t(levels.reshape(16, -1), key=key).numpy().ravel()


def _key_of(name: str, make: Callable[[int], T.Transform]) -> tuple[int, int, int]:
    """A key with which a policy draws that operation, whatever the magnitude."""
    for index in range(500):
        lowering = make(1).plan([(4, 4, 1)], [(0, 0, index)], dtype="float32")
        barriers = [step for step in lowering.steps if not isinstance(step, Pass) and step.active[0]]
        if [one.operation for one in barriers] == [name]:
            return (0, 0, index)
    raise AssertionError(name)


@pytest.mark.parametrize("dtype", LEVELS)
@pytest.mark.parametrize("bins", [2, 10, 16, 25, 31, 61])
def test_solarise_inverts_from_its_exact_threshold_on(dtype: str, bins: int) -> None:
    """The threshold of a bin is full scale * (bins - 1 - magnitude) / (bins - 1), as in torchvision's first table."""

    def make(magnitude: int) -> T.Transform:
        return T.RandAugment(1, magnitude, bins)

    levels, key = LEVELS[dtype], _key_of("solarize", make)
    full = Fraction(1 if dtype == "float32" else int(levels.max()))
    for magnitude in range(bins):
        threshold = full * (bins - 1 - magnitude) / (bins - 1)
        first = np.float32(float(threshold)) if dtype == "float32" else ceil(threshold)
        expected = np.where(levels >= first, levels.max() - levels, levels)
        np.testing.assert_array_equal(_one_operation(make(magnitude), levels, key), expected, err_msg=str(magnitude))
        if dtype == "uint8":
            assert ceil(torch.linspace(255.0, 0.0, bins)[magnitude].item()) == first


@pytest.mark.parametrize("most", [4, 6])
def test_posterise_loses_whole_bits_in_every_bin(most: int) -> None:
    """Halves go to the even number of bits, as torchvision rounds them."""
    for bins in range(2, 64):
        bits = _bits(np.arange(bins) / (bins - 1), most)
        assert bits == [8 - round(Fraction(magnitude * most, bins - 1)) for magnitude in range(bins)]
        table = 8 - (torch.arange(bins) / ((bins - 1) / most)).round()
        assert bits == table.tolist()


def _bits(shares: np.ndarray, most: int) -> list[float]:
    """Return the number of bits that a policy's posterise leaves at shares of `most`."""
    space = Space(shear=0.3, translate=0.25, rotate=30.0, enhance=0.9, posterize=float(most))
    lowering = Lowering(np.full((len(shares), 2), 4), np.ones(len(shares), np.int64), DType.FLOAT32)
    chosen, declared = np.full(len(shares), NAMES.index("Posterize")), sampling("bilinear", None, "constant", 0.0)
    add_chosen(lowering, "policy", chosen, shares, np.ones(len(shares)), space, declared)
    (found,) = [step for step in lowering.finish().steps if getattr(step, "operation", "") == "posterize"]
    bits: list[float] = found.parameters["bits"].tolist()
    return bits


def test_the_wide_space_turns_by_exact_quarters() -> None:
    """135 degrees * 20 / 30 are 90, and whole pixels are moved."""
    wide = Space(shear=0.99, translate=1.0, rotate=135.0, enhance=0.99, posterize=6.0)
    lowering = Lowering(np.array([[4, 4]]), np.ones(1, np.int64), DType.UINT8)
    amount = wide.amounts("Rotate", np.array([20 / 30]), lowering)
    assert amount.tolist() == [90.0]


@pytest.mark.parametrize("policy", ["imagenet", "cifar10", "svhn"])
def test_sub_policies_solarise_from_exact_thresholds_on(policy: str) -> None:
    operations, _, magnitudes = policies._table(policy)
    for magnitude in np.unique(magnitudes[operations == NAMES.index("Solarize")]):
        image = np.arange(256, dtype=np.uint8)
        lowering = Lowering(np.array([[16, 16]]), np.ones(1, np.int64), DType.UINT8)
        declared = sampling("bilinear", None, "constant", 0.0)
        share = np.array([magnitude / 9])
        add_chosen(lowering, "policy", np.array([NAMES.index("Solarize")]), share, np.ones(1), SPACE, declared)
        (table,) = lowering.finish().passes[0].tables.luts
        first = ceil(Fraction(255) * (9 - int(magnitude)) / 9)
        assert table.tolist() == np.where(image >= first, 255 - image, image).tolist()


def test_a_float_at_the_threshold_is_inverted() -> None:
    """0.7 as a float32 is below 0.7, and means it."""
    image = np.full((2, 2), 0.7, np.float32)
    assert T.RandomSolarize(0.7, p=1.0)(image).numpy().ravel().tolist() == pytest.approx([0.3] * 4)


def test_what_a_magnitude_of_0_still_does() -> None:
    white = {"uint8": 255, "uint16": 65535, "float32": 1}
    for dtype, full in white.items():
        image = np.full((4, 4), full, dtype)
        seen = {float(T.RandAugment(1, 0)(image, key=(0, 0, index)).numpy().max()) for index in range(80)}
        eight_bits = {"uint8": 255, "uint16": 65280, "float32": 255 / 256}[dtype]
        assert seen == {float(full), 0.0, eight_bits}


def test_shears_keep_their_edge() -> None:
    """The first line stays, and the one at y moves by 0.3 y."""
    nearest = sampling("nearest", None, "constant", 0.0)
    sheared = _done("ShearX", 1.0, 1.0, nearest)
    y = 10
    shift = round(0.3 * (y + 0.5))
    np.testing.assert_array_equal(sheared[0], IMAGE[0])
    np.testing.assert_array_equal(sheared[y, shift:], IMAGE[y, :-shift])


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_they_take_few_passes(policy: T.Transform) -> None:
    layers = 1 if isinstance(policy, T.TrivialAugmentWide) else 2
    plan = policy.plan([(32, 40, 3)], [(0, 0, 0)])
    assert len(plan.passes) == layers + 1
    assert len(plan.steps) - len(plan.passes) == 3 * layers


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@given(shape=aug.shapes(24, 4), key=aug.keys())
def test_any_image_goes_through(policy: T.Transform, shape: tuple[int, int, int], key: tuple[int, int, int]) -> None:
    for dtype in ("uint8", "uint16", "float32"):
        image = np.zeros(shape, dtype)
        output = policy(image, key=key)
        assert output.shape == (shape[2], *shape[:2])


def test_all_operations_are_drawn_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Counter[int] = Counter()

    def count(lowering: Lowering, name: str, chosen: np.ndarray, *rest: object) -> None:
        drawn.update(chosen.tolist())

    monkeypatch.setattr(policies, "add_chosen", count)
    T.RandAugment(num_ops=2).plan([(8, 8, 3)] * 7000, [(1, 0, k) for k in range(7000)])
    assert len(drawn) == 14
    assert NAMES.index("Invert") not in drawn
    assert all(850 < times < 1150 for times in drawn.values())


def test_a_sub_policy_does_what_it_says_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    layers: list[np.ndarray] = []
    monkeypatch.setattr(policies, "add_chosen", lambda lowering, name, chosen, *rest: layers.append(chosen))
    T.AutoAugment("svhn").plan([(8, 8, 3)] * 10000, [(1, 0, k) for k in range(10000)])
    operations, probabilities, _ = policies._table("svhn")
    for layer, chosen in enumerate(layers):
        expected = Counter[int]()
        for operation, probability in zip(operations[:, layer], probabilities[:, layer], strict=True):
            expected[int(operation)] += 10000 / 25 * probability  # type: ignore[assignment]
        for operation, times in expected.items():
            assert abs((chosen == operation).sum() - times) < 6 * np.sqrt(times) + 1


@given(policy=st.sampled_from(POLICIES), keys=st.lists(aug.keys(), min_size=2, max_size=4))
def test_neighbours_change_nothing(policy: T.Transform, keys: list[tuple[int, int, int]]) -> None:
    together = policy.batch([IMAGE] * len(keys), keys=keys).numpy()
    for key, one in zip(keys, together, strict=True):
        np.testing.assert_array_equal(policy(IMAGE, key=key).numpy(), one)


def test_descriptions_and_refusals() -> None:
    for policy in POLICIES:
        assert T.from_dict(policy.to_dict()) == policy
    with pytest.raises(ArgumentError, match="below num_magnitude_bins"):
        T.RandAugment(magnitude=31)
    with pytest.raises(ArgumentError, match="imagenet, cifar10, svhn"):
        T.AutoAugment("coco")
