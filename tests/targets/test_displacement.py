"""Displacements as maps of points: inverse, the condition against folds, outlines, and the lines that are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import PlanError
from augsynth.plan.displacement import LARGEST_SQUEEZE, OUTLINE_TOLERANCE, Displacement, divided
from augsynth.plan.reach import lines_read, reductions
from augsynth.plan.splines import cell_controls, field_at

Floats = npt.NDArray[np.float64]
SQUARE = [(10.0, 20.0), (70.0, 20.0), (70.0, 60.0), (10.0, 60.0)]
PROJECTIVE = np.array([[1.1, 0.2, 3.0], [-0.1, 0.9, 5.0], [1e-3, -5e-4, 1.0]])
TURN = np.array([[0.0, 1.0, 2.0], [-1.0, 0.0, 90.0], [0.0, 0.0, 1.0]])


def displacement(seed: int, strength: float = 0.8, spacing: tuple[float, float] = (9.0, 7.0)) -> Displacement:
    """A displacement over 100 x 80 pixels, of which `strength` is near to folding it."""
    random = np.random.default_rng(seed)
    step = np.array(spacing)
    rows, columns = np.ceil(np.array([80.0, 100.0]) / step[::-1]).astype(int) + 4
    grid = random.normal(size=(rows, columns, 2))
    plain = Displacement(np.eye(3), np.eye(3), -1.3 * step, step, grid)
    x, y = np.meshgrid(np.linspace(-20, 130, 120), np.linspace(-20, 110, 120))
    slopes = slopes_of(plain, np.stack([x.ravel(), y.ravel()], axis=1))
    least = np.linalg.eigvalsh((slopes + slopes.swapaxes(1, 2)) / 2).min()
    return replace(plain, grid=grid * strength / -least)


def slopes_of(curved: Displacement, points: Floats) -> Floats:
    """The derivatives (n, 2, 2) of d at points (n, 2): [[dx/dx, dx/dy], [dy/dx, dy/dy]]."""
    cells, columns = cell_controls(curved.grid), curved.grid.shape[1]
    return np.moveaxis(field_at(cells, columns, curved.origin, curved.spacing, points.T)[1], -1, 0)


seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=settings().max_examples // 4)


@pytest.mark.parametrize("matrices", [(np.eye(3), np.eye(3)), (PROJECTIVE, TURN), (TURN, PROJECTIVE)])
@few
@given(seed=seeds, strength=st.floats(0, 0.8))
def test_points_come_back(matrices: tuple[Floats, Floats], seed: int, strength: float) -> None:
    before, after = matrices
    curved = replace(displacement(seed, strength), before=before, after=after)
    points = np.random.default_rng(seed).uniform(-40, 160, (200, 2))
    np.testing.assert_allclose(curved.outputs_of(curved.sources_of(points)), points, rtol=0, atol=1e-4)


def test_points_are_found_one_by_one_as_together() -> None:
    curved = displacement(1)
    points = np.random.default_rng(1).uniform(-20, 120, (50, 2))
    alone = np.concatenate([curved.outputs_of(point[None]) for point in points])
    assert np.array_equal(curved.outputs_of(points), alone)


def test_outlines_are_found_one_by_one_as_together() -> None:
    curved = displacement(1)
    far_away = [(1e15 + x, y) for x, y in SQUARE]
    outlines: list[Any] = [SQUARE, [(0.0, 0.0), (99.0, 0.0), (50.0, 70.0)], [], [(3.0, 4.0)], far_away]
    together = curved.outlines(outlines)
    assert together == [curved.outlines([outline])[0] for outline in outlines]
    assert together[2] == []
    assert curved.outlines([]) == []


def test_points_without_a_place_stay_nowhere() -> None:
    points = np.array([[np.nan, 3.0], [5.0, 5.0]])
    assert np.isnan(displacement(2).outputs_of(points)).tolist() == [[True, True], [False, False]]


@few
@given(seed=seeds, strength=st.floats(0.05, 3))
def test_the_bound_tells_folds(seed: int, strength: float) -> None:
    """`strength` is the largest squeeze on a fine lattice, so that the bound lies above it, and near it."""
    curved = displacement(seed, strength)
    assert curved.squeeze >= min(strength, LARGEST_SQUEEZE) - 1e-9
    if strength < 0.8:
        curved.require_no_fold()
    if strength > LARGEST_SQUEEZE:
        with pytest.raises(PlanError, match=r"may fold the picture.*smaller alpha"):
            curved.outputs_of(np.zeros((1, 2)))


def test_beyond_the_grid_the_bound_holds_too() -> None:
    """An x that shrinks along y is no squeeze by itself, but where y does not stretch any more it may be."""
    curved = displacement(3, 0.94)
    points = np.random.default_rng(3).uniform(-500, 600, (4000, 2))
    slopes = slopes_of(curved, points)
    assert -np.linalg.eigvalsh((slopes + slopes.swapaxes(1, 2)) / 2).min() <= curved.squeeze


@few
@given(seed=seeds, strength=st.floats(0, 0.8))
def test_second_derivatives_are_bounded(seed: int, strength: float) -> None:
    curved = displacement(seed, strength)
    random = np.random.default_rng(seed)
    points, angles = random.uniform(0, 80, (500, 2)), random.uniform(0, 2 * np.pi, 500)
    along = 1e-4 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ahead, behind = (slopes_of(curved, points + sign * along) for sign in (1, -1))
    bends = np.einsum("nij,nj->ni", ahead - behind, along) / (2 * 1e-8)
    assert np.hypot(*bends.T).max(initial=0.0) <= curved.bend + 1e-6


@few
@given(seed=seeds, strength=st.floats(0, 0.8))
def test_an_outline_is_near_the_curve(seed: int, strength: float) -> None:
    curved = displacement(seed, strength)
    exact = curved.undone(divided(SQUARE, 0.05))
    found = np.array(curved.outlines([SQUARE])[0])
    hulls = [np.concatenate([points.min(axis=0), points.max(axis=0)]) for points in (exact, found)]
    np.testing.assert_allclose(*hulls, rtol=0, atol=OUTLINE_TOLERANCE)
    back = np.array(curved.source_outline(SQUARE))
    fine = curved.sources_of(divided(SQUARE, 0.05))
    hulls = [np.concatenate([points.min(axis=0), points.max(axis=0)]) for points in (fine, back)]
    np.testing.assert_allclose(*hulls, rtol=0, atol=OUTLINE_TOLERANCE)


@few
@given(seed=seeds, around=st.sampled_from(["before", "after", "both"]))
def test_no_line_is_read_beyond_those_that_are_named(seed: int, around: str) -> None:
    turn = T.RandomAffine((20, 20), scale=(0.7, 0.7), border="replicate")
    parts: list[T.Transform] = [T.ElasticTransform((80.0, 60.0), 6.0, border="replicate"), T.CenterCrop((20, 30))]
    parts = [*([turn] if around != "after" else []), *parts, *([turn] if around != "before" else [])]
    plan = T.Compose(parts).plan([(200, 70, 1)], [(seed, 0, 0)])
    lines = int(lines_read(plan)[0])
    image = np.random.default_rng(seed).integers(0, 256, (200, 70, 1)).astype(np.uint8)
    changed = image.copy()
    changed[lines:] = 0
    t = T.Compose(parts)
    assert np.array_equal(t.apply([image], plan), t.apply([changed], plan))
    assert lines < 200


def test_a_displaced_picture_is_not_made_smaller_when_it_is_decoded() -> None:
    t = T.Compose([T.ElasticTransform(), T.Resize(20)])
    assert reductions(t.plan([(160, 160, 3)], [(0, 0, 0)]), (1, 2, 4, 8)).tolist() == [1]


def inverted(t: T.Compose, points: Any) -> Any:
    return t.plan([(80, 100, 1)], [(0, 0, 0)]).invert(points=points)


def test_predictions_come_back_to_the_source() -> None:
    t = T.Compose(
        [T.RandomRotation(20), T.ElasticTransform(), T.Resize((64, 90)), T.GaussianBlur(3), T.ElasticTransform()]
    )
    points = np.random.default_rng(0).uniform(10, 60, (40, 2))
    moved = t(np.zeros((80, 100), np.uint8), {"keypoints": points}, key=(0, 0, 0))[1]["keypoints"]
    np.testing.assert_allclose(inverted(t, moved), points, rtol=0, atol=0.01)
