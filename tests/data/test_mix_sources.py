"""Several synthetic sources, and auxiliary classes: exact shares, names, joint labels, and refusals."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mixing_toys import Pictures, toy_generator
from torch.utils.data import DataLoader

from augsynth.data import LabelSpace, MixBatchSampler, Source, SyntheticMixDataset, collate
from augsynth.data.mixing.rule.pairing import PAIRINGS
from augsynth.data.schedules import linear, steps, strengths
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError

REAL = [0] * 6 + [1] * 9 + [2] * 15


class Named(Pictures):
    """Pictures with names of classes."""

    def __init__(self, labels: Any, class_names: list[str], seed: int = 0) -> None:
        super().__init__(labels, seed)
        self.class_names = class_names


def epoch_of(mix: SyntheticMixDataset, epoch: int = 0) -> tuple[Any, Any]:
    """The number of the source, and of the item, at each position."""
    mix.set_epoch(epoch)
    return mix.assignment().sources(np.arange(len(mix)))


def toys(sizes: dict[str, list[int]]) -> dict[str, Pictures]:
    return {name: Pictures(labels, seed=7 + number) for number, (name, labels) in enumerate(sizes.items())}


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=60),
    st.lists(st.floats(0.01, 1), min_size=1, max_size=4),
    st.floats(0.05, 0.95),
    st.sampled_from(["replace", "extend"]),
    st.sampled_from(list(PAIRINGS)),
    st.integers(0, 3),
)
def test_each_source_has_its_exact_share(real, weights, ratio, mode, pairing, epoch) -> None:
    parts = [weight * ratio / sum(weights) for weight in weights]
    names = [f"s{number}" for number in range(len(parts))]
    sources = {name: Pictures(np.repeat(real, 1 + number), seed=number) for number, name in enumerate(names)}
    mix = SyntheticMixDataset(
        Pictures(real), sources, ratio=dict(zip(names, parts, strict=True)), mode=mode, pairing=pairing
    )
    numbers, items = epoch_of(mix, epoch)
    counts = np.bincount(numbers, minlength=len(parts) + 1)
    if len(parts) == 1:
        assert counts[1] == round(parts[0] * len(mix))
    assert abs(counts[1:].sum() - sum(parts) * len(mix)) <= 0.5 + 1e-6
    for own, part in zip(counts[1:], parts, strict=True):
        assert abs(own - part * len(mix)) < 1.5
    _, slots = mix.assignment().slots(np.arange(len(mix)))
    for number, name in enumerate(names):
        mine = items[numbers == number + 1]
        groups = {"free": [0] * len(mine), "class": np.repeat(real, 1 + number)[mine], "index": mine // (1 + number)}
        for group in set(np.asarray(groups[pairing]).tolist()):
            used = Counter(mine[np.asarray(groups[pairing]) == group].tolist())
            size = {"free": len(sources[name]), "class": real.count(group) * (1 + number), "index": 1 + number}[pairing]
            uses = [*used.values(), *[0] * (size - len(used))]
            assert max(uses) - min(uses) <= 1
    if pairing == "class":
        labels = np.concatenate([np.repeat(real, 1 + k)[items[numbers == k + 1]] for k in range(len(parts))])
        partners = np.array(real)[slots.partner]
        assert Counter(labels.tolist()) == Counter(partners.tolist())


def test_the_order_of_names_in_ratio_does_not_matter_and_sources_tell_their_name() -> None:
    sources = toys({"a": REAL, "b": [0, 1, 2]})
    mix = SyntheticMixDataset(Pictures(REAL), sources, ratio={"b": 0.2, "a": 0.5}, return_source=True)
    numbers, items = epoch_of(mix)
    assert np.bincount(numbers).tolist() == [9, 15, 6]
    names = ["real", "a", "b"]
    for position in range(len(mix)):
        image, label, source = mix[position]
        assert source == mix.source(position) == (numbers[position] > 0, items[position], names[numbers[position]])
        expected = [Pictures(REAL), *sources.values()][numbers[position]][items[position]]
        np.testing.assert_array_equal(image, expected[0])
        assert label == expected[1]
    mix.set_epoch(0)
    batch = next(iter(DataLoader(mix, len(mix), collate_fn=collate)))
    assert list(batch[2].name) == [names[number] for number in numbers]
    assert set(mix.synthetic) == {"a", "b"}


def test_a_single_source_keeps_pairs_with_a_name() -> None:
    mix = SyntheticMixDataset(Pictures(REAL), Pictures(REAL), ratio=0.5)
    found = [mix.source(position) for position in range(len(mix))]
    assert all(isinstance(source, Source) and len(source) == 2 for source in found)
    assert {source.name for source in found} == {"real", "synthetic"}
    assert all((source.name == "synthetic") == source.synthetic for source in found)


def test_sources_draw_independently() -> None:
    """Two copies of one pool, of which an epoch uses a part: equal draws would use the same items."""
    copies = {"a": Pictures([0] * 200), "b": Pictures([0] * 200)}
    mix = SyntheticMixDataset(Pictures([0] * 100), copies, ratio={"a": 0.5, "b": 0.5}, pairing="free")
    numbers, items = epoch_of(mix)
    assert items[numbers == 1].tolist() != items[numbers == 2].tolist()
    assert set(items[numbers == 1].tolist()) != set(items[numbers == 2].tolist())


def test_ratios_by_class_and_schedules_for_each_source() -> None:
    sources = toys({"a": REAL, "b": REAL})
    mix = SyntheticMixDataset(Pictures(REAL), sources, ratio={"a": {0: 0.5, 2: linear(1, 0, 6)}, "b": 0.0})
    assert mix.synthetic is not None
    for epoch, expected in ((0, {0: 3, 2: 15}), (1, {0: 3, 2: 12}), (5, {0: 3})):
        numbers, items = epoch_of(mix, epoch)
        assert Counter(np.array(REAL)[items[numbers > 0]].tolist()) == expected
    mix = SyntheticMixDataset(Pictures(REAL), sources, ratio={"a": {0: 0.5}, "b": steps({0: 0, 1: 1 / 3})})
    numbers, items = epoch_of(mix, 1)
    assert Counter(np.array(REAL)[items[numbers == 1]].tolist()) == {0: 3}
    assert Counter(np.array(REAL)[items[numbers == 2]].tolist()) == {0: 2, 1: 3, 2: 5}


def test_strengths_fall_from_epoch_to_epoch() -> None:
    strength = {"strong": 0.8, "middle": 0.5, "weak": 0.2}
    pools = {name: Pictures(np.repeat(REAL, 2), seed=number) for number, name in enumerate(strength)}
    ratio = strengths(strength, at=linear(0.8, 0.2, epochs=7), ratio=0.5)
    mix = SyntheticMixDataset(Pictures(REAL), pools, ratio=ratio, pairing="index")
    means = []
    for epoch in range(9):
        numbers, items = epoch_of(mix, epoch)
        counts = np.bincount(numbers, minlength=4)[1:]
        assert counts.sum() == 15
        means.append(counts @ list(strength.values()) / 15)
        np.testing.assert_array_equal(items[numbers > 0] // 2, np.flatnonzero(numbers))
    assert means[0] == pytest.approx(0.8)
    assert means[-1] == means[-2] == pytest.approx(0.2)
    assert all(later < earlier for earlier, later in pairwise(means[:7]))


OLD = [10, 11, 11, 12, 12, 12, 12, 12, 12, 12]


@pytest.mark.parametrize("mode", ["replace", "extend"])
@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_auxiliary_classes_have_equally_many_items(mode: Any, pairing: Any, epoch: int) -> None:
    sources = {"new": Pictures(REAL, seed=1), "old": Pictures(OLD, seed=2)}
    mix = SyntheticMixDataset(
        Pictures(REAL),
        sources,
        ratio={"new": 0.2, "old": 1 / 3},
        label_map={"old": {10: 3, 11: 4, 12: 5}},
        mode=mode,
        pairing=pairing,
    )
    numbers, items = epoch_of(mix, epoch)
    counts = np.bincount(numbers)
    assert counts.tolist() == ([14, 6, 10] if mode == "replace" else [30, 13, 21])
    labels = Counter(label for (_, label), number in zip(mix, numbers, strict=True) if number == 2)
    assert set(labels) == {3, 4, 5}
    assert max(labels.values()) - min(labels.values()) <= 1
    for label, size in ((10, 1), (11, 2), (12, 7)):
        used = Counter(item for item in items[numbers == 2].tolist() if OLD[item] == label)
        uses = [*used.values(), *[0] * (size - len(used))]
        assert max(uses) - min(uses) <= 1
    if mode == "replace" and pairing == "class":
        kept = np.array(REAL)[items[numbers == 0]]
        for label, size in Counter(REAL).items():
            assert abs((kept == label).sum() - size * 14 / 30) < 1


@pytest.mark.parametrize("epoch", range(6))
def test_a_lone_auxiliary_source_takes_as_many_places_of_each_class(epoch: int) -> None:
    real, old = Pictures([0, 1, 2, 3, 4] * 6), Pictures([5, 6, 7, 8, 9] * 6)
    mix = SyntheticMixDataset(real, old, ratio=0.5, label_map={label: label for label in range(5, 10)})
    mix.set_epoch(epoch)
    assert Counter(label for _, label in mix) == dict.fromkeys(range(10), 3)


def test_epochs_round_up_other_auxiliary_classes() -> None:
    mix = SyntheticMixDataset(Pictures([0] * 10), Pictures([1, 2, 3]), ratio=0.1, label_map={1: 1, 2: 2, 3: 3})
    seen = set()
    for epoch in range(30):
        numbers, items = epoch_of(mix, epoch)
        seen |= set(items[numbers == 1].tolist())
    assert seen == {0, 1, 2}


def test_labels_are_joined_by_the_names_of_classes() -> None:
    real = Named([0, 0, 1, 1], ["cat", "dog"])
    old = Named([0, 1, 1, 2], ["owl", "fox", "elk"], seed=1)
    older = Named([0, 1], ["fox", "cow"], seed=2)
    mix = SyntheticMixDataset(
        real,
        {"old": old, "older": older},
        ratio={"old": 0.5, "older": 0.25},
        mode="extend",
        label_map={"old": "names", "older": "names"},
    )
    space = mix.label_space
    assert space == LabelSpace((0, 1), (2, 3, 4, 5), ("cat", "dog", "owl", "fox", "elk", "cow"))
    assert space.num_classes == 6
    numbers, items = epoch_of(mix)
    for position, (number, item) in enumerate(zip(numbers, items, strict=True)):
        data = [real, old, older][number]
        name = data.class_names[int(data.labels[item])]
        assert space.class_names is not None
        assert space.class_names[mix[position][1]] == name


def test_names_mend_another_order_of_the_same_classes() -> None:
    real, pool = Named([0, 1, 1], ["cat", "dog"]), Named([0, 1], ["dog", "cat"], seed=1)
    with pytest.raises(DataError, match="same in another order"):
        SyntheticMixDataset(real, pool, ratio=1)
    mix = SyntheticMixDataset(real, pool, ratio=1, label_map="names")
    assert [label for _, label in mix] == [0, 1, 1]
    assert [mix.source(position).item for position in range(3)] == [1, 0, 0]
    assert mix.label_space == LabelSpace((0, 1), (), ("cat", "dog"))


def test_new_names_never_take_a_label_of_real() -> None:
    real = Named([0, 1, 7], ["cat", "dog"])
    mix = SyntheticMixDataset(real, Named([0], ["fox"]), ratio=0.5, label_map="names")
    assert mix.label_space == LabelSpace((0, 1, 7), (8,), None)


def test_labels_that_a_map_leaves_out_are_left_out() -> None:
    mix = SyntheticMixDataset(Pictures([0] * 12), Pictures(OLD), ratio=0.5, label_map={10: 7, 12: 1})
    numbers, items = epoch_of(mix)
    assert {OLD[item] for item in items[numbers == 1]} == {10, 12}
    assert mix.label_space == LabelSpace((0,), (1, 7), None)
    assert mix.label_space.num_classes == 8


def test_dicts_keep_their_other_fields_under_a_label_map() -> None:
    def dicts(labels: list[int]) -> list[dict[str, Any]]:
        return [{"img": np.full((4, 4, 3), k, np.uint8), "kind": k, "place": n} for n, k in enumerate(labels)]

    mix = SyntheticMixDataset(
        dicts([0, 0, 1, 1]), dicts([5, 6]), ratio=0.5, label_map={5: 2, 6: 3}, image_key="img", label_key="kind"
    )
    found = [item for position, item in enumerate(mix) if mix.source(position).synthetic]
    assert sorted((item["kind"], item["place"]) for item in found) == [(2, 0), (3, 1)]
    assert {int(item["img"][0, 0, 0]) for item in found} == {5, 6}


def test_a_generator_of_other_classes_fills_a_pool_with_equally_many() -> None:
    mix = SyntheticMixDataset(
        Pictures([0] * 9 + [1], shape=(6, 5, 3)), toy_generator(), ratio=0.5, label_map={0: 2, 1: 3, 3: 4}, pool_size=12
    )
    assert np.bincount(mix.synthetic.labels).tolist() == [4, 4, 0, 4]
    assert mix.label_space.auxiliary_classes == (2, 3, 4)


def test_restricting_scores_to_the_real_classes() -> None:
    space = LabelSpace((1, 3), (0, 2))
    scores = np.array([[9.0, 1.0, 9.0, 2.0], [9.0, 3.0, 9.0, 2.0]])
    assert space.restrict(scores).tolist() == [[1, 2], [3, 2]]
    assert space.predict(scores).tolist() == [3, 1]
    predicted = space.predict(torch.tensor(scores)[None])
    assert isinstance(predicted, torch.Tensor)
    assert predicted.tolist() == [[3, 1]]
    with pytest.raises(ArgumentError, match=r"shape \(…, 4\), one for each joint label, got \(2, 3\)"):
        space.restrict(scores[:, :3])


def test_the_label_space_without_a_map_is_that_of_real() -> None:
    mix = SyntheticMixDataset(Named(REAL, ["a", "b", "c"]), None, ratio=0)
    assert mix.label_space == LabelSpace((0, 1, 2), (), ("a", "b", "c"))


def test_batches_hold_the_ratio_of_all_sources() -> None:
    sources = {"new": Pictures(REAL, seed=1), "old": Pictures(OLD, seed=2)}
    mix = SyntheticMixDataset(
        Pictures(REAL), sources, ratio={"new": 0.2, "old": 0.3}, label_map={"old": {10: 3, 11: 4, 12: 5}}
    )
    numbers, _ = epoch_of(mix)
    for batch in MixBatchSampler(mix, 6):
        assert abs((numbers[batch] > 0).sum() - 3) <= 1


def pair(**options: Any) -> SyntheticMixDataset:
    sources = options.pop("synthetic", toys({"a": REAL, "b": REAL}))
    return SyntheticMixDataset(Pictures(REAL), sources, **options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"ratio": 0.5}, ArgumentTypeError, r"ratio must be \{name: ratio\} with the names a, b"),
        ({"ratio": {"a": 0.5}}, ArgumentError, "must name the sources a, b: 'b' is missing"),
        ({"ratio": {"a": 0.5, "b": 0.1, "c": 0.1}}, ArgumentError, "'c' is none of them"),
        ({"ratio": {"a": 0.7, "b": 0.4}}, ArgumentError, r"at most 1 over the sources, got 0\.7 \+ 0\.4 = 1\.1"),
        ({"ratio": {"a": {0: 0.7}, "b": {0: 0.4}}}, ArgumentError, r"ratio of class 0 must add up .* = 1\.1"),
        ({"ratio": {"a": {0: 0.7}, "b": 0.4}}, ArgumentError, r"ratio of class 0 must add up .* = 1\.1"),
        ({"ratio": {"a": 0.7, "b": 0.3}, "mode": "extend"}, ArgumentError, "less than 1 in mode 'extend'"),
        ({"ratio": {"a": 0.7, "b": 1.5}}, ArgumentError, r"ratio of 'b' must be in \[0, 1\]"),
        ({"ratio": {"a": linear(0, 2, 9), "b": 0}}, ArgumentError, r"ratio of 'a' must be in \[0, 1\].*got 2"),
        ({"ratio": {"a": {1: steps({0: 0, 9: -1})}, "b": 0}}, ArgumentError, "ratio of 'a' of class 1 must be in"),
        ({"ratio": {"a": "much", "b": 0}}, ArgumentTypeError, "ratio of 'a' must be a number"),
        ({"ratio": strengths({"a": 1, "c": 0}, at=0, ratio=0.5)}, ArgumentError, "'c' is none of them"),
        ({"ratio": {"a": strengths({"a": 1}, at=0, ratio=1), "b": 0}}, ArgumentError, "give it as ratio"),
        ({"ratio": {"a": 0.1, "b": 0.1}, "label_map": "names"}, ArgumentTypeError, r"label_map must be \{name: map\}"),
        ({"ratio": {"a": 0.1, "b": 0.1}, "label_map": {"c": "names"}}, ArgumentError, "label_map names 'c'"),
        ({"ratio": {"a": 0.1, "b": 0.1}, "label_map": {"a": "names"}}, ArgumentError, "real has none"),
        ({"ratio": {"a": 0.1, "b": 0.1}, "label_map": {"a": {}}}, ArgumentTypeError, "label_map of 'a' must be"),
        ({"ratio": {"a": 0.1, "b": 0.1}, "label_map": {"a": {0: -3}}}, ArgumentError, "must be at least 0"),
        ({"ratio": {"a": 0.1, "b": 0.1}, "label_map": {"a": {7: 3}}}, ArgumentError, "has class 7, and synthetic 'a'"),
        ({"ratio": {"a": 0.1, "b": 0.1}, "label_map": {"a": {0: 0, 1: 5}}}, ArgumentError, "as two sources"),
        (
            {"ratio": {"a": {0: 0.1}, "b": 0.1}, "label_map": {"a": {0: 3, 1: 4}}},
            ArgumentError,
            "synthetic 'a' has classes that real lacks",
        ),
        (
            {"ratio": {"a": 0.1, "b": 0.1}, "label_map": {"a": {0: 0, 1: 1, 2: 2}}, "pairing": "free"},
            ArgumentError,
            "which only pairing='class' uses",
        ),
        ({"ratio": {"a": 0.1, "b": 0.1}, "synthetic": toys({"a": REAL, "b": [0]})}, DataError, "'b' has no items of"),
        ({"ratio": {"a": 0.1, "b": 0.1}, "synthetic": toys({"a": REAL, "b": []})}, DataError, "'b' has no items, and"),
        ({"ratio": {"a": 0.1}, "synthetic": Pictures(REAL)}, ArgumentError, "synthetic is one source"),
        ({"ratio": 0.5, "synthetic": "cvae", "label_map": {0: 3}}, ArgumentError, "'cvae' is fitted on real"),
    ],
)
def test_wrong_combinations_are_refused_in_words(options: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        pair(**options)


def test_a_source_with_ratio_0_is_not_used() -> None:
    mix = pair(synthetic={"a": Pictures(REAL), "b": "no such generator"}, ratio={"a": 0.5, "b": 0})
    assert np.bincount(epoch_of(mix)[0]).tolist() == [15, 15]
