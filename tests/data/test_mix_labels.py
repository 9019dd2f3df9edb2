"""Labels of a mix: which forms go into one batch, and which classes a data set has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures, toy_generator
from torch.utils.data import ConcatDataset, DataLoader, Subset, default_collate

from augsynth import transforms as T
from augsynth.data import MixBatchSampler, SyntheticMixDataset, collate
from augsynth.data.mixing.rule.labels import class_labels
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, DataError

IMAGE = np.zeros((4, 4, 1), np.uint8)
COUNT = 8

FORMS: dict[str, Callable[[int], Any]] = {
    "int": lambda k: k,
    "numpy integer": np.int64,
    "0-d tensor": torch.tensor,
    "0-d array": np.array,
    "tensor of one": lambda k: torch.tensor([k]),
    "float": float,
    "one-hot of floats": lambda k: torch.eye(2)[k],
    "one-hot of integers": lambda k: torch.eye(2, dtype=torch.int64)[k],
    "one-hot array": lambda k: np.eye(2)[k],
    "soft": lambda k: torch.tensor([0.9, 0.1] if k else [0.1, 0.9]),
    "one-hot of three": lambda k: torch.eye(3)[k],
    "matrix": lambda k: torch.eye(2)[k][None],
    "list": lambda k: [k, 1 - k],
    "list of three": lambda k: [k, 1 - k, 0],
    "text": lambda k: "ab"[k],
    "none": lambda k: None,
}
NUMBERS = ("int", "numpy integer", "0-d tensor", "0-d array", "tensor of one", "float")
VECTORS = ("one-hot of floats", "one-hot of integers", "one-hot array", "soft")


def items(form: str) -> list[tuple[Any, Any]]:
    return [(IMAGE, FORMS[form](number % 2)) for number in range(COUNT)]


def joined(real: str, synthetic: str) -> bool:
    """Return whether a batch can hold both forms; the soft labels of this file are no integers."""
    if real in NUMBERS:
        return synthetic in NUMBERS
    if real in VECTORS:
        return synthetic in VECTORS and (real != "one-hot of integers" or synthetic != "soft")
    return real == synthetic


@pytest.mark.parametrize("real", FORMS)
@pytest.mark.parametrize("synthetic", FORMS)
def test_forms_that_no_batch_holds_are_refused_when_the_mix_is_built(real: str, synthetic: str) -> None:
    if not joined(real, synthetic):
        with pytest.raises(DataError, match="label"):
            SyntheticMixDataset(items(real), items(synthetic), ratio=0.5, pairing="free")
        return
    mix = SyntheticMixDataset(items(real), items(synthetic), ratio=0.5, pairing="free")
    if real != "none":  # which no default collate function takes
        expected = default_collate([label for _, label in items(real)])
        batch = default_collate([mix[number] for number in range(COUNT)])[1]
        assert type(batch) is type(expected) or real == "text"
        if isinstance(expected, torch.Tensor):
            assert (batch.dtype, batch.shape) == (expected.dtype, expected.shape)


@pytest.mark.parametrize("transform", [None, T.RandomHorizontalFlip()])
@pytest.mark.parametrize("form", VECTORS)
def test_vectors_train_with_free_pairing(form: str, transform: Any) -> None:
    mix = SyntheticMixDataset(items(form), items(form), ratio=0.5, pairing="free", transform=transform)
    (_, labels) = next(iter(DataLoader(mix, COUNT, collate_fn=collate)))
    assert labels.shape == (COUNT, 2)
    with pytest.raises(DataError, match="use pairing='free' with one ratio for all, or give integer labels"):
        SyntheticMixDataset(items(form), items(form), ratio=0.5)


@pytest.mark.parametrize(
    ("real", "synthetic"),
    [
        (torch.zeros(3), torch.zeros(4)),
        (torch.zeros(3), torch.zeros(3, dtype=torch.float64)),
        (torch.zeros(3), np.zeros(3, np.float32)),
        (torch.tensor(1), torch.tensor([1])),
        ("a", 1),
        (None, 1),
        ([1, 2], torch.tensor([1, 2])),
        ([1, 2], [1, 2, 3]),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": "x"}),
    ],
)
def test_other_fields_must_go_together_too(real: Any, synthetic: Any) -> None:
    def data(value: Any) -> list[Any]:
        return [{"image": IMAGE, "label": 0, "extra": value}] * 4

    for one, other in ((real, synthetic), (synthetic, real)):
        with pytest.raises(DataError, match="the extra of a real item and of a synthetic one cannot be joined"):
            SyntheticMixDataset(data(one), data(other), ratio=0.5)
        SyntheticMixDataset(data(one), data(one), ratio=0.5)


def test_boxes_of_different_numbers_are_no_matter_of_joining() -> None:
    def data(count: int) -> list[Any]:
        return [{"image": IMAGE, "boxes": torch.ones(count, 4), "labels": torch.zeros(count, dtype=torch.int64)}] * 4

    mix = SyntheticMixDataset(data(2), data(3), ratio=0.5, pairing="free", transform=T.RandomHorizontalFlip())
    assert len(collate(mix.__getitems__(range(4)))["boxes"]) == 4


class Stated(Pictures):
    """States `targets`, and gives items by a function of them."""

    def __init__(self, targets: Any, given: Callable[[int], int] = int, target_transform: Any = None) -> None:
        super().__init__([given(int(one)) for one in targets])
        self.given, self.labels = self.labels, None  # type: ignore[assignment]
        self.targets = targets
        self.target_transform = target_transform
        self.reads = 0

    def __len__(self) -> int:
        return len(self.given)

    def __getitem__(self, index: int) -> Any:
        self.reads += 1
        return IMAGE, int(self.given[index])


def classes_of(data: Any) -> list[int]:
    return class_labels(data, "real").tolist()


def test_targets_that_items_contradict_in_one_class_are_not_believed() -> None:
    targets = np.repeat(np.arange(10), 100)
    data = Stated(targets.tolist(), lambda label: 5 if label == 3 else label)
    assert classes_of(data) == np.where(targets == 3, 5, targets).tolist()
    assert Stated(targets.tolist()).reads == 0
    honest = Stated(targets)
    assert classes_of(honest) == targets.tolist()
    assert honest.reads < 30


def test_one_class_of_thousands() -> None:
    """With a target_transform every item is read; without one, a part of the classes is tried."""
    targets = np.arange(3000)
    changed = Stated(targets, lambda label: 7 if label == 1234 else label, target_transform=abs)
    assert classes_of(changed)[1234] == 7
    assert classes_of(Subset(changed, range(2000)))[1234] == 7
    plain = Stated(targets)
    assert classes_of(plain) == targets.tolist()
    assert plain.reads < 300


@pytest.mark.parametrize(
    "targets",
    [
        [0, 1] * 4,
        (0, 1) * 4,
        np.array([0, 1] * 4, np.uint8),
        torch.tensor([0, 1] * 4),
        [torch.tensor(0), torch.tensor(1)] * 4,
        [np.int64(0), np.int64(1)] * 4,
        np.array([0, 1] * 4, np.uint64),
    ],
)
def test_attributes_of_many_forms_are_read(targets: Any) -> None:
    assert classes_of(Stated(targets)) == [0, 1] * 4


@pytest.mark.parametrize("stated", [["0", "1"] * 4, [0, 1], np.zeros((8, 2), int), [[0], [1, 2]], None, "01010101"])
def test_attributes_that_say_nothing_are_passed_over(stated: Any) -> None:
    data = Stated([0, 1] * 4)
    data.targets = stated
    assert classes_of(data) == [0, 1] * 4


def test_subsets_and_concatenations_are_looked_into() -> None:
    one, two = Stated([5, 6, 7, 8]), Stated([1, 2])
    data: Any = ConcatDataset([Subset(Subset(one, [3, 1, 0]), [2, 0]), two])
    assert classes_of(data) == [5, 8, 1, 2]
    many: Any = ConcatDataset([Stated(np.arange(100) % 3)] * 2)
    assert classes_of(many) == [*(np.arange(100) % 3)] * 2
    assert many.datasets[0].reads < 30
    mixed: Any = ConcatDataset([one, Pictures([4])])
    assert classes_of(mixed) == [5, 6, 7, 8, 4]


def test_classes_of_any_64_bits_need_no_memory_of_their_size() -> None:
    extremes = [-(2**63), 2**63 - 1, 0, -7]
    data = [(IMAGE, extremes[number % 4]) for number in range(12)]
    mix = SyntheticMixDataset(data, data, ratio={extremes[0]: 1.0, extremes[1]: 0.34})
    assert sorted(mix[position][1] for position in range(12)) == sorted(label for _, label in data)
    assert mix.assignment().num_synthetic == 4


@pytest.mark.parametrize("label", [2**63, -(2**63) - 1, np.uint64(2**64 - 1)])
def test_classes_beyond_are_refused(label: Any) -> None:
    data = [(IMAGE, label)] * 4
    with pytest.raises(DataError, match="must be a signed 64-bit integer"):
        SyntheticMixDataset(data, data, ratio=0.5)
    stated = Stated([0] * 4)
    stated.targets = np.full(4, 2**63 + 1, np.uint64)
    assert classes_of(stated) == [0] * 4


@pytest.mark.parametrize("number", [np.float32, np.float64, torch.tensor, np.array], ids=lambda kind: kind.__name__)
def test_ratios_of_numpy_and_torch(number: Any) -> None:
    def mix(ratio: Any) -> SyntheticMixDataset:
        return SyntheticMixDataset(Pictures([0, 1] * 8), Pictures([0, 1]), ratio=ratio)

    assert mix(number(0.25)).state_dict() == mix(0.25).state_dict()
    for key in (1, np.int64(1), np.array(1).item(), torch.tensor(1)):
        assert mix({key: number(0.25)}).state_dict() == mix({1: 0.25}).state_dict()
    assert mix(lambda epoch: number(0.25)).assignment().num_synthetic == 4


class Listed(list[Any]):
    """Items with their labels in an attribute."""

    targets: list[int]


def test_labels_in_a_list_are_read_as_those_of_an_array() -> None:
    for largest in (2**63 - 1, 2**63):
        data = Listed((IMAGE, label) for label in (0, -1, largest))
        data.targets = [label for _, label in data]
        if largest < 2**63:
            assert class_labels(data, "real").tolist() == data.targets
        else:
            with pytest.raises(DataError, match="a class must be a signed 64-bit integer"):
                class_labels(data, "real")


@pytest.mark.parametrize("strange", [-1, 1.0, True, np.int64(2), torch.tensor(2), "2", 300, 2**40])
@pytest.mark.parametrize("place", [0, 150_000])
def test_one_label_in_a_long_list_is_unlike_the_others(strange: Any, place: int) -> None:
    data = Listed((IMAGE, number % 3) for number in range(200_000))
    data[place] = (IMAGE, strange)
    data.targets = [label for _, label in data]
    if isinstance(strange, (float, str)):
        with pytest.raises(DataError, match="a class must be an integer"):
            class_labels(data, "real", progress=False)
    elif strange is not True:  # of flags, those are found that are looked at
        assert class_labels(data, "real").tolist() == list(map(int, data.targets))


def test_labels_in_a_list_take_the_memory_that_they_need() -> None:
    data = Listed((IMAGE, number % 300) for number in range(900))
    data.targets = [label for _, label in data]
    assert class_labels(data, "real").dtype == np.uint16
    del data[300:]
    data.targets = [label % 256 for _, label in data]
    data[:] = [(IMAGE, label) for label in data.targets]
    assert class_labels(data, "real").dtype == np.uint8


def test_a_float32_ratio_is_as_exact_as_its_value() -> None:
    """A computation in float32 would round half of 2**25 + 3 items to a multiple of 2."""
    from augsynth.data.mixing.rule.quota import quota
    from augsynth.data.mixing.rule.ratio import check_ratio

    ratio = check_ratio(np.float32(0.5), "ratio", below_one=False)
    assert quota(ratio, 2**25 + 2, "replace") == 2**24 + 1


def raising(epoch: int) -> float:
    raise ZeroDivisionError("no such epoch")


@pytest.mark.parametrize(
    ("ratio", "error", "message"),
    [
        (lambda epoch: float("nan"), ArgumentError, r"ratio\(0\) must be in \[0, 1\].*nan"),
        (lambda epoch: None, ArgumentTypeError, r"ratio\(0\) must be a number"),
        (lambda epoch: np.float32(1.5), ArgumentError, r"ratio\(0\) must be in"),
        (lambda epoch: {0: float("nan")}, ArgumentError, r"ratio\(0\) of class 0"),
        (float("nan"), ArgumentError, "ratio must be in"),
        (np.bool_(True), ArgumentTypeError, "ratio must be a number"),
        (np.array([0.5]), ArgumentTypeError, "ratio must be a number"),
        (10**400, ArgumentError, "ratio must be in"),
        (raising, ZeroDivisionError, r"no such epoch \(the ratio at epoch 0\)"),
    ],
)
def test_ratios_that_are_none_are_refused(ratio: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SyntheticMixDataset(Pictures([0, 1]), Pictures([0, 1]), ratio=ratio)


@pytest.mark.parametrize("whole", [np.int64, np.array, torch.tensor], ids=lambda kind: kind.__name__)
def test_whole_numbers_of_numpy_and_torch(whole: Any) -> None:
    mix = SyntheticMixDataset(Pictures([0, 1] * 8), Pictures([0, 1]), ratio=0.5, seed=whole(3))
    assert mix.seed == 3
    mix.set_epoch(whole(2))
    assert mix.epoch == 2
    sampler = MixBatchSampler(mix, whole(4), num_replicas=whole(2), rank=whole(1))
    assert [len(batch) for batch in sampler] == [4, 4]
    for wrong in ({"batch_size": 4.0}, {"batch_size": 4, "num_replicas": "2"}, {"batch_size": True}):
        with pytest.raises(ArgumentError, match="must be an integer"):
            MixBatchSampler(mix, **wrong)


@pytest.mark.parametrize("options", [{"pool_size": 0}, {"pool_size": 2.0}, {"fit_steps": 0}, {"fit_steps": "9"}])
def test_sizes_that_are_none_are_refused_before_a_generator_is_fitted(options: dict[str, Any]) -> None:
    with pytest.raises(AugsynthError, match=f"{next(iter(options))} must be"):
        SyntheticMixDataset(Pictures([0, 1]), "no-such-generator", ratio=0.5, **options)


class Named(Pictures):
    """Pictures whose classes have names, in the attribute that libraries use."""

    def __init__(self, names: list[str] | None, attribute: str = "class_names") -> None:
        super().__init__([0, 1] * 4)
        setattr(self, attribute, names)


@pytest.mark.parametrize("pairing", ["class", "free", "index"])
@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["dog", "cat"], "are the same in another order: label 0 is 'cat' in real and 'dog' in synthetic"),
        (["cat", "cow"], "differ: label 1 is 'dog' in real and 'cow' in synthetic"),
    ],
)
def test_a_label_that_means_two_names_is_refused(names: list[str], words: str, pairing: str) -> None:
    real, synthetic = Named(["cat", "dog"], "classes"), Named(names)
    with pytest.raises(DataError, match=words):
        SyntheticMixDataset(Subset(real, range(4)), synthetic, ratio=0.5, pairing=pairing)


@pytest.mark.parametrize("names", [["cat", "dog"], ["cat", "dog", "cow"], ["cat"], None])
def test_names_are_compared_where_both_sides_have_them(names: list[str] | None) -> None:
    assert len(SyntheticMixDataset(Named(["cat", "dog"]), Named(names), ratio=0.5)) == 8
    assert len(SyntheticMixDataset(Named(None), Named(names), ratio=0.5)) == 8


def test_class_names_of_a_generator_are_compared_before_it_fills_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = toy_generator(classes=2)
    generator.describe((3, 6, 5), 2, ("dog", "cat"))
    monkeypatch.setattr(generator, "sample", None)
    with pytest.raises(DataError, match="in another order"):
        SyntheticMixDataset(Named(["cat", "dog"]), generator, ratio=0.5)
    assert len(SyntheticMixDataset(Named(["cat", "dog"]), generator, ratio=0)) == 8
