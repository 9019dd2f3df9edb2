"""Items that are dicts with keys of their own, and labels that a data set states in a column or in its parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from generators.toy import ClassMean
from mixing_toys import Pictures, toy_generator
from torch.utils.data import ConcatDataset, Subset, random_split

from augsynth import transforms as T
from augsynth.data import SyntheticMixDataset, collate
from augsynth.data.mixing.rule.labels import class_labels
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError

LABELS = np.array([0, 1, 2] * 4)
KEYS: dict[str, Any] = {"image_key": "img", "label_key": "species"}
NAMES = ("ant", "bee", "cat")


class ClassColumn:
    def __init__(self) -> None:
        self.names = list(NAMES)


class Columns:
    """Stand-in for a `datasets.Dataset`: columns, a format, and images that are decoded when an item is read."""

    def __init__(self, labels: Any = LABELS, seed: int = 0, transform: Any = None) -> None:
        self._labels = [label if label is None or isinstance(label, list) else int(label) for label in labels]
        self._pictures = Pictures(np.zeros(len(self._labels)), seed)
        self._transform = transform
        self.features = {"img": None, "species": ClassColumn()}
        self.column_names = ["img", "species"]
        self.format = {"type": None if transform is None else "custom"}
        self.decoded: list[int] = []

    def __len__(self) -> int:
        return len(self._labels)

    def with_format(self, kind: None) -> Columns:
        return Columns(self._labels)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if self._transform is not None:
                raise RuntimeError("a transform would be called with all images")
            return {"species": self._labels}[key]
        numbers: Iterable[int] = key if isinstance(key, list) else [key]
        self.decoded += numbers
        items = [{"img": self._pictures[number][0], "species": self._labels[number]} for number in numbers]
        items = items if self._transform is None else [self._transform(item) for item in items]
        return {name: [item[name] for item in items] for name in items[0]} if isinstance(key, list) else items[0]


def of(batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
    return batch["img"], batch["species"]


@pytest.mark.parametrize("synthetic", ["pairs", "the same keys", "default keys", "another order"])
@pytest.mark.parametrize("pairing", ["class", "index", "free"])
def test_synthetic_items_take_the_keys_of_the_real_ones(pairing: Any, synthetic: str) -> None:
    pictures = Pictures(LABELS, seed=1)
    made: Any = {
        "pairs": pictures,
        "the same keys": Columns(seed=1),
        "default keys": [{"image": image, "label": label} for image, label in pictures],
        "another order": [{"species": label, "extra": 1, "img": image} for image, label in pictures],
    }[synthetic]
    mix = SyntheticMixDataset(Columns(), made, ratio=0.5, pairing=pairing, transform=T.RandomHorizontalFlip(), **KEYS)
    plain = SyntheticMixDataset(
        Pictures(LABELS), pictures, ratio=0.5, pairing=pairing, transform=T.RandomHorizontalFlip()
    )
    for epoch in range(2):
        mix.set_epoch(epoch)
        plain.set_epoch(epoch)
        images, labels = of(collate(mix.__getitems__(range(12))))
        expected, classes = collate(plain.__getitems__(range(12)))
        assert torch.equal(images, expected)
        assert torch.equal(labels, classes)
    assert list(mix[0]) == ["img", "species"]


def test_an_index_pool_without_labels_takes_them_from_the_partner() -> None:
    made = [{"img": image} for image, _ in Pictures(LABELS, seed=1)]
    mix = SyntheticMixDataset(Columns(), made, ratio=1, pairing="index", **KEYS)
    assert [item["species"] for item in mix] == LABELS.tolist()


def test_targets_move_beside_the_keys() -> None:
    def items(seed: int) -> list[Any]:
        boxes, mask = np.array([[0.0, 0.0, 2.0, 3.0]]), np.eye(6, 5, dtype=np.uint8)
        return [
            {"img": image, "species": label, "boxes": boxes, "masks": mask[None], "labels": [label]}
            for image, label in Pictures(LABELS, seed=seed)
        ]

    flip = T.RandomHorizontalFlip(p=1.0)
    mix = SyntheticMixDataset(items(0), items(1), ratio=0.5, transform=flip, **KEYS)
    item = mix[0]
    assert item["boxes"].tolist() == [[3.0, 0.0, 5.0, 3.0]]
    assert np.array_equal(item["masks"][0], np.eye(6, 5)[:, ::-1])
    batch = collate(mix.__getitems__([0, 1]))
    assert list(batch) == ["img", "species", "boxes", "masks", "labels"]
    stray = [{**item, "image": item["img"]} for item in items(0)]
    with pytest.raises(ArgumentError, match="the field 'image' would not move"):
        SyntheticMixDataset(stray, None, ratio=0, transform=flip, **KEYS)[0]


def test_a_generator_learns_and_fills_a_pool_from_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augsynth.data.mixing.synthetic.create_generator", {"means": ClassMean()}.__getitem__)
    mix = SyntheticMixDataset(Columns(), "means", ratio=0.5, fit_steps=2, progress=False, **KEYS)
    assert mix.synthetic.class_names == NAMES
    assert sorted(item["species"] for item in mix) == sorted(LABELS)


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({}, ArgumentTypeError, "items of real must have the key 'image', got the keys img, species; .* in image_key"),
        ({"image_key": "img"}, DataError, "items of real have no label"),
        ({"image_key": "img", "label_key": "name"}, ArgumentTypeError, "must have the key 'name'.* in label_key"),
        ({"image_key": 3}, ArgumentTypeError, "image_key must be a text"),
        ({"image_key": "label"}, ArgumentError, "must differ, got 'label' for both"),
    ],
)
def test_keys_that_are_wrong_are_named(keys: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        SyntheticMixDataset(Columns(), Pictures(LABELS), ratio=0.5, **keys)
    with pytest.raises(ArgumentTypeError, match="image_key and label_key are for items that are dicts"):
        SyntheticMixDataset(Pictures(LABELS), Pictures(LABELS), ratio=0.5, **KEYS)


# Labels from columns and parts --------------------------------------------------------------------------------


def test_labels_come_from_the_column_without_an_image() -> None:
    real, synthetic = Columns(), Columns(seed=1)
    SyntheticMixDataset(real, synthetic, ratio=0.5, **KEYS)
    assert real.decoded == [0]  # for the form of the items
    assert set(synthetic.decoded) == {0}


def test_columns_inside_subsets_and_concatenations_are_read() -> None:
    one, two = Columns(), Columns([2, 2, 1], seed=1)
    both: Any = ConcatDataset([one, two])
    part = random_split(both, [8, 7], torch.Generator().manual_seed(0))[0]
    mix = SyntheticMixDataset(part, Pictures(LABELS), ratio={0: 1.0}, **KEYS)
    first = part.indices[0]
    assert one.decoded + [12 + number for number in two.decoded] == [first]
    real = [item["species"] for item in part]
    assert mix.assignment().num_synthetic == real.count(0)


def test_a_column_under_a_function_of_the_user_is_compared_with_items() -> None:
    def turned(item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "species": 2 - item["species"]}

    honest, changed = Columns(transform=dict), Columns(transform=turned)
    for data, expected in ((honest, LABELS), (changed, 2 - LABELS)):
        mix = SyntheticMixDataset(data, Pictures([0, 1, 2]), ratio=1, **KEYS)
        assert [item["species"] for item in mix] == expected.tolist()


@pytest.mark.parametrize("labels", [[0, None, 1], [[0, 1]] * 3])
def test_a_column_that_holds_no_classes_is_refused_before_images_are_read(labels: Any) -> None:
    real = Columns(labels)
    with pytest.raises(DataError, match="real: a class must be an integer"):
        SyntheticMixDataset(real, Pictures(LABELS), ratio=0.5, **KEYS)
    assert real.decoded == [0]


class Silent(Pictures):
    """States no labels, and counts what is read."""

    def __init__(self, labels: Any) -> None:
        super().__init__(labels)
        self.given, self.labels = self.labels, None  # type: ignore[assignment]
        self.reads = 0

    def __len__(self) -> int:
        return len(self.given)

    def __getitem__(self, index: int) -> Any:
        self.reads += 1
        return np.zeros((6, 5, 3), np.uint8), int(self.given[index])


class Stating(Silent):
    """States labels, and counts what is read."""

    def __init__(self, labels: Any) -> None:
        super().__init__(labels)
        self.targets = list(labels)


def test_only_the_parts_that_state_nothing_are_read() -> None:
    stating, silent = Stating(LABELS.tolist() * 50), Silent(LABELS)
    data: Any = ConcatDataset([stating, Subset(silent, [0, 1, 5])])  # type: ignore[list-item, arg-type]
    assert class_labels(data, "real").tolist() == [*LABELS.tolist() * 50, 0, 1, 2]
    assert silent.reads == 3
    assert stating.reads < 20


def test_parts_must_agree_on_the_names_of_classes() -> None:
    one, two = Pictures(LABELS), Pictures(LABELS)
    one.classes, two.classes = list(NAMES), list(NAMES[::-1])  # type: ignore[attr-defined]
    both: Any = ConcatDataset([one, two])  # type: ignore[list-item]
    for pairing in ("class", "free"):
        with pytest.raises(DataError, match="label 0 is 'cat' in part 1 and 'ant' in part 0"):
            SyntheticMixDataset(both, Pictures(LABELS), ratio=0.5, pairing=pairing)
    both.class_names = NAMES
    assert len(SyntheticMixDataset(both, Pictures(LABELS), ratio=0.5)) == 24


def test_names_of_a_column_are_compared_with_those_of_the_synthetic_side() -> None:
    generator = toy_generator(classes=3)
    generator.describe((3, 6, 5), 3, NAMES[::-1])
    with pytest.raises(DataError, match="label 0 is 'ant' in real and 'cat' in synthetic"):
        SyntheticMixDataset(Columns(), generator, ratio=0.5, **KEYS)
    made = Columns()
    made.features["species"].names = ["ant", "bug"]  # type: ignore[union-attr]
    with pytest.raises(DataError, match="label 1 is 'bee' in real and 'bug' in synthetic"):
        SyntheticMixDataset(Columns(), made, ratio=0.5, **KEYS)


@pytest.mark.parametrize("text", ["ant", "bee"])
def test_advice_on_labels_that_are_no_integers(text: str) -> None:
    data = [(image, text) for image, _ in Pictures(LABELS)]
    with pytest.raises(DataError, match=r"the position of the text in sorted\(set\(texts\)\)"):
        SyntheticMixDataset(data, data, ratio=0.5)
    vectors = [(image, torch.eye(2)[0]) for image, _ in Pictures(LABELS)]
    with pytest.raises(DataError, match="of a one-hot vector, the position of the 1"):
        SyntheticMixDataset(vectors, vectors, ratio=0.5)


@pytest.mark.parametrize("progress", [True, False])
def test_the_bar_of_reading_labels_can_be_silenced(progress: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[bool] = []
    from augsynth import progress as bars

    def bar(text: str, total: int, enabled: bool = True) -> Any:
        shown.append(enabled)
        return bars.progress_bar(text, total, enabled=False)

    monkeypatch.setattr("augsynth.data.mixing.rule.labels.progress_bar", bar)
    many: Any = Silent(np.arange(2000) % 3)
    SyntheticMixDataset(many, many, ratio=0.5, progress=progress)
    assert shown == [progress, progress]


def test_no_bar_of_a_generator_is_shown_without_progress(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("augsynth.data.mixing.synthetic.create_generator", {"means": ClassMean()}.__getitem__)
    SyntheticMixDataset(Pictures(LABELS), "means", ratio=0.5, fit_steps=2, progress=False)
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""
