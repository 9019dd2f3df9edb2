"""Pipelines and plans survive a round trip, and damaged ones are refused in words."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth._native.layout import ROW
from augsynth.errors import ArgumentError, AugsynthError, CheckpointError, PlanError
from augsynth.plan import Pass, Plan, new_rows
from augsynth.testing import strategies as aug


@given(pipeline=aug.pipelines(), fuse=st.booleans())
def test_description_round_trip(pipeline: T.Compose, fuse: bool) -> None:
    chosen = T.Compose(pipeline.transforms, fuse=fuse)
    text = json.dumps(chosen.to_dict(), allow_nan=False)
    assert T.from_dict(json.loads(text)) == chosen
    assert pickle.loads(pickle.dumps(chosen)) == chosen
    assert hash(T.from_dict(json.loads(text))) == hash(chosen)


@given(case=aug.cases())
def test_plan_round_trip_and_replay(isa: str, tmp_path_factory: pytest.TempPathFactory, case: aug.Case) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.npz"
    case.plan.save(path)
    loaded = Plan.load(path)
    assert [one.rows.tobytes() for one in loaded.passes] == [one.rows.tobytes() for one in case.plan.passes]
    replayed = case.pipeline.apply([case.image], loaded)[0]
    assert torch.equal(replayed.view(torch.uint8), case.pipeline(case.image, key=case.key).view(torch.uint8))


def test_every_transform_is_described_under_its_own_name() -> None:
    for kind in T.TRANSFORMS:
        assert getattr(T, kind.__name__) is kind
        assert kind.__name__ in T.__all__


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({}, "'type'"),
        ([], "mapping"),
        ({"type": "RandomRotatoin"}, "did you mean 'RandomRotation'"),
        ({"type": "RandomRotation", "degrees": 5, "interpolatoin": "nearest"}, "did you mean 'interpolation'"),
        ({"type": "RandomRotation"}, "degrees"),
        ({"type": "Compose"}, "transforms"),
        ({"type": "ToDtype", "dtype": {"": ""}}, "dtype must be one of"),
        ({"type": "Compose", "transforms": [{"type": "RandomCrop", "size": 4, "padding": -1}]}, "at least 0"),
    ],
)
def test_bad_descriptions_are_refused_in_words(description: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        T.from_dict(description)  # type: ignore[arg-type]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(kind=st.sampled_from(T.TRANSFORMS), data=st.data())
def test_hostile_descriptions_are_refused_or_built(kind: type[T.Transform], data: st.DataObject) -> None:
    names = [*kind.__dataclass_fields__, "draws"]  # type: ignore[attr-defined]
    values = data.draw(st.dictionaries(st.sampled_from(names), json_values, max_size=4))
    try:
        built = T.from_dict({"type": kind.__name__, **values})
    except AugsynthError:
        return
    json.dumps(built.to_dict(), allow_nan=False)


@example(cut=0.9438405993219785, flip=0)  # zipfile takes the archive for an encrypted one
@given(cut=st.floats(0, 1), flip=st.integers(0, 7))
def test_damaged_plan_files_are_refused_or_equal(
    tmp_path_factory: pytest.TempPathFactory, cut: float, flip: int
) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.npz"
    plan = T.RandomRotation(9).plan([(5, 6, 3)] * 3, [(0, 0, k) for k in range(3)])
    plan.save(path)
    whole = path.read_bytes()
    at = int(cut * (len(whole) - 1))
    for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ (1 << flip)]) + whole[at + 1 :]):
        path.write_bytes(damaged)
        try:
            loaded = Plan.load(path)
        except AugsynthError:
            continue
        assert loaded.passes[0].rows.tobytes() == plan.passes[0].rows.tobytes()


def test_a_plan_of_another_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "plan.npz"
    np.savez(path, header=np.array([0x4E4C5041, 99, 1], np.uint32), pass_0=new_rows(1))
    with pytest.raises(CheckpointError, match="version 99"):
        Plan.load(path)


def test_a_plan_of_version_3_is_read(tmp_path: Path) -> None:
    """Its rows have no displacement; all else is as it is now."""
    path, plan = tmp_path / "plan.npz", T.RandomErasing(p=1.0).plan([(5, 6, 3)] * 3, [(0, 0, k) for k in range(3)])
    former = np.dtype([(name, ROW[name]) for name in ROW.names or () if name != "displacement"], align=True)
    rows = np.zeros(3, former)
    for name in former.names or ():
        rows[name] = plan.passes[0].rows[name]
    arrays = {"0.rows": rows, "0.erasures": plan.passes[0].tables.erasures}
    stored = {name: array.view(np.uint8).reshape(3, -1) for name, array in arrays.items()}
    np.savez(path, header=np.array([0x4E4C5041, 3, 1], np.uint32), **stored)
    loaded = Plan.load(path)
    assert (loaded.passes[0].rows == plan.passes[0].rows).all()
    assert (loaded.passes[0].tables.erasures == plan.passes[0].tables.erasures).all()


@pytest.mark.parametrize("dtype", ["complex128", "float64"])
def test_a_header_of_other_numbers_is_refused(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "plan.npz"
    np.savez(path, header=np.array([0x4E4C5041, 1, 0], dtype))
    with pytest.raises(CheckpointError, match="no augsynth plan"):
        Plan.load(path)


def test_missing_and_foreign_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no plan"):
        Plan.load(tmp_path / "nothing.npz")
    np.savez(tmp_path / "other.npz", images=np.zeros(3))
    with pytest.raises(CheckpointError, match="no plan"):
        Plan.load(tmp_path / "other.npz")


def test_plans_must_fit_together_and_fit_the_images() -> None:
    with pytest.raises(PlanError, match="ends with a pass"):
        Plan(())
    with pytest.raises(PlanError, match=r"layout.ROW"):
        Plan((Pass(np.zeros(1)),))  # type: ignore[arg-type]
    first, second = new_rows(1), new_rows(1)
    first["output_size"], second["source_size"] = (4, 4), (4, 5)
    with pytest.raises(PlanError, match="output_size"):
        Plan((Pass(first), Pass(second)))
    plan = T.RandomRotation(9).plan([(5, 6, 3)], [(0, 0, 0)])
    with pytest.raises(PlanError, match="drawn for"):
        T.RandomRotation(9).apply([np.zeros((6, 5, 3), np.uint8)], plan)
    with pytest.raises(PlanError, match="1 images, got 2"):
        T.RandomRotation(9).apply([np.zeros((5, 6, 3), np.uint8)] * 2, plan)


@given(noise=st.binary(min_size=ROW.itemsize, max_size=ROW.itemsize))
def test_rows_of_random_bytes_are_refused_alike_by_both_executors(noise: bytes) -> None:
    from augsynth import _native
    from augsynth.engine import reference

    rows = np.frombuffer(noise, ROW).copy()
    image, output = np.zeros((4, 4, 1), np.uint8), np.zeros((1, 4, 4), np.uint8)
    for executor in (reference.run, _native.run):
        with pytest.raises(PlanError):
            executor(rows, [image], [output])
