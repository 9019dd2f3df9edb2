"""Functions of users: checked, never given the caller's own image, fused where they are per pixel, never stored."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError, ArgumentTypeError, PlanError
from augsynth.testing import strategies as aug

KEY = (5, 1, 9)
Picture = npt.NDArray[Any]
PICTURES = aug.shapes(12, 4).flatmap(aug.images)


def rolled(image: Picture) -> Picture:
    return np.roll(image, 1, axis=1)


def halved(values: Picture) -> Picture:
    return values / 2


def cleared(image: Picture) -> Picture:
    image[...] = 0
    return image


@given(PICTURES)
def test_a_function_gets_the_image_as_it_is(image: Picture) -> None:
    result = T.Lambda(rolled)(image, key=KEY).numpy().transpose(1, 2, 0)
    np.testing.assert_array_equal(result, rolled(image))


@given(PICTURES)
def test_a_function_that_works_in_place_changes_its_own_copy(image: Picture) -> None:
    before = image.copy()
    assert not T.Lambda(cleared)(image, key=KEY).numpy().any()
    np.testing.assert_array_equal(image, before)


@given(PICTURES)
def test_per_pixel_functions_are_rounded_like_any_other_value(image: Picture) -> None:
    result = T.Lambda(halved, per_pixel=True)(image, key=KEY).numpy().transpose(1, 2, 0)
    exact = image.astype(np.float64) / 2
    expected = np.floor(exact + 0.5) if image.dtype.kind == "u" else exact
    np.testing.assert_array_equal(result, expected.astype(image.dtype))


@given(aug.shapes(12, 3).flatmap(lambda shape: aug.images(shape, ["uint8", "uint16"])), aug.keys())
def test_per_pixel_functions_share_the_table_of_integer_images(image: Picture, key: tuple[int, int, int]) -> None:
    parts = [T.RandomHorizontalFlip(), T.RandomInvert(), T.Lambda(halved, per_pixel=True), T.RandomPosterize(3)]
    fused, unfused = T.Compose(parts), T.Compose(parts, fuse=False)
    plan = fused.plan([image.shape], [key], dtype=image.dtype.name)
    assert len(plan.steps) == 1
    assert len(plan.passes[0].tables.luts) == 1
    np.testing.assert_array_equal(fused(image, key=key).numpy(), unfused(image, key=key).numpy())


def test_values_beyond_the_range_are_clamped_and_nan_is_0() -> None:
    image = np.array([[0, 10, 200]], np.uint8)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert T.Lambda(lambda v: v * 100 - 500, per_pixel=True)(image).tolist() == [[[0, 255, 255]]]
        assert T.Lambda(lambda v: v / v * 3, per_pixel=True)(image).tolist() == [[[0, 3, 3]]]


@pytest.mark.parametrize(
    ("function", "per_pixel", "message"),
    [
        (lambda image: image[:-1], False, r"Lambda\(cut\) must return an image of the shape that it got"),
        (lambda image: image / 2, False, r"Lambda\(cut\) must return the dtype that it got, uint8; got float64"),
        (lambda image: None, False, r"Lambda\(cut\) must return"),
        (lambda values: values.mean(), True, r"Lambda\(cut\) must map values one by one"),
    ],
)
def test_what_a_function_returns_is_checked(function: Callable[..., Any], per_pixel: bool, message: str) -> None:
    transform = T.Lambda(function, per_pixel, name="cut")
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        transform(np.zeros((4, 6, 3), np.uint8))


def test_a_function_named_like_an_operation_stays_the_users() -> None:
    image = np.array([[0, 10, 200]], np.uint8)
    for per_pixel in (False, True):
        assert T.Lambda(lambda v: v + 1, per_pixel, name="invert")(image).tolist() == [[[1, 11, 201]]]


def test_descriptions_hold_the_name_and_need_the_function() -> None:
    pipeline = T.Compose([T.Lambda(rolled), T.RandomApply([T.Lambda(halved, per_pixel=True)])])
    described = pipeline.to_dict()
    flags = {"per_pixel": False, "keeps_positions": False}
    assert described["transforms"][0] == {"type": "Lambda", "name": "rolled", **flags}
    assert T.from_dict(described, functions={"rolled": rolled, "halved": halved}) == pipeline
    with pytest.raises(ArgumentError, match=r"calls a function 'rolled': pass from_dict\(..., functions="):
        T.from_dict(described)


@given(st.sampled_from(["os.system", "__import__", "eval", "", "print"]) | st.none() | st.integers())
def test_a_description_cannot_name_code(name: Any) -> None:
    for description in ({"type": "Lambda", "name": name}, {"type": "Lambda", "name": "rolled", "function": name}):
        with pytest.raises(ArgumentError):
            T.from_dict(description, functions={"rolled": rolled})


def test_pickling_takes_the_function_along() -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    again = pickle.loads(pickle.dumps(T.Lambda(rolled)))
    np.testing.assert_array_equal(again(image, key=KEY).numpy(), T.Lambda(rolled)(image, key=KEY).numpy())


def test_a_plan_with_a_function_is_not_stored(tmp_path: Any) -> None:
    plan = T.Lambda(rolled).plan([(3, 3)], [KEY])
    with pytest.raises((PlanError, ArgumentError), match="cannot be stored"):
        plan.save(tmp_path / "plan.npz")
    assert T.Lambda(rolled).apply([np.eye(3, dtype=np.uint8)], plan).shape == (1, 1, 3, 3)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="function must be callable, got 3"):
        T.Lambda(3)  # type: ignore[arg-type]


class _Moves(T.Transform):
    def step(self, draw: T.Draw, images: T.ImageInfo) -> T.Operate:
        return T.Operate("moves", function=np.flipud)


def test_targets_are_refused_beside_a_function_that_may_move_pixels() -> None:
    image, target = np.zeros((4, 6, 3), np.uint8), {"boxes": [[0.0, 0, 2, 2]]}
    for pipeline in (T.Lambda(np.flipud), T.Compose([T.RandomApply([T.Lambda(np.flipud)], p=0.0)]), _Moves()):
        with pytest.raises(ArgumentError, match=r"targets cannot follow .*keeps_positions=True"):
            pipeline(image, target)
    for allowed in (T.Lambda(np.negative, keeps_positions=True), T.Lambda(np.negative, per_pixel=True)):
        assert allowed(image, target)[1] == target
