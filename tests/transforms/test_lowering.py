"""Transforms that share a pass. Sharing a pass does not change their meaning."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth._native.layout import Border, DType, Interpolation
from augsynth.errors import ArgumentError
from augsynth.plan import Plan
from augsynth.plan.lowering import Displace, Geometry, Lowering, Sampling
from augsynth.testing import strategies as aug

KEY = (2, 0, 1)
NOISES = (T.GaussianNoise, T.UniformNoise, T.SaltAndPepperNoise, T.SpeckleNoise)


def _passes(*parts: T.Transform, dtype: str = "uint8") -> int:
    return len(T.Compose(parts).plan([(40, 50, 3)], [KEY], dtype=dtype).passes)


def _exact_parts() -> st.SearchStrategy[T.Transform]:
    """Transforms that move whole pixels, or change values one by one: fused and unfused must agree.

    Not among them is shot noise, where a fill that is rounded between passes has another count.
    """
    margin = st.integers(0, 4)
    border, fill = st.sampled_from(aug.BORDERS), st.floats(0, 1)
    turns = st.integers(-3, 3).map(lambda k: (90.0 * k, 90.0 * k))
    return st.one_of(
        st.builds(T.RandomHorizontalFlip, st.floats(0, 1)),
        st.builds(T.RandomVerticalFlip, st.floats(0, 1)),
        st.builds(T.Pad, margin, border=border, fill=fill),
        st.builds(
            T.RandomCrop, st.tuples(st.integers(1, 9), st.integers(1, 9)), padding=st.none() | margin, border=border
        ),
        st.builds(T.CenterCrop, st.tuples(st.integers(1, 9), st.integers(1, 9)), st.booleans(), fill, border),
        st.builds(T.RandomRotation, turns, st.sampled_from(aug.INTERPOLATIONS), st.just(True)),
        aug.values().filter(lambda one: not isinstance(one, T.PoissonNoise)),
    )


@given(parts=st.lists(_exact_parts(), max_size=5), image=aug.images(), key=aug.keys())
def test_fused_and_unfused_agree_where_nothing_is_resampled(
    isa: str, parts: list[T.Transform], image: np.ndarray, key: tuple[int, int, int]
) -> None:
    try:
        fused, apart = (T.Compose(parts, fuse=fuse)(image, key=key) for fuse in (True, False))
    except ArgumentError:
        assume(False)
        raise
    assert fused.dtype == apart.dtype
    assert fused.shape == apart.shape
    # Between passes an integer image is rounded and clamped; inside one it is not. That costs half a level a pass,
    # times what later transforms multiply it by.
    if any(isinstance(part, (*NOISES, T.Normalize, T.ToDtype)) for part in parts):
        assert _largest_step(fused.numpy(), apart.numpy(), parts, image.dtype) <= 1.0
    else:
        np.testing.assert_array_equal(fused.numpy(), apart.numpy())


def _largest_step(fused: np.ndarray, apart: np.ndarray, parts: list[T.Transform], dtype: np.dtype) -> float:
    """The largest difference, in units of what rounding between the passes may cost."""
    unit, scale = (0.5, 255.0 if dtype == np.uint8 else 65535.0) if dtype != np.float32 else (0.0, 1.0)
    bound = 1e-5 * scale
    current = scale
    for part in parts:
        if isinstance(part, T.Normalize):
            factor = 1 / part.std[0] / (current if part.scale and current > 1 else 1.0)
            bound, current = bound * factor + 1e-5 * (1 + abs(part.mean[0]) / part.std[0]), 1.0
            unit = unit * factor
        elif isinstance(part, T.ToDtype):
            target = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[part.dtype]
            factor = target / current if part.scale else 1.0
            bound, unit, current = bound * factor, unit * factor, target
        elif isinstance(part, T.SpeckleNoise):
            growth = 1 + abs(part.mean) + 4.2 * np.max(part.sigma)
            bound, unit = bound * growth, unit * growth
        if current > 1:
            unit += 0.5
    worst = unit + bound + (1.0 if fused.dtype != np.float32 else 0.0)
    difference = np.abs(fused.astype(np.float64) - apart.astype(np.float64)).max()
    return float(difference / max(worst, 1e-12))


@given(case=aug.cases())
def test_fused_and_unfused_always_give_the_same_shape_and_dtype(case: aug.Case) -> None:
    apart = T.Compose(case.pipeline.transforms, fuse=False).plan(
        [case.image.shape], [case.key], dtype=case.image.dtype.name
    )
    for field in ("output_size", "output_dtype", "channels"):
        np.testing.assert_array_equal(case.plan.passes[-1].rows[field], apart.passes[-1].rows[field])


@given(pipeline=aug.pipelines(), shapes=st.lists(aug.shapes(40, 3), min_size=2, max_size=4), key=aug.keys())
def test_the_passes_do_not_depend_on_the_other_samples(
    pipeline: T.Compose, shapes: list[tuple[int, int, int]], key: tuple[int, int, int]
) -> None:
    keys = [(key[0], key[1], index) for index in range(len(shapes))]
    try:
        together = pipeline.plan(shapes, keys)
        alone = [pipeline.plan([shape], [one]) for shape, one in zip(shapes, keys, strict=True)]
    except ArgumentError:
        assume(False)
        raise
    for k, one in enumerate(alone):
        assert len(one.passes) == len(together.passes)
        for shared, single in zip(together[k : k + 1].passes, one.passes, strict=True):
            assert shared.rows.tobytes() == single.rows.tobytes()


@given(image=aug.images(), key=aug.keys(), size=st.tuples(st.integers(2, 20), st.integers(2, 20)))
def test_a_resize_before_exact_steps_agrees(
    isa: str, image: np.ndarray, key: tuple[int, int, int], size: tuple[int, int]
) -> None:
    parts = [T.Resize(size), T.RandomHorizontalFlip(), T.Pad(2, border="constant", fill=0.25), T.RandomVerticalFlip()]
    fused, apart = (T.Compose(parts, fuse=fuse)(image, key=key).numpy().astype(np.float64) for fuse in (True, False))
    full = 1.0 if image.dtype == np.float32 else 0.0
    np.testing.assert_allclose(fused, apart, atol=1e-5 * full + (0.0 if full else 1.0))
    assert len(T.Compose(parts).plan([image.shape], [key], dtype=image.dtype.name).passes) == 1


def test_a_rotated_constant_border_is_as_soft_after_enlarging(isa: str) -> None:
    # Enlarged eightfold and turned by nothing: the fill may reach half an enlarged pixel inward, not half a source one.
    image = np.ones((4, 4), np.float32)
    parts = [T.Resize((32, 32)), T.RandomRotation((0, 0), fill=0.0)]
    fused, apart = (T.Compose(parts, fuse=fuse)(image, key=KEY).numpy() for fuse in (True, False))
    np.testing.assert_allclose(fused, apart, atol=1e-6)


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(aug.INTERPOLATIONS, 2)))
def test_different_interpolations_never_share_a_pass(first: str, second: str) -> None:
    plan = T.Compose([T.RandomRotation(10, first), T.RandomRotation(10, second)]).plan([(40, 50, 3)], [KEY])
    found = [Interpolation(int(one.rows["interpolation"][0])).name.lower() for one in plan.passes]
    assert found == [first, second]


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(aug.BORDERS, 2)))
def test_different_borders_never_share_a_pass(first: str, second: str) -> None:
    plan = T.Compose([T.RandomRotation(10, border=first), T.RandomShear(10, border=second)]).plan([(40, 50, 3)], [KEY])
    assert [Border(int(one.rows["border"][0])).name.lower() for one in plan.passes] == [first, second]


@pytest.mark.parametrize(
    ("parts", "count"),
    [
        ([], 1),
        ([T.RandomResizedCrop(32), T.RandomHorizontalFlip(), T.RandomRotation(15, border="reflect")], 1),
        ([T.RandomRotation(9), T.RandomAffine(9, scale=(0.5, 2)), T.RandomShear(3)], 1),
        ([T.RandomRotation(9, fill=0), T.RandomRotation(9, fill=1)], 2),
        ([T.Resize(20), T.RandomScale(antialias=False)], 2),
        ([T.GaussianNoise(), T.RandomRotation(5)], 2),
        ([T.GaussianNoise(), T.GaussianNoise()], 2),
        ([T.Normalize([0.5], [0.5]), T.GaussianNoise()], 2),
        ([T.Normalize([0.5], [0.5]), T.Normalize([0.1], [2.0])], 1),
        ([T.ToDtype("float32", scale=True), T.Resize(9), T.GaussianNoise(), T.Normalize([0.5], [0.5])], 1),
        ([T.ToDtype("uint16", scale=True), T.RandomHorizontalFlip()], 2),
        ([T.ToDtype("float32", scale=True), T.ToDtype("uint8", scale=True)], 1),
        ([T.CenterCrop(20), T.Pad(4)], 2),
        ([T.RandomRotation(5, fill=0), T.Pad(4, fill=0)], 2),
        ([T.Pad(4), T.RandomCrop(20), T.RandomHorizontalFlip()], 1),
        ([T.Compose([T.RandomHorizontalFlip(), T.GaussianNoise()]), T.ToDtype("float32")], 1),
    ],
    ids=lambda value: "+".join(type(one).__name__ for one in value) if isinstance(value, list) else None,
)
def test_number_of_passes(parts: list[T.Transform], count: int) -> None:
    assert _passes(*parts) == count


def test_without_fusion_every_transform_has_its_own_pass() -> None:
    parts = [T.RandomHorizontalFlip(), T.RandomRotation(5), T.GaussianNoise(), T.Normalize([0.5], [0.5])]
    assert len(T.Compose(parts, fuse=False).plan([(8, 8, 3)], [KEY]).passes) == 4


def test_padding_after_a_crop_shows_the_fill_and_not_what_was_cut_off(isa: str) -> None:
    image = np.full((6, 6), 9, np.uint8)
    padded = T.Compose([T.CenterCrop(2), T.Pad(1, fill=3)])(image).numpy()[0]
    np.testing.assert_array_equal(padded, np.pad(np.full((2, 2), 9), 1, constant_values=3))


def test_fill_is_on_the_scale_the_transform_sees(isa: str) -> None:
    black = np.zeros((2, 2), np.uint8)
    assert T.Pad(1, fill=51)(black)[0, 0, 0] == 51
    scaled = T.Compose([T.ToDtype("float32", scale=True), T.Pad(1, fill=0.2)])(black)
    assert scaled[0, 0, 0] == pytest.approx(0.2, abs=1e-7)
    coloured = T.Pad(1, fill=(1, 2, 3))(np.zeros((2, 2, 3), np.uint8))
    assert coloured[:, 0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("clip", [False, True])
def test_bicubic_overshoot_is_clamped_before_noise(isa: str, clip: bool) -> None:
    # A hard edge: bicubic sampling leaves 0..255 on both sides of it, an integer image does not.
    image = np.repeat(np.array([[0, 0, 255, 255]], np.uint8), 4, axis=0)
    parts = [T.Resize((16, 16), "bicubic"), T.ToDtype("float32", scale=True), T.GaussianNoise(sigma=0.2, clip=clip)]
    fused, apart = (T.Compose(parts, fuse=fuse)(image, key=KEY).numpy() for fuse in (True, False))
    np.testing.assert_allclose(fused, apart, atol=0.51 / 255)
    assert (fused.min() < 0) != clip


def test_shot_noise_of_whole_levels_is_the_same_fused_and_apart(isa: str) -> None:
    image = np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    parts = [T.RandomVerticalFlip(), T.Pad(2, fill=7), T.PoissonNoise(40), T.Normalize([0.5], [0.5])]
    fused, apart = (T.Compose(parts, fuse=fuse)(image, key=KEY).numpy() for fuse in (True, False))
    assert len(T.Compose(parts).plan([image.shape], [KEY]).passes) == 1
    np.testing.assert_allclose(fused, apart, atol=0.501 / 255 / 0.5)


def test_explain_does_not_depend_on_what_was_drawn() -> None:
    for p in (0.0, 1.0):
        assert "whole pixels are moved" in T.RandomHorizontalFlip(p).explain()


def test_explain_names_passes_and_reasons() -> None:
    text = T.Compose([T.RandomCrop(32, padding=4), T.GaussianNoise(), T.RandomRotation(5, fill=1)]).explain()
    assert text.splitlines() == [
        "2 passes",
        "pass 1: RandomCrop + GaussianNoise",
        "  whole pixels are moved; gaussian noise; uint8 in, uint8 out",
        "pass 2: RandomRotation",
        "  begins because geometry would have to run after GaussianNoise, and a pass resamples first",
        "  one bilinear resampling, border constant; uint8 in, uint8 out",
    ]


def test_a_plan_of_a_slice_is_the_slice_of_the_plan() -> None:
    whole = T.RandomRotation(30).plan([(8, 8)] * 4, [(0, 0, k) for k in range(4)])
    assert isinstance(whole[1:3], Plan)
    assert whole[1:3].passes[0].rows.tobytes() == whole.passes[0].rows[1:3].tobytes()


def test_a_sample_that_is_not_displaced_gets_the_row_of_a_pass_without_a_displacement() -> None:
    sizes, channels = np.array([[20, 30]] * 2), np.array([3, 3])
    turn = np.tile(np.array([[0.9, 0.2, 1], [-0.2, 0.9, 2], [0, 0, 1]]), (2, 1, 1))
    sampling = Sampling(Interpolation.BILINEAR, None, Border.CONSTANT, 7.0)
    displace = Displace(np.ones((2, 5, 6, 2)), np.full((2, 2), -8.0), np.full((2, 2), 8.0), sampling)
    still = Geometry(np.tile(np.eye(3), (2, 1, 1)), sizes, sampling)
    passes = []
    for step in (displace, still):
        lowering = Lowering(sizes, channels, DType.UINT8)
        lowering.add("turn", Geometry(turn, sizes))
        with lowering.only(np.array([False, True])):
            lowering.add("middle", step)
        lowering.add("turn back", Geometry(turn, sizes))
        passes.append(lowering.finish().passes[0])
    displaced, plain = passes
    assert displaced.rows["displacement"].tolist() == [-1, 0]
    assert displaced.rows[0] == plain.rows[0]
    np.testing.assert_array_equal(displaced.rows["inverse"], plain.rows["inverse"])
    (entry,) = displaced.tables.displacements
    np.testing.assert_array_equal(entry["before"], turn[1])
    np.testing.assert_array_equal(entry["after"], turn[1])
    np.testing.assert_array_equal(displaced.tables.offsets, np.ones((30, 2)))


def test_a_second_displacement_begins_a_new_pass() -> None:
    t = T.Compose([T.ElasticTransform(), T.RandomHorizontalFlip(), T.ElasticTransform()])
    assert "begins because pixels would have to be displaced again after RandomHorizontalFlip" in t.explain()
