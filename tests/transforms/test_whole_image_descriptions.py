"""Operations on whole images are found by their descriptions, and what a description says holds."""

from __future__ import annotations

from dataclasses import replace
from inspect import Parameter, signature
from pathlib import Path

import numpy as np
import pytest

from augsynth import transforms as T
from augsynth import whole_image
from augsynth.errors import ArgumentError
from augsynth.plan import barriers
from augsynth.plan.lowering import ImageInfo, Operate
from augsynth.transforms import Draw
from augsynth.whole_image import OPERATIONS, WholeImageOperation
from augsynth.whole_image.registry import operations_in

TRANSPOSED = WholeImageOperation(
    "transposed_for_a_test",
    lambda image: np.ascontiguousarray(image.swapaxes(0, 1)),
    coordinate_map=lambda size: np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
)
SHIFTED = WholeImageOperation(
    "shifted_for_a_test",
    lambda image, *, columns: np.pad(image, [(0, 0), (int(columns), 0), (0, 0)])[:, : image.shape[1]],
    {"columns": 1},
    coordinate_map=lambda size, *, columns: np.array([[1.0, 0.0, columns], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
)
UPSIDE_DOWN = """
import numpy as np
from augsynth.whole_image import WholeImageOperation

OPERATION = WholeImageOperation({name!r}, lambda image: np.flipud(image).copy())
"""


class Transposed(T.Transform):
    """A transform that moves pixels outside passes."""

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        return Operate(TRANSPOSED.name, active=np.arange(len(images)) % 2 == 0)


class Shifted(T.Transform):
    """A transform that moves each image by another number of columns."""

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        return Operate(SHIFTED.name, {"columns": 1 + np.arange(len(images)) % 2})


class Equalize(T.Transform):
    """A transform that changes values only, if its operation's description says so."""

    def step(self, draw: Draw, images: ImageInfo) -> Operate:
        return Operate("equalize")


def _beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stem: str, name: str) -> None:
    """A file among those of the room, for the time of a test."""
    (tmp_path / f"{stem}.py").write_text(UPSIDE_DOWN.format(name=name))
    monkeypatch.setattr(whole_image, "__path__", [*whole_image.__path__, str(tmp_path)])


def test_a_file_with_a_description_is_all_that_an_operation_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _beside(tmp_path, monkeypatch, "upside_down_for_a_test", "upside_down")
    found = operations_in(whole_image)
    assert set(found) == {*OPERATIONS, "upside_down"}
    assert found["upside_down"].function(np.array([[[1]], [[2]]])).ravel().tolist() == [2, 1]


def test_two_operations_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _beside(tmp_path, monkeypatch, "another_equalize_for_a_test", "equalize")
    with pytest.raises(ValueError, match=r"'equalize', which another file describes"):
        operations_in(whole_image)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_descriptions_give_examples_of_what_a_plan_must_give(name: str) -> None:
    for function in (OPERATIONS[name].function, OPERATIONS[name].torch_function):
        if function is not None:
            _, *parameters = signature(function).parameters.values()
            needed = {one.name for one in parameters if one.default is Parameter.empty}
            assert needed == set(OPERATIONS[name].parameters)
            assert {one.kind for one in parameters} <= {Parameter.KEYWORD_ONLY}


def test_targets_are_refused_beside_an_operation_that_does_not_say_where_pixels_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, target = np.zeros((5, 6, 1), np.uint8), {"boxes": np.array([[1.0, 1.0, 3.0, 3.0]])}
    _, moved = Equalize()(image, target)
    np.testing.assert_array_equal(moved["boxes"], target["boxes"])
    silent = replace(OPERATIONS["equalize"], keeps_positions=False)
    monkeypatch.setattr(barriers, "OPERATIONS", {**OPERATIONS, "equalize": silent})
    with pytest.raises(ArgumentError, match=r"targets cannot follow equalize"):
        Equalize()(image, target)


def _scene() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A bright rectangle, and the targets that describe it."""
    image = np.zeros((12, 12, 1), np.uint8)
    image[2:4, 3:8] = 200
    return image, {
        "boxes": np.array([[3.0, 2.0, 8.0, 4.0]]),
        "keypoints": np.array([[[3.0, 2.0], [8.0, 4.0]]]),
        "masks": image[None, ..., 0] > 0,
    }


@pytest.mark.parametrize(
    "steps",
    [
        (Transposed(),),
        (Transposed(), Transposed(), Shifted()),
        (T.RandomHorizontalFlip(p=1.0), Shifted(), Transposed(), T.RandomVerticalFlip(p=1.0)),
        (T.CenterCrop((10, 10)), Transposed(), Shifted(), T.CenterCrop((8, 9))),
    ],
)
def test_targets_follow_the_map_of_an_operation(
    monkeypatch: pytest.MonkeyPatch, steps: tuple[T.Transform, ...]
) -> None:
    monkeypatch.setitem(OPERATIONS, TRANSPOSED.name, TRANSPOSED)  # type: ignore[arg-type]
    monkeypatch.setitem(OPERATIONS, SHIFTED.name, SHIFTED)  # type: ignore[arg-type]
    image, target = _scene()
    t, keys = T.Compose(steps), [(0, 0, index) for index in range(3)]
    pictures, moved = t.batch([image] * 3, keys=keys, targets=[target] * 3)
    plan = t.plan([image.shape] * 3, keys)
    restored = plan.invert(boxes=[placed["boxes"] for placed in moved])
    for picture, placed, boxes in zip(pictures.numpy(), moved, restored, strict=True):
        shown = picture[0] > 0
        np.testing.assert_array_equal(placed["masks"][0], shown)
        rows, columns = np.nonzero(shown)
        around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(placed["boxes"], [around], atol=1e-9)
        corners = placed["keypoints"][0]
        np.testing.assert_allclose([*corners.min(axis=0), *corners.max(axis=0)], around, atol=1e-9)
        np.testing.assert_allclose(boxes, target["boxes"], atol=1e-9)


def test_parts_that_an_operation_moves_out_of_the_frame_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATIONS, SHIFTED.name, SHIFTED)  # type: ignore[arg-type]
    image, target = _scene()
    _, placed = T.Compose([Shifted()] * 5)(image, target)
    np.testing.assert_allclose(placed["boxes"], [[8.0, 2.0, 12.0, 4.0]])


def test_an_operation_says_one_thing_about_positions() -> None:
    with pytest.raises(ValueError, match="both keeps positions and has a coordinate_map"):
        replace(TRANSPOSED, keeps_positions=True)
