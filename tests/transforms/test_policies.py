"""Automatic policies: what each operation amounts to, how often it is drawn, and in how many passes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.execute import allocate, execute
from augsynth.layout import DType
from augsynth.lowering import Lowering, Sampling
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
    (output,) = outputs = allocate(plan.passes[-1].rows)
    execute(plan, [IMAGE], outputs)
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
