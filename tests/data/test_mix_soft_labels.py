"""Soft labels of varied images, and the meaning of each form of labels under each pairing."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures
from torch.utils.data import DataLoader

from augsynth import transforms as T
from augsynth.data import SoftLabels, SyntheticMixDataset, collate
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, DataError

COUNT, CLASSES = 12, 4
SOURCES = np.arange(COUNT) % 3
MOVED = np.repeat((SOURCES + 1) % 3, 2)  # two variants of each real item, moved to the next class
IMAGE = np.zeros((6, 5, 3), np.uint8)


def one_hot(labels: Any, classes: int = 3) -> np.ndarray[Any, Any]:
    return np.eye(classes)[np.asarray(labels)]


def expected(mix: SyntheticMixDataset, strength: Any, gamma: float, position: int) -> Any:
    """The formula of the paper, for one position."""
    source = mix.source(position)
    if not source.synthetic:
        return one_hot(SOURCES[source.item])
    s = np.broadcast_to(strength, 2 * COUNT)[source.item]
    return (1 - s**gamma) * one_hot(SOURCES[source.item // 2]) + s**gamma * one_hot(MOVED[source.item])


def varied(soft: SoftLabels, real: Any = None, synthetic: Any = None, **options: Any) -> SyntheticMixDataset:
    real = Pictures(SOURCES) if real is None else real
    synthetic = Pictures(MOVED, seed=1) if synthetic is None else synthetic
    options = {"ratio": 0.5, "pairing": "index", "soft_labels": soft, **options}
    return SyntheticMixDataset(real, synthetic, **options)


@pytest.mark.parametrize("transform", [None, T.RandomHorizontalFlip(), np.copy])
@pytest.mark.parametrize("strength", [0.0, 0.3, 1, np.linspace(0, 1, 2 * COUNT), [0.5] * 2 * COUNT])
def test_the_label_lies_between_source_and_target(strength: Any, transform: Any) -> None:
    mix = varied(SoftLabels(strength, gamma=0.6), transform=transform)
    for position in range(COUNT):
        label = mix[position][1]
        assert (label.dtype, label.shape) == (torch.float32, (3,))
        assert np.allclose(label, expected(mix, strength, 0.6, position))
    batch = next(iter(DataLoader(mix, COUNT, collate_fn=collate)))[1]
    assert np.allclose(batch, [expected(mix, strength, 0.6, position) for position in range(COUNT)])


def test_gamma_is_0_7_by_default() -> None:
    mix = varied(SoftLabels(0.5), ratio=1)
    assert sorted(mix[0][1].tolist()) == pytest.approx([0.0, 1 - 0.5**0.7, 0.5**0.7])


def test_vectors_are_blended_too() -> None:
    def items(labels: Any) -> list[Any]:
        return [(IMAGE, vector) for vector in one_hot(labels)]

    mix = varied(SoftLabels(0.3, gamma=0.6), items(SOURCES), items(MOVED))
    for position in range(COUNT):
        assert np.allclose(mix[position][1], expected(mix, 0.3, 0.6, position))


def test_several_labels_of_an_image_are_blended_too() -> None:
    real = [(IMAGE, torch.tensor([1, 1, 0]))] * 4
    made = [(IMAGE, torch.tensor([0, 1, 1]))] * 4
    assert varied(SoftLabels(0.25, gamma=1), real, made, ratio=1)[0][1].tolist() == [0.75, 1.0, 0.25]


def test_labels_of_an_unlabelled_pool_are_those_of_the_source() -> None:
    mix = varied(SoftLabels(0.5), [{"image": IMAGE, "label": label} for label in SOURCES], [{"image": IMAGE}] * COUNT)
    assert [item["label"].argmax().item() for item in mix] == SOURCES.tolist()
    assert torch.stack([item["label"] for item in mix]).max(1).values.tolist() == [1.0] * COUNT


def test_keys_of_dicts_and_boxes_beside_them() -> None:
    boxes = np.array([[0.0, 0.0, 2.0, 3.0]] * 3)
    real = [{"img": IMAGE, "kind": label, "boxes": boxes} for label in SOURCES]
    made = [{"img": IMAGE, "kind": label, "boxes": boxes} for label in MOVED]
    keys: Any = {"image_key": "img", "label_key": "kind", "transform": T.RandomHorizontalFlip(p=1.0)}
    mix = varied(SoftLabels(0.3, gamma=0.6), real, made, **keys)
    item = mix[0]
    assert list(item) == ["img", "kind", "boxes"]
    assert item["boxes"][0].tolist() == [3.0, 0.0, 5.0, 3.0]
    assert np.allclose(item["kind"], expected(mix, 0.3, 0.6, 0))
    with_vectors = [{**item, "kind": one_hot(item["kind"])} for item in real]
    again = varied(SoftLabels(0.3), with_vectors, [{**item, "kind": one_hot(item["kind"])} for item in made], **keys)
    assert np.allclose(again[0]["kind"], expected(again, 0.3, 0.7, 0))


def test_sources_of_several_strengths() -> None:
    pools = {"strong": Pictures(MOVED, seed=1), "weak": Pictures(MOVED, seed=2)}
    strengths = {"strong": 0.9, "weak": 0.1}
    ratio = {"strong": 0.5, "weak": 0.5}
    mix = SyntheticMixDataset(
        Pictures(SOURCES), pools, ratio=ratio, pairing="index", soft_labels=SoftLabels(strengths, gamma=1.0)
    )
    for position in range(COUNT):
        assert mix[position][1].max().item() == pytest.approx(0.9)
        source = mix.source(position)
        assert mix[position][1].argmax() == (MOVED[source.item] if source.name == "strong" else SOURCES[position])
    with pytest.raises(ArgumentError, match="no entry for the source 'weak', only for strong"):
        SyntheticMixDataset(
            Pictures(SOURCES), pools, ratio=ratio, pairing="index", soft_labels=SoftLabels({"strong": 0.9})
        )


def test_a_longer_vector_may_be_wanted_and_real_items_alone_get_one_too() -> None:
    assert varied(SoftLabels(0.5, num_classes=7))[0][1].shape == (7,)
    mix = varied(SoftLabels(0.5), ratio=0)
    assert [item[1].argmax().item() for item in mix] == SOURCES.tolist()


def test_it_pickles_and_weights_go_beside_it() -> None:
    mix = varied(SoftLabels(0.5), return_weight=True, synthetic_weight=0.5, return_source=True)
    again = pickle.loads(pickle.dumps(mix))
    assert all(torch.equal(one[1], other[1]) for one, other in zip(mix, again, strict=True))
    assert [len(item) for item in again] == [4] * COUNT


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: varied(SoftLabels(0.5), pairing="class"), ArgumentError, "needs pairing='index'"),
        (lambda: varied(SoftLabels(0.5), pairing="free"), ArgumentError, "needs pairing='index'"),
        (lambda: varied(0.5), ArgumentTypeError, "soft_labels must be augsynth.data.SoftLabels, got 0.5"),  # type: ignore[arg-type]
        (lambda: SoftLabels(1.5), ArgumentError, r"strength of soft_labels must be in \[0, 1\], got 1.5"),
        (lambda: SoftLabels([0.5, float("nan")]), ArgumentError, r"must be in \[0, 1\], got nan"),
        (lambda: SoftLabels("weak"), ArgumentTypeError, "must be a number"),  # type: ignore[arg-type]
        (lambda: SoftLabels(0.5, gamma=0), ArgumentError, "gamma must be above 0"),
        (lambda: SoftLabels(0.5, gamma=-1), ArgumentError, "gamma must be"),
        (lambda: SoftLabels(0.5, num_classes=0), ArgumentError, "num_classes must be"),
        (lambda: varied(SoftLabels([0.5] * 5)), ArgumentError, "has 5 numbers, and the synthetic side has 24 items"),
        (lambda: varied(SoftLabels(0.5), [(IMAGE, "ant")] * 4, [(IMAGE, "bee")] * 4), DataError, "must be an integer"),
        (lambda: varied(SoftLabels(0.5, num_classes=2)), DataError, "the label 2 has no place in a vector of 2"),
    ],
)
def test_soft_labels_that_mean_nothing_are_refused(make: Any, error: type[AugsynthError], message: str) -> None:
    with pytest.raises(error, match=message):
        list(make())


def test_a_label_without_a_place_names_its_item() -> None:
    real = [(IMAGE, 0), (IMAGE, 1), (IMAGE, -1)]
    with pytest.raises(DataError, match=r"the label -1 has no place.*position 2 of epoch 0, real item 2"):
        list(varied(SoftLabels(0.5, num_classes=2), real, real, ratio=0))


def test_labels_are_read_without_images_where_they_are_stated() -> None:
    class Counting(Pictures):
        reads = 0

        def __getitem__(self, index: int) -> Any:
            self.reads += 1
            return super().__getitem__(index)

    real = Counting(np.arange(600) % 3)
    mix = varied(SoftLabels(0.5), real, Pictures(np.arange(600) % 3, seed=1), ratio=1)
    built = real.reads
    assert built < 30
    list(mix)
    assert real.reads == built


# Each form of labels under each pairing ------------------------------------------------------------------------

FORMS: dict[str, tuple[Any, dict[str, str | None]]] = {
    "ints": (lambda k: k % 2, {"class": None, "index": None, "free": None}),
    "text": (lambda k: "ab"[k % 2], {"class": "the position of the text", "index": None, "free": None}),
    "one-hot": (lambda k: np.eye(2)[k % 2], {"class": "the position of the 1", "index": None, "free": None}),
    "several": (lambda k: torch.ones(3), {"class": "vectors of several classes", "index": None, "free": None}),
    "soft": (lambda k: torch.tensor([0.4, 0.6]), {"class": "have no integer", "index": None, "free": None}),
}


@pytest.mark.parametrize("pairing", ["class", "index", "free"])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_labels_has_a_meaning_or_a_refusal(form: str, pairing: Any) -> None:
    make, refusals = FORMS[form]
    data = [(IMAGE, make(number)) for number in range(8)]
    if refusals[pairing] is not None:
        with pytest.raises(DataError, match=refusals[pairing]):
            SyntheticMixDataset(data, data, ratio=0.5, pairing=pairing)
        return
    mix = SyntheticMixDataset(data, data, ratio=0.5, pairing=pairing, transform=T.RandomHorizontalFlip())
    _, labels = collate(mix.__getitems__(range(8)))
    assert len(labels) == 8
