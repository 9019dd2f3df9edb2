"""Symmetries of the square: NumPy's turns, all of them drawn, targets and inversion exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.testing import strategies as aug

KEY = (0, 0, 0)
KEYS = [(0, 0, index) for index in range(400)]


def _chw(image: np.ndarray) -> np.ndarray:
    return np.moveaxis(image, -1, 0)


@given(image=aug.images(), turns=st.integers(-5, 5))
def test_quarter_turns_are_numpys(isa: str, image: np.ndarray, turns: int) -> None:
    turned = T.RandomQuarterTurn(turns)(image, key=KEY)
    np.testing.assert_array_equal(turned.numpy(), np.rot90(_chw(image), turns, axes=(1, 2)))


@given(image=aug.images())
def test_a_transposition_exchanges_the_axes(isa: str, image: np.ndarray) -> None:
    np.testing.assert_array_equal(T.RandomTranspose(1.0)(image).numpy(), _chw(image).swapaxes(1, 2))
    np.testing.assert_array_equal(T.RandomTranspose(0.0)(image).numpy(), _chw(image))


def test_all_eight_symmetries_are_drawn_equally() -> None:
    image = np.arange(9, dtype=np.uint8).reshape(3, 3)
    expected = {np.rot90(one, turns).tobytes() for one, turns in itertools.product((image, image.T), range(4))}
    seen, counts = np.unique(T.RandomDihedral().batch([image] * 4000, keys=[(0, 0, k) for k in range(4000)]).numpy(),
                             axis=0, return_counts=True)  # fmt: skip
    assert {one.tobytes() for one in seen} == expected
    # Six standard errors of a share of 1/8.
    assert (abs(counts / 4000 - 1 / 8) < 6 * np.sqrt(1 / 8 * 7 / 8 / 4000)).all()


def test_turns_are_drawn_as_often_as_they_are_named() -> None:
    sizes = T.RandomQuarterTurn((0, 1, 1, 1)).plan([(2, 3)] * 400, KEYS).passes[0].rows["output_size"]
    assert abs((sizes[:, 0] == 3).mean() - 0.75) < 6 * np.sqrt(0.75 * 0.25 / 400)
    assert not T.RandomQuarterTurn(1).draws_numbers


@pytest.mark.parametrize("turn", [T.RandomQuarterTurn((1, 2, 3)), T.RandomDihedral(), T.RandomTranspose(1.0)], ids=repr)
def test_targets_turn_with_the_picture_and_come_back(isa: str, turn: T.Transform) -> None:
    picture = np.zeros((7, 10), np.uint8)
    picture[1:3, 4:9] = 1
    target = {"boxes": [[4.0, 1.0, 9.0, 3.0]], "masks": picture[None] > 0, "keypoints": [[4.0, 3.0]]}
    for key in KEYS[:16]:
        plan = turn.plan([picture.shape], [key])
        turned, (moved,) = turn.apply([picture], plan, [target])
        np.testing.assert_array_equal(moved["masks"][0], turned[0, 0].numpy() > 0)
        rows, columns = np.nonzero(moved["masks"][0])
        assert moved["boxes"] == [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
        points, boxes, masks = plan.invert(np.array(moved["keypoints"]), np.array(moved["boxes"]), turned[0].numpy())
        np.testing.assert_array_equal(points, target["keypoints"])
        np.testing.assert_array_equal(boxes, target["boxes"])
        np.testing.assert_array_equal(masks[0], picture)


def test_turns_join_the_pass_of_their_neighbours() -> None:
    t = T.Compose([T.RandomQuarterTurn(), T.RandomRotation(10), T.RandomDihedral(), T.Resize((8, 8))])
    assert t.explain().startswith("1 pass")
    assert torch.equal(t(np.zeros((4, 6, 3), np.uint8)), torch.zeros(3, 8, 8, dtype=torch.uint8))


def test_odd_turns_are_refused() -> None:
    for turns in ((), 0.5, "left", (1, None)):
        with pytest.raises((ArgumentError, TypeError), match="turns"):
            T.RandomQuarterTurn(turns)  # type: ignore[arg-type]
