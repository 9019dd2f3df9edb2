"""Balanced classes, filled classes, limits of repetition, and the turns of variants."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixing_toys import Pictures

from augsynth.data import MixBatchSampler, SyntheticMixDataset
from augsynth.data.schedules import linear
from augsynth.errors import ArgumentError, DataError

LONG_TAIL = [0] * 20 + [1] * 8 + [2] * 2

labels = st.lists(st.integers(0, 3), min_size=1, max_size=40)
modes = st.sampled_from(["replace", "extend"])


def drawn(mix: SyntheticMixDataset, epoch: int = 0) -> tuple[list[int], list[int]]:
    """The real and the synthetic items of an epoch."""
    mix.set_epoch(epoch)
    numbers, items = mix.assignment().sources(np.arange(len(mix)))
    return items[numbers == 0].tolist(), items[numbers > 0].tolist()


def spread(values: list[int], size: int) -> int:
    """Return the difference between the most and the least frequent of `size` things."""
    counts = [*Counter(values).values()]
    return max(counts, default=0) - (min(counts, default=0) if len(counts) == size else 0)


@given(labels, modes, st.floats(0, 0.95), st.sampled_from(["class", "index"]), st.integers(1, 2), st.integers(0, 4))
def test_both_halves_are_balanced(real, mode, ratio, pairing, variants, epoch) -> None:
    pool = np.repeat(real, variants)
    mix = SyntheticMixDataset(
        Pictures(real), Pictures(pool), ratio=ratio, mode=mode, pairing=pairing, balance="classes", seed=2
    )
    kept, synthetic = drawn(mix, epoch)
    classes = Counter(real)
    if mode == "replace":
        assert len(mix) == len(real)
    else:
        assert Counter(np.array(real)[kept].tolist()) == dict.fromkeys(classes, max(classes.values()))
    assert len(kept) + len(synthetic) == len(mix)
    assert len(synthetic) == round(ratio * len(mix))
    assert spread(np.array(real)[kept].tolist(), len(classes)) <= 1
    assert spread(pool[synthetic].tolist(), len(classes)) <= 1
    for label, size in classes.items():
        assert spread([item for item in kept if real[item] == label], size) <= 1
        own = [item for item in synthetic if pool[item] == label]
        if pairing == "class":
            assert spread(own, size * variants) <= 1
        else:
            assert spread([item // variants for item in own], size) <= 1


@pytest.mark.parametrize("mode", ["replace", "extend"])
def test_oversampling_alone_needs_no_synthetic_items(mode: Any) -> None:
    mix = SyntheticMixDataset(Pictures(LONG_TAIL), None, ratio=0, balance="classes", mode=mode)
    kept, synthetic = drawn(mix)
    assert synthetic == []
    size = 10 if mode == "replace" else 20
    assert Counter(np.array(LONG_TAIL)[kept].tolist()) == {0: size, 1: size, 2: size}
    assert kept != drawn(mix, 1)[0]
    assert kept == drawn(mix, 0)[0]
    assert sorted({item for item in kept if item >= 20}) == list(range(20, 30))


def test_balanced_halves_with_auxiliary_classes() -> None:
    mix = SyntheticMixDataset(
        Pictures(LONG_TAIL),
        {"same": Pictures([0, 1, 2] * 9), "other": Pictures([0, 1] * 5)},
        ratio={"same": 0.3, "other": 0.4},
        label_map={"other": {0: 3, 1: 4}},
        balance="classes",
    )
    for epoch in range(3):
        mix.set_epoch(epoch)
        counts = Counter((mix.source(position).name, item[1]) for position, item in enumerate(mix))
        assert counts == {
            **{("real", label): 3 for label in range(3)},
            **{("same", label): 3 for label in range(3)},
            ("other", 3): 6,
            ("other", 4): 6,
        }


@given(st.integers(1, 60), st.floats(0, 0.5), st.floats(0, 0.5), modes, st.integers(0, 3))
def test_several_sources_are_balanced_together(count, one, other, mode, epoch) -> None:
    if one + other > 0.98:
        mode = "replace"
    real = np.arange(count) % 3
    pools = {"a": Pictures([0, 1, 2]), "b": Pictures([0, 0, 1, 2])}
    ratio = {"a": one, "b": other}
    mix = SyntheticMixDataset(Pictures(real), pools, ratio=ratio, mode=mode, balance="classes")
    mix.set_epoch(epoch)
    numbers, items = mix.assignment().sources(np.arange(len(mix)))
    found = [real, *(mix.synthetic[name].labels for name in ("a", "b") if ratio[name])]
    drawn_labels = np.array([found[number][item] for number, item in zip(numbers, items, strict=True)])
    classes = len(set(real.tolist()))
    assert spread(drawn_labels[numbers > 0].tolist(), classes) <= 1
    assert spread(drawn_labels[numbers == 0].tolist(), classes) <= 1


def test_epochs_favour_no_class() -> None:
    mix = SyntheticMixDataset(Pictures([0, 1, 2] * 3 + [0]), Pictures([0, 1, 2]), ratio=0.4, balance="classes")
    larger: set[int] = set()
    for epoch in range(30):
        numbers, items = at(mix, epoch).assignment().sources(np.arange(10))
        larger.add(int(np.bincount(items[numbers > 0] % 3).argmax()))
    assert larger == {0, 1, 2}
    mix = SyntheticMixDataset(Pictures([0, 1, 2] * 3 + [0]), None, ratio=0, balance="classes")
    assert len({tuple(np.bincount(np.array([label for _, label in at(mix, epoch)]))) for epoch in range(30)}) == 3


def at(mix: SyntheticMixDataset, epoch: int) -> SyntheticMixDataset:
    mix.set_epoch(epoch)
    return mix


def test_classes_in_another_order_are_filled() -> None:
    mix = SyntheticMixDataset(Pictures(LONG_TAIL), Pictures([5, 6, 7]), fill_to=10, label_map={5: 2, 6: 1, 7: 0})
    assert Counter(label for _, label in mix) == {0: 20, 1: 10, 2: 10}
    assert {mix.source(number).item for number in range(30, 40)} == {0, 1}


def test_partners_of_a_balanced_epoch_are_first_those_that_it_leaves_out() -> None:
    mix = SyntheticMixDataset(
        Pictures([0] * 8 + [1] * 8), Pictures([0] * 8 + [1] * 8), ratio=0.5, pairing="index", balance="classes"
    )
    kept, synthetic = drawn(mix)
    assert sorted(kept + synthetic) == list(range(16))


@given(labels, st.integers(1, 30), st.sampled_from(["class", "index"]), st.integers(0, 3))
def test_each_class_is_filled(real, fill_to, pairing, epoch) -> None:
    pool = np.repeat(real, 2)
    mix = SyntheticMixDataset(Pictures(real), Pictures(pool), fill_to=fill_to, pairing=pairing)
    kept, synthetic = drawn(mix, epoch)
    assert kept == list(range(len(real)))
    classes = Counter(real)
    filled = Counter(pool[synthetic].tolist())
    assert {label: classes[label] + filled[label] for label in classes} == {
        label: max(size, fill_to) for label, size in classes.items()
    }
    for label, size in classes.items():
        own = [item for item in synthetic if pool[item] == label]
        assert (
            spread(own if pairing == "class" else [item // 2 for item in own], size * (1 + (pairing == "class"))) <= 1
        )


def test_a_pool_may_lack_classes_that_need_no_filling() -> None:
    mix = SyntheticMixDataset(Pictures(LONG_TAIL), Pictures([1, 2]), fill_to=10)
    assert len(mix) == 20 + 10 + 10
    with pytest.raises(DataError, match="no items of class 0"):
        SyntheticMixDataset(Pictures(LONG_TAIL), Pictures([1, 2]), fill_to=21)


@given(labels, st.lists(labels, min_size=2, max_size=3), st.integers(1, 30), st.integers(0, 3))
def test_several_sources_fill_what_they_have(real, pools, fill_to, epoch) -> None:
    pools[0] = [*pools[0], *real]
    sources = dict(zip("abc", map(Pictures, pools), strict=False))
    mix = SyntheticMixDataset(Pictures(real), sources, fill_to=fill_to)
    mix.set_epoch(epoch)
    numbers, items = mix.assignment().sources(np.arange(len(mix)))
    for label, size in Counter(real).items():
        given = [
            Counter(pool[item] for item in items[numbers == number])[label] for number, pool in enumerate(pools, 1)
        ]
        able = [count for count, pool in zip(given, pools, strict=True) if label in pool]
        assert sum(given) == sum(able) == max(fill_to - size, 0)
        assert max(able) - min(able) <= 1
        for number, pool in enumerate(pools, 1):
            own = [item for item in items[numbers == number] if pool[item] == label]
            assert spread(own, pool.count(label)) <= 1


def test_epochs_draw_which_source_fills_one_more() -> None:
    sources = {"a": Pictures([0, 1, 2]), "b": Pictures([0, 1, 2])}
    mix = SyntheticMixDataset(Pictures(LONG_TAIL), sources, fill_to=11)
    more = {tuple(np.bincount(at(mix, epoch).assignment().sources(np.arange(30, 42))[0])) for epoch in range(20)}
    assert more == {(0, 6, 6)}
    mix = SyntheticMixDataset(Pictures([0, 0]), {name: Pictures([0]) for name in "ab"}, fill_to=3)
    assert {int(at(mix, epoch).assignment().sources(np.arange(3))[0].max()) for epoch in range(20)} == {1, 2}


def test_a_class_that_no_source_has_is_refused() -> None:
    sources = {"a": Pictures([0]), "b": Pictures([0, 1])}
    assert len(SyntheticMixDataset(Pictures([0, 1, 1]), sources, fill_to=2)) == 4
    with pytest.raises(DataError, match="has no items of class 2"):
        SyntheticMixDataset(Pictures(LONG_TAIL), sources, fill_to=9)


@pytest.mark.parametrize("options", [{"fill_to": 12}, {"ratio": 0.4, "balance": "classes"}])
def test_batch_samplers_hold_the_ratio(options: dict[str, Any]) -> None:
    mix = SyntheticMixDataset(Pictures(LONG_TAIL), Pictures([0, 1, 2] * 4), **options)
    synthetic = mix.assignment().sources(np.arange(len(mix)))[0] > 0
    batches = list(MixBatchSampler(mix, 7))
    assert sorted(chain.from_iterable(batches)) == list(range(len(mix)))
    for batch in batches:
        assert abs(synthetic[batch].sum() - synthetic.mean() * len(batch)) < 1


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 20))
def test_no_variant_comes_again_before_all_others(count: int, variants: int, first: int) -> None:
    real = [0] * count
    mix = SyntheticMixDataset(Pictures(real), Pictures([0] * count * variants), ratio=1, pairing="index")
    epochs = [drawn(mix, first + number)[1] for number in range(variants)]
    assert sorted(chain.from_iterable(epochs)) == list(range(count * variants))
    assert drawn(mix, first + variants)[1] == epochs[0]


def test_replaced_items_do_not_meet_a_variant_again_soon() -> None:
    mix = SyntheticMixDataset(Pictures([0] * 10), Pictures([0] * 40), ratio=0.5, pairing="index")
    epochs = [drawn(mix, epoch)[1] for epoch in range(12)]
    for start in range(9):
        window = list(chain.from_iterable(epochs[start : start + 4]))
        assert len(window) == len(set(window)) == 20


def test_extended_epochs_go_on_with_the_variants() -> None:
    """Two variants of each of 5 images in an epoch: 6 variants are through in 3 epochs."""
    mix = SyntheticMixDataset(
        Pictures([0] * 5), Pictures([0] * 30), ratio=2 / 3, mode="extend", pairing="index", max_repeats=1
    )
    assert sorted(chain.from_iterable(drawn(mix, epoch)[1] for epoch in (3, 4, 5))) == list(range(30))


@given(labels, st.integers(1, 3), st.floats(0.05, 0.95), modes, st.sampled_from(["class", "index", "free"]))
def test_max_repeats_refuses_exactly_what_repeats_more(real, variants, ratio, mode, pairing) -> None:
    pool = np.repeat(real, variants)

    def mix(limit: int | None) -> SyntheticMixDataset:
        return SyntheticMixDataset(
            Pictures(real), Pictures(pool), ratio=ratio, mode=mode, pairing=pairing, max_repeats=limit
        )

    uses = max(Counter(drawn(mix(None))[1]).values(), default=0)
    if uses > 1:
        with pytest.raises(DataError, match=f"epoch 0 would use an item of synthetic {uses} times, and max_repeats is"):
            mix(uses - 1)
    if uses:
        assert drawn(mix(uses)) == drawn(mix(None))


def test_max_repeats_refuses_a_later_epoch_and_stays() -> None:
    ratio = linear(0.1, 0.8, epochs=8)
    mix = SyntheticMixDataset(Pictures([0] * 10), Pictures([0] * 3), ratio=ratio, max_repeats=2)
    mix.set_epoch(5)
    with pytest.raises(DataError, match="epoch 6 would use an item of synthetic 3 times, and max_repeats is 2: add"):
        mix.set_epoch(6)
    assert mix.epoch == 5
    with pytest.raises(DataError, match="4 times, and max_repeats is 3"):
        SyntheticMixDataset(Pictures([0] * 8), Pictures([5, 6, 6]), ratio=1, label_map={5: 5, 6: 6}, max_repeats=3)


def by_class(epoch: int) -> Any:
    return {0: 0.5} if epoch else 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give ratio, .* or fill_to"),
        ({"ratio": 0.5, "fill_to": 5}, "fill_to does not go with ratio"),
        ({"fill_to": 5, "mode": "extend"}, "fill_to does not go with mode='extend'"),
        ({"fill_to": 5, "pairing": "free"}, "fill_to does not go with pairing='free'"),
        ({"fill_to": 5, "balance": "classes"}, "fill_to does not go with balance"),
        ({"fill_to": 0}, "fill_to must be at least 1, got 0"),
        ({"fill_to": 2.5}, "fill_to must be an integer"),
        ({"fill_to": 5, "label_map": {0: 3, 1: 4, 2: 5}}, "synthetic has none of them"),
        ({"ratio": 0.5, "balance": "class"}, "balance must be one of classes, got 'class'"),
        ({"ratio": 0.5, "balance": "classes", "pairing": "free"}, "balance='classes' needs synthetic items with"),
        ({"ratio": {0: 0.5}, "balance": "classes"}, "ratio has a number for each class"),
        ({"ratio": 0.5, "max_repeats": 0}, "max_repeats must be at least 1, got 0"),
        ({"ratio": 0.5, "label_map": {0: 0, 1: 1, 2: 3}}, "class 3, which it lacks"),
    ],
)
def test_wrong_combinations_are_refused_in_words(options: dict[str, Any], message: str) -> None:
    synthetic = options.get("synthetic", Pictures([0, 1, 2]))
    with pytest.raises(ArgumentError, match=message):
        SyntheticMixDataset(Pictures(LONG_TAIL), **{**options, "synthetic": synthetic})


def test_a_schedule_that_turns_to_classes_is_refused_where_classes_are_balanced() -> None:
    mix = SyntheticMixDataset(Pictures(LONG_TAIL), Pictures([0, 1, 2]), ratio=by_class, balance="classes")
    with pytest.raises(ArgumentError, match="ratio has a number for each class"):
        mix.set_epoch(1)
    assert mix.epoch == 0
