"""Compositions: what is no composition is refused, in memory and in files, and slices are those of their outputs."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from several_sources import keys, two_objects

from augsynth import transforms as T
from augsynth.errors import AugsynthError, CheckpointError, PlanError
from augsynth.plan import Composition

DATA = [two_objects(number) for number in range(4)]
IMAGES, TARGETS = map(list, zip(*DATA, strict=True))
PASTE = T.CopyPaste(n=(1, 3), transform=T.GaussianBlur(3))


def composition() -> Composition:
    return PASTE.compose(IMAGES, TARGETS, keys=keys(4))


def members(made: Composition) -> dict[str, Any]:
    file = io.BytesIO()
    made.save(file)
    file.seek(0)
    return dict(np.load(file))


def loaded(arrays: dict[str, Any]) -> Composition:
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    return Composition.load(file)


@pytest.mark.parametrize("part", [slice(0, 1), slice(1, 3), slice(None), slice(3, 0, -1), slice(2, 2)])
def test_slices_are_those_of_the_outputs(part: slice) -> None:
    made, targets = PASTE.replay(IMAGES, composition(), TARGETS)
    some = composition()[part]
    if len(some) == 0:
        assert some.explain() == "0 outputs of 24x30 pixels, of 4 images"
        return
    order = np.arange(4)[part].tolist()
    again, others = PASTE.replay(IMAGES, some, TARGETS)
    assert torch.equal(again, made[order])
    assert [target["labels"].tolist() for target in others] == [targets[n]["labels"].tolist() for n in order]


def test_a_file_holds_all_of_it(tmp_path: Any) -> None:
    made = composition()
    made.save(tmp_path / "composition.npz")
    again = Composition.load(tmp_path / "composition.npz")
    assert again.explain() == made.explain()
    one, other = members(made), members(again)
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("header", lambda a: a + 1),
        ("header", lambda a: a * np.array([1, 2, 1], np.uint32)),
        ("header", lambda a: a + np.array([0, 0, 1], np.uint32)),
        ("header", lambda a: a + np.array([0, 0, 2**31], np.uint32)),
        ("frame", lambda a: a - 1),
        ("frame", lambda a: a * 0),
        ("frame", lambda a: a.astype(float)),
        ("items", lambda a: a[:1]),
        ("items", lambda a: a - 5),
        ("layer0.outputs", lambda a: a[::-1]),
        ("layer0.outputs", lambda a: a * 0),
        ("layer0.sources", lambda a: a - 1),
        ("layer0.corners", lambda a: a + 1),
        ("layer0.corners", lambda a: a - 1),
        ("layer0.keeps", lambda a: a + np.nan),
        ("layer0.keeps", lambda a: a + 2),
        ("layer0.objects", lambda a: a - 1),
        ("layer0.objects", lambda a: a.astype(np.int32)),
        ("layer0.feather", lambda a: a - 1),
        ("layer0.feather", lambda a: np.array([1.0, 2.0])),
        ("layer0.steps", lambda a: a * 0),
        ("layer1.plan.0.rows", lambda a: a[:, ::-1]),
    ],
)
def test_damaged_files_are_refused(name: str, change: Any) -> None:
    arrays = members(composition())
    with pytest.raises(CheckpointError):
        loaded({**arrays, name: change(arrays[name])})


def test_other_files_are_refused(tmp_path: Any) -> None:
    arrays = members(composition())
    for missing in ("header", "frame", "layer0.sources", "layer1.plan.0.rows"):
        with pytest.raises(CheckpointError):
            loaded({key: value for key, value in arrays.items() if key != missing})
    plan = T.RandomCrop(2).plan([(4, 4)], [(0, 0, 0)])
    plan.save(tmp_path / "plan.npz")
    with pytest.raises(CheckpointError, match=r"no composition that can be read|no augsynth composition"):
        Composition.load(tmp_path / "plan.npz")


@settings(max_examples=30)
@given(st.data())
def test_a_file_with_a_changed_byte_is_refused_or_equal(data: Any) -> None:
    file = io.BytesIO()
    composition().save(file)
    stored = bytearray(file.getvalue())
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        again = Composition.load(io.BytesIO(bytes(stored)))
    except CheckpointError:
        return
    assert again.explain() == composition().explain()


def test_objects_that_a_target_lacks_are_refused() -> None:
    made = composition()
    upper = made.layers[1]
    wrong = replace(made, layers=(made.layers[0], replace(upper, objects=upper.objects + 7)))
    with pytest.raises(AugsynthError, match=r"object [78]"):
        PASTE.replay(IMAGES, wrong, TARGETS)


def test_layers_that_do_not_fit_are_refused() -> None:
    made = composition()
    with pytest.raises(PlanError, match="first layer"):
        replace(made, layers=())
    with pytest.raises(PlanError, match="is not within the output"):
        replace(made, size=(5, 5))
    with pytest.raises(PlanError, match="sources must be in"):
        replace(made, items=made.items[:2])
    grey = T.Mosaic((24, 30)).compose([image[:, :, :1] for image in IMAGES], keys=keys(4))
    with pytest.raises(PlanError, match="one number of channels"):
        replace(made, layers=(made.layers[0], *grey.layers))
