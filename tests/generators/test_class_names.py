"""The names of classes go from a data set to the generator, its checkpoint, a pool, and the exports of the pool."""

from __future__ import annotations

import json
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from generators.toy import ClassMean
from torch import Tensor
from torch.utils.data import ConcatDataset, Subset, TensorDataset

from augsynth.data import SyntheticPool
from augsynth.errors import ArgumentError, CheckpointError, DataError
from augsynth.generators import Generator
from augsynth.generators.reading.class_names import read_class_names

FIT: dict[str, Any] = {"batch_size": 8, "device": "cpu", "progress": False}
NAMES = ("ant", "bee", "cat")


class Holder:
    """A data set that has attributes, and no items."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Failing(Holder):
    @property
    def classes(self) -> Any:
        raise RuntimeError("download it first")


Entry = namedtuple("Entry", ["name", "id"])

KNOWN: dict[str, tuple[Any, tuple[str, ...] | None]] = {
    "class_names": (Holder(class_names=NAMES), NAMES),
    "torchvision": (Holder(classes=list(NAMES)), NAMES),
    "our name goes first": (Holder(classes=["x", "y", "z"], class_names=list(NAMES)), NAMES),
    "an array": (Holder(classes=np.array(NAMES)), NAMES),
    "a mapping": (Holder(class_names={1: "bee", 0: "ant", 2: "cat"}), NAMES),
    "more names than classes": (Holder(classes=[*NAMES, "dog"]), NAMES),
    "several words a class": (Holder(classes=[("ant", "pismire"), ("bee",), ("cat",)]), ("ant, pismire", "bee", "cat")),
    "Hugging Face": (Holder(features={"image": 1, "label": Holder(names=list(NAMES))}), NAMES),
    "a subset": (Subset(Holder(classes=NAMES), [0]), NAMES),  # type: ignore[arg-type]
    "a subset of a subset": (Subset(Subset(Holder(classes=NAMES), [0]), [0]), NAMES),  # type: ignore[arg-type]
    "parts alike": (Holder(datasets=[Holder(classes=NAMES), Holder(classes=list(NAMES))]), NAMES),
    "a part without names": (Holder(datasets=[Holder(), Holder(classes=NAMES), Holder(classes=NAMES[:2])]), NAMES),
    "parts that number their classes anew": (
        Holder(datasets=[Holder(classes=NAMES), Holder(classes=NAMES[::-1], target_transform=int)]),
        None,
    ),
    "the whole goes before its parts": (
        Holder(class_names=NAMES, datasets=[Holder(classes=NAMES), Holder(classes=NAMES[::-1])]),
        NAMES,
    ),
    "a number of classes": (Holder(classes=3), None),
    "numbers": (Holder(classes=[0, 1, 2]), None),
    "one text": (Holder(classes="abc"), None),
    "a set, which has no order": (Holder(classes=set(NAMES)), None),
    "objects": (Holder(classes=[Entry("ant", 0)] * 3), None),
    "a property that raises": (Failing(), None),
    "nothing": (Holder(), None),
}


@pytest.mark.parametrize("case", KNOWN)
def test_names_are_found_where_data_sets_keep_them(case: str) -> None:
    dataset, expected = KNOWN[case]
    assert read_class_names(dataset, 3) == expected


def test_parts_whose_names_differ_are_refused() -> None:
    parts = Holder(datasets=[Holder(classes=NAMES), Holder(), Holder(classes=("ant", "bug"))])
    with pytest.raises(DataError, match="label 1 is 'bug' in part 2 and 'bee' in part 0"):
        read_class_names(parts)


def test_names_of_another_key() -> None:
    columns = Holder(features={"label": Holder(names=["x"]), "species": Holder(names=list(NAMES))})
    assert read_class_names(columns, label="species") == NAMES


def test_a_data_set_that_wraps_itself_has_no_end_and_no_names() -> None:
    endless = Holder()
    endless.dataset = endless  # type: ignore[attr-defined]
    assert read_class_names(endless, 3) is None


def test_too_few_names_are_refused(images: TensorDataset) -> None:
    images.classes = ["ant", "bee"]  # type: ignore[attr-defined]
    with pytest.raises(DataError, match=r"names 2 classes, \['ant', 'bee'\], and its labels reach 2"):
        ClassMean().fit(images, steps=1, **FIT)


@pytest.fixture
def named(images: TensorDataset) -> TensorDataset:
    """The images, in classes that have names."""
    images.classes = list(NAMES)  # type: ignore[attr-defined]
    return images


@pytest.fixture
def fitted(named: TensorDataset) -> ClassMean:
    generator = ClassMean()
    generator.fit(ConcatDataset([Subset(named, range(9)), Subset(named, range(9, 30))]), steps=1, **FIT)
    return generator


def test_names_survive_saving(fitted: ClassMean, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    loaded = ClassMean.load(tmp_path)
    assert loaded.class_names == fitted.class_names == NAMES
    assert loaded.digest() == fitted.digest()
    content = json.loads((tmp_path / "config.json").read_text())
    assert content["class_names"] == list(NAMES)
    for harm in (["ant", "bee", "dog"], ["ant"], "abc", [1, 2, 3]):
        (tmp_path / "config.json").write_text(json.dumps({**content, "class_names": harm}))
        with pytest.raises(CheckpointError, match=r"was changed after it was written|class_names is"):
            ClassMean.load(tmp_path)


def test_a_checkpoint_without_names_is_as_it_was_before_there_were_names(images: TensorDataset, tmp_path: Path) -> None:
    generator = ClassMean()
    generator.fit(images, steps=1, checkpoint_dir=tmp_path, **FIT)
    assert "class_names" not in (tmp_path / "config.json").read_text()
    assert ClassMean.load(tmp_path).class_names is None
    images.classes = list(NAMES)  # type: ignore[attr-defined]
    resumed = ClassMean()
    assert resumed.fit(images, steps=2, checkpoint_dir=tmp_path, resume=True, **FIT).resumed_at == 1
    assert resumed.class_names == ClassMean.load(tmp_path).class_names == NAMES
    images.classes = list(NAMES[::-1])  # type: ignore[attr-defined]
    with pytest.raises(CheckpointError, match="of a run with another class_names"):
        ClassMean().fit(images, steps=3, checkpoint_dir=tmp_path, resume=True, **FIT)


def test_a_fit_on_other_images_forgets_names(fitted: ClassMean, images: TensorDataset) -> None:
    fitted.forget()
    fitted.fit(TensorDataset(*images.tensors), steps=1, **FIT)
    assert fitted.class_names is None


def test_names_travel_with_a_pool_into_its_exports(fitted: ClassMean, tmp_path: Path) -> None:
    pool = SyntheticPool.create(tmp_path / "pool", fitted, 6, progress=False)
    assert SyntheticPool.open(tmp_path / "pool").class_names == NAMES
    pool.export(tmp_path / "folder", progress=False)
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == list(NAMES)
    pool.export(tmp_path / "renamed", class_names=["x", "y", "z"], progress=False)
    assert sorted(path.name for path in (tmp_path / "renamed").iterdir()) == ["x", "y", "z"]
    pool.export(tmp_path / "tars", "webdataset", progress=False)
    assert json.loads((tmp_path / "tars" / "class_names.json").read_text()) == list(NAMES)
    refitted = ClassMean()
    refitted.fit(pool, steps=1, **FIT)
    assert refitted.class_names == NAMES


def test_names_change_no_digest_and_are_given_to_pools_from_before(
    fitted: ClassMean, named: TensorDataset, tmp_path: Path
) -> None:
    nameless = ClassMean()
    nameless.fit(TensorDataset(*named.tensors), steps=1, **FIT)
    assert nameless.digest() == fitted.digest()
    assert SyntheticPool.create(tmp_path, nameless, 6, progress=False).class_names is None
    assert SyntheticPool.create(tmp_path, fitted, 6, progress=False).class_names == NAMES
    assert SyntheticPool.create(tmp_path, nameless, 6, progress=False).class_names == NAMES
    named.classes = list(NAMES[::-1])  # type: ignore[attr-defined]
    other = ClassMean()
    other.fit(named, steps=1, **FIT)
    with pytest.raises(ArgumentError, match="a label would mean two things"):
        SyntheticPool.create(tmp_path, other, 6, progress=False)


def test_a_pool_takes_no_samples_of_classes_with_other_names(
    fitted: ClassMean, named: TensorDataset, tmp_path: Path
) -> None:
    pool = SyntheticPool.create(tmp_path, fitted, 6, progress=False)
    named.classes = list(NAMES[::-1])  # type: ignore[attr-defined]
    other, nameless = ClassMean(), ClassMean()
    other.fit(named, steps=1, **FIT)
    nameless.fit(TensorDataset(*named.tensors), steps=1, **FIT)
    with pytest.raises(ArgumentError, match=r"a label would mean two things; make another pool"):
        pool.append(other, 3, progress=False)
    pool.append(nameless, 3, progress=False)
    assert (len(pool), pool.class_names) == (9, NAMES)


def test_a_manifest_whose_names_are_no_texts_is_refused(fitted: ClassMean, tmp_path: Path) -> None:
    SyntheticPool.create(tmp_path, fitted, 3, progress=False)
    content = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**content, "class_names": [1, 2, 3]}))
    with pytest.raises(CheckpointError, match=r"class_names is \[1, 2, 3\], expected a list of texts"):
        SyntheticPool.open(tmp_path)


class Larger(Generator):
    """Learns the shape of other images than it was shown, and knows nothing of names."""

    name = "larger"
    capabilities = frozenset({"conditional"})

    def learn(self, images: Tensor, labels: Tensor | None, *, seed: int, progress: bool) -> None:
        self.describe((1, 16, 16), 3)

    def generate(self, noise: Any, labels: Any, guidance: Any) -> Tensor:
        return noise.normal(1, 16, 16) + labels[:, None, None, None]


def test_a_generator_that_knows_nothing_of_names_keeps_them(named: TensorDataset, tmp_path: Path) -> None:
    generator = Larger()
    generator.fit(named, checkpoint_dir=tmp_path, **FIT)
    assert (generator.image_shape, generator.class_names) == ((1, 16, 16), NAMES)
    assert Larger.load(tmp_path).class_names == NAMES


def test_images_without_labels_have_no_names() -> None:
    from generators.test_conformance import Unconditional

    images = TensorDataset(torch.arange(256, dtype=torch.uint8).reshape(4, 1, 8, 8))
    images.classes = list(NAMES)  # type: ignore[attr-defined]
    generator = Unconditional()
    generator.fit(images, steps=1, **FIT)
    assert generator.class_names is None
