"""Streams: the share in every run of items, each real item once, the same windows for any number of workers."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mixing_toys import Ordered, Pictures
from torch.utils.data import DataLoader, get_worker_info

from augsynth import transforms as T
from augsynth.data import Batch, MixStream, collate
from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError, DataError

PIPELINE = T.Compose([T.RandomRotation(20), T.ToDtype("float32", scale=True)])


class Split(Ordered):
    """Gives each worker a part of its own, as WebDataset does."""

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        return itertools.islice(super().__iter__(), worker, None, workers)


class Listening(Ordered):
    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


def stream(count: int = 40, pool: int = 9, **options: Any) -> MixStream:
    options = {"ratio": 0.25, "window": 8, "return_source": True, **options}
    return MixStream(Ordered(count), Pictures(np.arange(pool), seed=1), **options)


def sources(items: Any) -> list[tuple[bool, int]]:
    return [(item[2].synthetic, item[2].item) for item in items]


def batches(data: MixStream, workers: int, **options: Any) -> list[Any]:
    context = "fork" if workers else None
    loader: Any = DataLoader(
        data, data.window, num_workers=workers, collate_fn=collate, multiprocessing_context=context, **options
    )
    return list(loader)


def rows(loaded: list[Any]) -> list[list[tuple[bool, int]]]:
    return [list(zip(batch[2][0].tolist(), batch[2][1].tolist(), strict=True)) for batch in loaded]


@given(st.integers(1, 60), st.floats(0, 0.95), st.integers(1, 20), st.integers(1, 15), st.booleans())
def test_every_run_has_its_share_and_every_real_item_comes_once(
    count: int, ratio: float, window: int, pool: int, positions: bool
) -> None:
    real: Any = Pictures(np.arange(count)) if positions else Ordered(count)
    data = MixStream(real, Pictures(np.arange(pool), seed=1), ratio=ratio, window=window, return_source=True)
    found = sources(data)
    assert sorted(item for synthetic, item in found if not synthetic) == list(range(count))
    made = [item for synthetic, item in found if synthetic]
    uses = np.bincount(made, minlength=pool)
    assert uses.max() - uses.min() <= 1
    before = np.concatenate(([0], np.cumsum([synthetic for synthetic, _ in found])))
    for length in (1, window, len(found)):
        runs = before[length:] - before[:-length]
        assert (np.abs(runs - ratio * length) < 1 + 1e-4 * length).all()


def test_windows_are_exact_where_the_ratio_allows() -> None:
    made = [sum(synthetic for synthetic, _ in batch) for batch in rows(batches(stream(48), 0))]
    assert made == [2] * 8


@pytest.mark.parametrize("count", [1, 37, 40])
@pytest.mark.parametrize("kind", ["iterable", "positions", "both iterable"])
def test_batches_do_not_depend_on_the_workers(kind: str, count: int) -> None:
    def make() -> MixStream:
        real: Any = Pictures(np.arange(count)) if kind == "positions" else Ordered(count)
        made: Any = Ordered(5, seed=1) if kind == "both iterable" else Pictures(np.arange(5), seed=1)
        data = MixStream(real, made, ratio=0.3, window=4, transform=PIPELINE, return_source=True)
        data.set_epoch(3)
        return data

    expected = batches(make(), 0)
    assert sum(len(batch[1]) for batch in expected) >= count
    for workers in (1, 3):
        found = batches(make(), workers)
        assert rows(found) == rows(expected)
        assert all(torch.equal(one[0], other[0]) for one, other in zip(found, expected, strict=True))


@given(st.integers(1, 50), st.floats(0, 0.9), st.integers(1, 9), st.integers(1, 4), st.booleans())
def test_processes_share_an_epoch(count: int, ratio: float, window: int, replicas: int, drop_last: bool) -> None:
    def part(**options: Any) -> list[tuple[bool, int]]:
        return sources(stream(count, ratio=ratio, window=window, drop_last=drop_last, **options))

    parts = [part(num_replicas=replicas, rank=rank) for rank in range(replicas)]
    whole = part()
    joined = list(itertools.chain(*parts))
    real = sorted(item for synthetic, item in joined if not synthetic)
    if drop_last:
        assert len({len(one) for one in parts}) == 1
        assert all(len(one) % window == 0 for one in parts)
        assert len(set(real)) == len(real)
        assert len(whole) - len(joined) < window * replicas
    else:
        assert real == list(range(count))
        assert sorted(joined) == sorted(whole)


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 12), st.sampled_from([0.0, 0.25, 0.6]))
def test_it_resumes_at_any_window(count: int, window: int, done: int, ratio: float) -> None:
    data = stream(count, ratio=ratio, window=window)
    data.set_epoch(2)
    whole = sources(data)
    resumed = stream(count, ratio=ratio, window=window)
    resumed.load_state_dict(data.state_dict(done))
    assert sources(resumed) == whole[done * window :]
    resumed.set_epoch(2)
    assert sources(resumed) == whole[done * window :]
    resumed.set_epoch(3)
    assert len(sources(resumed)) == len(whole)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_resume_in_the_same_order(workers: int) -> None:
    whole = rows(batches(stream(), 0))
    data = stream()
    data.load_state_dict(stream().state_dict(done=3))
    assert rows(batches(data, workers)) == whole[3:]


def test_a_state_within_this_process_counts_what_was_given() -> None:
    data = stream()
    iterator = iter(data)
    given_out = [next(iterator) for _ in range(16)]
    state = data.state_dict()
    assert (state["windows"], state["items"]) == (2, 0)
    resumed = stream()
    resumed.load_state_dict(state)
    assert sources([*given_out, *resumed]) == sources(stream())
    given_out += [next(iterator) for _ in range(3)]
    resumed = stream()
    resumed.load_state_dict(data.state_dict())
    assert sources([*given_out, *resumed]) == sources(stream())
    resumed.load_state_dict(data.state_dict())
    with pytest.raises(CheckpointError, match=r"stops within a window, after 3 items.*save it with done="):
        batches(resumed, 1)
    for options in ({"ratio": 0.5}, {"window": 4}, {"seed": 1}, {"num_replicas": 2, "rank": 0}):
        with pytest.raises(CheckpointError, match="of another stream"):
            stream(**options).load_state_dict(state)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("size", [8, 3])
def test_a_stateful_loader_resumes_at_any_batch(size: int, workers: int) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader

    def loader() -> Any:
        return stateful(stream(), size, num_workers=workers, collate_fn=collate)

    whole, started = rows(list(loader())), loader()
    iterator = iter(started)
    for _ in range(3):
        next(iterator)
    resumed = loader()
    resumed.load_state_dict(started.state_dict())
    assert rows(list(resumed)) == whole[3:]


def test_webdatasets_in_several_workers(tmp_path: Any) -> None:
    webdataset = pytest.importorskip("webdataset")
    for shard in range(4):
        with webdataset.TarWriter(str(tmp_path / f"{shard}.tar")) as tar:
            for number in range(shard * 10, shard * 10 + 10):
                tar.write({"__key__": str(number), "ppm": Pictures(np.arange(40))[number][0], "cls": number})
    real = webdataset.WebDataset(f"{tmp_path}/{{0..3}}.tar", shardshuffle=False).decode("rgb8").to_tuple("ppm", "cls")
    for workers in (0, 2):
        data = MixStream(real, Pictures(np.arange(9), seed=1), ratio=0.25, window=4, return_source=True, sharded="real")
        loaded = batches(data, workers)
        labels = np.concatenate([batch[1][~batch[2].synthetic] for batch in loaded])
        assert sorted(labels) == list(range(40))
        assert all(batch[2].synthetic.sum() == 1 for batch in loaded if len(batch[1]) == 4)
    with pytest.raises(ArgumentError, match="sharded='real'"):
        batches(MixStream(real, Pictures(np.arange(9)), ratio=0.25), 2)


def test_a_library_whose_iterables_divide_themselves_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Split, "__module__", "webdataset.compat")
    with pytest.raises(ArgumentError, match="real is a Split of webdataset, which gives each worker a part of its own"):
        batches(MixStream(Split(40), Pictures(np.arange(9)), ratio=0.25), 2)
    assert len(batches(MixStream(Split(30), Pictures(np.arange(9)), ratio=0.25, window=4), 1)) == 10
    whole = MixStream(Split(40), Pictures(np.arange(9)), ratio=0.25, sharded="real", return_source=True)
    assert sum(int((~batch[2].synthetic).sum()) for batch in batches(whole, 2)) == 40


def test_workers_that_split_themselves_lose_nothing() -> None:
    for workers in (0, 2):
        data = MixStream(
            Split(41), Pictures(np.arange(9), seed=1), ratio=0.25, window=4, return_source=True, sharded="real"
        )
        loaded = batches(data, workers)
        labels = np.concatenate([batch[1][~batch[2].synthetic] for batch in loaded])
        assert sorted(labels) == list(range(41))
        made = np.concatenate([batch[2].item[batch[2].synthetic] for batch in loaded])
        assert np.ptp(np.bincount(made)) <= 1
        assert all(batch[2].synthetic.sum() == 1 for batch in loaded if len(batch[1]) == 4)


def test_whole_windows_are_batches_without_a_copy() -> None:
    data = stream(transform=PIPELINE, batched=True, return_weight=True, synthetic_weight=0.5, return_source=False)
    windows = list(data)
    assert all(isinstance(window, Batch) for window in windows)
    loader: Any = DataLoader(data, batch_size=None, collate_fn=collate)
    data.set_epoch(0)
    images, labels, weights = next(iter(loader))
    assert images.shape == (8, 3, 6, 5)
    assert images.dtype == torch.float32
    assert (labels.dtype, weights.dtype) == (torch.int64, torch.float32)
    assert weights.mean().item() == pytest.approx(1)
    assert sorted(set(weights.tolist())) == pytest.approx([0.5 / 0.75, 2.0])


def test_transforms_get_the_key_of_the_position() -> None:
    data = stream(transform=PIPELINE, seed=5)
    data.set_epoch(2)
    for position, (image, _, source) in enumerate(itertools.islice(data, 12)):
        stored = (Pictures(np.arange(9), seed=1) if source.synthetic else Pictures(np.arange(40)))[source.item][0]
        assert torch.equal(image, PIPELINE(stored, key=(5, 2, position)))


def test_epochs_differ_and_reach_the_sides_and_running_workers() -> None:
    real = Listening(20)
    data = MixStream(real, Pictures(np.arange(50), seed=1), ratio=0.5, window=5, return_source=True)
    loader: Any = DataLoader(
        data, 5, num_workers=1, persistent_workers=True, multiprocessing_context="fork", collate_fn=collate
    )
    epochs = []
    for epoch in range(3):
        data.set_epoch(epoch)
        epochs.append([item for batch in rows(list(loader)) for item in batch])
    assert len({tuple(epoch) for epoch in epochs}) == 3
    data.set_epoch(1)
    assert sources(data) == epochs[1]
    assert real.epochs == [1]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_any_start_method(method: str) -> None:
    data = MixStream(Ordered(20), Pictures(np.arange(9), seed=1), ratio=0.5, window=5, return_source=True)
    loader: Any = DataLoader(
        data, 5, num_workers=1, persistent_workers=True, multiprocessing_context=method, collate_fn=collate
    )
    for epoch in range(2):
        data.set_epoch(epoch)
        found = [item for batch in rows(list(loader)) for item in batch]
        data.set_epoch(epoch)
        assert found == sources(data)


def test_schedules_follow_the_epoch() -> None:
    data = stream(ratio=lambda epoch: [0.0, 0.5][epoch % 2])
    assert not any(synthetic for synthetic, _ in sources(data))
    data.set_epoch(1)
    assert abs(len(sources(data)) - 80) <= 1


def test_an_epoch_that_is_read_again_warns_once() -> None:
    data = stream()
    list(data)
    with pytest.warns(UserWarning, match="epoch 0 of the stream is read again without set_epoch"):
        list(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(data)
        data.set_epoch(1)
        list(data)


def test_items_may_be_dicts_with_keys_of_their_own() -> None:
    class Dicts(Ordered):
        def __iter__(self) -> Iterator[Any]:
            return ({"jpg": image, "cls": label} for image, label in super().__iter__())

    data = MixStream(Dicts(12), Pictures(np.arange(9), seed=1), ratio=0.25, window=4, image_key="jpg", label_key="cls")
    assert [list(item) for item in data] == [["jpg", "cls"]] * 16


def test_errors_name_the_item() -> None:
    with pytest.raises(ValueError, match=r"torn .real item 7 of the stream"):
        list(MixStream(Ordered(20, fail_at=7), Pictures([0]), ratio=0.25))

    def bomb(image: Any) -> Any:
        if image[0, 0, 0] == 5:
            raise ZeroDivisionError("nothing to divide by")
        return image

    data = MixStream(Ordered(20), Pictures(np.zeros(3)), ratio=0.25, transform=T.Lambda(bomb), window=4)
    with pytest.raises(ZeroDivisionError, match=r"nothing to divide by .position 7 of epoch 0, real item 5"):
        list(data)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.floats(0, 0.8), st.integers(5, 20), st.integers(0, 2))
def test_synthetic_items_have_the_classes_of_their_window(
    labels: list[int], ratio: float, window: int, epoch: int
) -> None:
    pool = [0, 1, 2, 3, 9, 1, 2, 2, 0] * 2
    real = [(np.zeros((4, 4, 3), np.uint8), label) for label in labels]
    data = MixStream(
        real, Pictures(pool), ratio=ratio, pairing="class", window=window, return_source=True, batched=True
    )
    data.set_epoch(epoch)
    for items in data:
        own = [int(label) for _, label, source in items if not source.synthetic]
        made = [(int(label), source.item) for _, label, source in items if source.synthetic]
        assert [label for label, _ in made] == [own[row * len(own) // len(made)] for row in range(len(made))]
        assert all(pool[item] == label for label, item in made)


def test_items_of_a_class_do_not_repeat_at_once() -> None:
    real, pool = Pictures(np.zeros(80)), Pictures(np.zeros(20))
    data = MixStream(real, pool, ratio=0.5, pairing="class", window=8, return_source=True)
    made = [item for synthetic, item in sources(data) if synthetic]
    assert all(len(set(made[start : start + 20])) == 20 for start in range(0, 80, 20))
    assert made[:20] != made[20:40]


def test_pairing_by_class_does_not_depend_on_the_workers() -> None:
    def make() -> MixStream:
        pool = Pictures(np.arange(40) % 37)
        return MixStream(Ordered(37), pool, ratio=0.4, pairing="class", window=4, return_source=True)

    expected = rows(batches(make(), 0))
    assert rows(batches(make(), 3)) == expected
    with pytest.raises(CheckpointError, match="another stream"):
        make().load_state_dict(stream(37, ratio=0.4, window=4).state_dict(1))


class Once(Ordered):
    """Forgets to start anew."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._items = super().__iter__()

    def __iter__(self) -> Iterator[Any]:
        return self._items


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: MixStream(5, Pictures([0]), ratio=0.5), ArgumentTypeError, "iterables or map-style.*got int"),
        (lambda: MixStream(iter([]), Pictures([0]), ratio=0.5), ArgumentTypeError, "got the iterator list_iterator"),
        (lambda: stream(ratio=1.0), ArgumentError, "ratio must be below 1"),
        (lambda: stream(ratio={0: 0.5}), ArgumentError, "a stream does not know the classes"),
        (lambda: stream(window=0), ArgumentError, "window must be"),
        (lambda: stream(pairing="index"), ArgumentError, "pairing must be one of free, class"),
        (lambda: stream(ratio=0.9, pairing="class", window=9), ArgumentError, "window must be at least 10, got 9"),
        (lambda: MixStream([], Ordered(3), ratio=0.5, pairing="class"), ArgumentError, "fill a SyntheticPool"),
        (lambda: list(stream(pairing="class")), DataError, "synthetic has no items of class 9, which pairing='class'"),
        (lambda: stream(rank=1), ArgumentError, "go together"),
        (lambda: stream(num_replicas=2, rank=2), ArgumentError, "rank must be"),
        (lambda: stream(sharded="both"), ArgumentError, "sharded must be"),
        (lambda: stream(synthetic_weight=0.5), ArgumentError, "needs return_weight=True"),
        (lambda: list(stream(0)), DataError, "real gave no items"),
        (lambda: list(MixStream(Ordered(3), Ordered(0), ratio=0.5)), DataError, "synthetic gave no items"),
        (lambda: list(MixStream(Ordered(9), Once(2), ratio=0.5)), DataError, "let its __iter__ start anew"),
        (
            lambda: list(MixStream(Ordered(3), [(np.zeros((4, 4, 1), np.uint8), 0)], ratio=0.5)),
            DataError,
            "real images have 3 channels, synthetic ones 1",
        ),
    ],
)
def test_streams_that_cannot_be_mixed_are_refused(make: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_process_that_is_not_told_who_divides_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    with pytest.raises(ArgumentError, match="2 processes run: give MixStream num_replicas and rank"):
        list(stream())
    parts = [len(list(stream(num_replicas=2, rank=rank))) for rank in range(2)]
    assert sum(parts) == len(list(stream(num_replicas=1, rank=0)))
