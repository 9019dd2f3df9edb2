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
from augsynth.whole_image import OPERATIONS
from augsynth.whole_image.registry import operations_in

UPSIDE_DOWN = """
import numpy as np
from augsynth.whole_image import WholeImageOperation

OPERATION = WholeImageOperation({name!r}, lambda image: np.flipud(image).copy())
"""


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
