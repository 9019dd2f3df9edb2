"""The yardstick classifier: it learns, repeats itself, keeps out of the global state and refuses what it cannot use."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from augsynth.classifier import build_network, train_classifier
from augsynth.errors import ArgumentError, ArgumentTypeError

pytestmark = pytest.mark.usefixtures("one_thread")


def bars(n: int, shape: tuple[int, int, int] = (1, 8, 8)) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noisy images of two classes: a horizontal and a vertical bar."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 100, (n, *shape), dtype=np.uint8)
    labels = np.arange(n) % 2
    images[labels == 0, :, shape[1] // 2] = 255
    images[labels == 1, :, :, shape[2] // 2] = 255
    return images, labels


class Stream(Dataset[Any]):
    """A data set that gives other pixels each epoch, and notes which epochs it was told of."""

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        self.images, self.labels = torch.from_numpy(images).float() / 255, labels
        self.epochs: list[int] = []
        self.reads = 0

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        self.reads += 1
        return self.images[index], int(self.labels[index])

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 30, 20), (16, 9, 64), (1, 5, 7), (1, 150, 70)])
def test_it_learns_to_tell_bars_apart_in_any_shape(shape: tuple[int, int, int]) -> None:
    images, labels = bars(64, shape)
    classifier = train_classifier(images[:32], labels[:32], steps=40, batch_size=16)
    assert np.mean(classifier.predict(images[32:]) == labels[32:]) > 0.9


def test_the_same_seed_gives_the_same_network_and_another_seed_another() -> None:
    images, labels = bars(32)
    weights = [
        torch.cat([p.flatten() for p in train_classifier(images, labels, steps=3, seed=seed)._network.parameters()])
        for seed in (1, 1, 2)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_global_random_state_and_threads_are_as_before() -> None:
    images, labels = bars(32)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1], torch.get_num_threads()  # noqa: NPY002
    train_classifier(images, labels, steps=2, threads=before[3] + 1).predict(images)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert np.array_equal(np.random.get_state()[1], before[2])  # noqa: NPY002
    assert torch.get_num_threads() == before[3]


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "device": lambda: torch.device("meta"),
    "float64": lambda: _default_dtype(torch.float64),
    "float16": lambda: _default_dtype(torch.float16),
    "inference": torch.inference_mode,
    "no gradients": torch.no_grad,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "NumPy's errors": lambda: np.errstate(all="raise"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_no_setting_of_the_program_changes_a_classifier(name: str) -> None:
    images, labels = bars(32)

    def train() -> tuple[object, ...]:
        classifier = train_classifier(images, labels, steps=np.int64(4), seed=np.array(3))  # type: ignore[arg-type]
        weights = [weight.detach().numpy().tobytes() for weight in classifier._network.parameters()]
        return (*weights, classifier.predict(images).tolist())

    expected = train()
    with SETTINGS[name]():
        before = torch.get_default_device(), torch.get_default_dtype(), torch.is_grad_enabled()
        assert train() == expected
        assert (torch.get_default_device(), torch.get_default_dtype(), torch.is_grad_enabled()) == before


def test_a_dataset_trains_as_its_arrays_do_and_hears_of_every_epoch() -> None:
    images, labels = bars(32)
    stream = Stream(images, labels)
    from_stream = train_classifier(stream, num_classes=2, steps=7, batch_size=8)
    from_arrays = train_classifier(images, labels, steps=7, batch_size=8)
    assert stream.epochs == [0, 1]
    assert stream.reads == 1 + 7 * 8  # the first item is also read for its shape
    for ours, theirs in zip(from_stream._network.parameters(), from_arrays._network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_epochs_and_steps_count_the_same_batches() -> None:
    images, labels = bars(32)
    stream = Stream(images, labels)
    by_epochs = train_classifier(stream, num_classes=2, epochs=3, batch_size=8)
    by_steps = train_classifier(stream, num_classes=2, steps=12, batch_size=8)
    assert stream.epochs == [0, 1, 2] * 2
    for ours, theirs in zip(by_epochs._network.parameters(), by_steps._network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_uint8_and_its_float_equal_give_equal_predictions() -> None:
    images, labels = bars(32)
    classifier = train_classifier(images, labels, steps=5)
    as_float = images[:, 0].astype(np.float32) / 255
    assert np.array_equal(classifier.predict(images), classifier.predict(as_float))
    assert np.array_equal(classifier.predict(images), classifier.predict(images, batch_size=5))
    assert classifier.predict(images[:0]).shape == (0,)


def test_sides_are_halved_only_while_both_are_long_enough() -> None:
    pools = [
        sum(isinstance(layer, torch.nn.MaxPool2d) for layer in build_network(shape, 10, 8).modules())
        for shape in [(1, 8, 8), (1, 15, 64), (1, 28, 28), (3, 64, 64)]
    ]
    assert pools == [1, 1, 2, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((4, 0, 8), np.uint8)}, r"got shape \(1, 0, 8\)"),
        ({"images": np.zeros((4, 17, 8, 8), np.uint8)}, "1 to 16 channels"),
        ({"images": np.zeros((4, 64), np.uint8)}, r"\(n, C, H, W\) or \(n, H, W\)"),
        ({"labels": [0, 1, 0]}, "for 4 images"),
        ({"labels": [0.0, 1, 0, 1]}, "one integer per image"),
        ({"labels": [0, 1, 0, -1]}, r"got -1\.\.1"),
        ({"num_classes": 1}, r"lie in 0\.\.0: got 0\.\.1"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"steps": None, "epochs": 0}, "epochs must be at least 1, got 0"),
        ({"steps": "9"}, "steps must be an integer, got '9'"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"seed": 0.5}, "seed must be a 64-bit integer"),
        ({"labels": [0, 1, 0, 2**30]}, "the largest label is 1073741824, .*state num_classes"),
        ({"epochs": 1}, "not both"),
        ({"images": np.zeros((0, 8, 8), np.uint8), "labels": np.zeros(0, np.int64)}, "at least one"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"images": np.zeros((4, 8, 8), np.uint8), "labels": [0, 1, 0, 1], "steps": 1}
    with pytest.raises(ArgumentError, match=message):
        train_classifier(**(good | change))


def test_integer_images_and_arrays_without_labels_are_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="uint8 or float: got torch"):
        train_classifier(np.zeros((4, 8, 8), np.int64), [0, 1, 0, 1], steps=1)
    with pytest.raises(ArgumentTypeError, match="map-style dataset"):
        train_classifier(np.zeros((4, 8, 8), np.uint8), steps=1)


def test_a_dataset_needs_its_class_count_and_an_item() -> None:
    images, labels = bars(4)
    with pytest.raises(ArgumentError, match="num_classes is needed"):
        train_classifier(Stream(images, labels), steps=1)
    with pytest.raises(ArgumentError, match="empty"):
        train_classifier(Stream(images[:0], labels[:0]), num_classes=2, steps=1)


def test_prediction_refuses_another_shape() -> None:
    classifier = train_classifier(*bars(8), steps=1)
    with pytest.raises(ArgumentError, match=r"of shape \(1, 8, 8\): got \(1, 9, 8\)"):
        classifier.predict(np.zeros((2, 9, 8), np.uint8))


def test_features_are_the_inputs_of_the_last_layer() -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 8, 8), dtype=np.uint8)
    classifier = train_classifier(images, [0, 1, 2, 0, 1, 2, 0], steps=5)
    features = classifier.features(images, batch_size=3)
    assert features.shape == (7, 4 * 32)
    assert features.dtype == np.float32
    scores = classifier._network[-1](torch.from_numpy(features))
    assert scores.argmax(1).tolist() == classifier.predict(images).tolist()
    assert classifier.features(images[:0]).shape == (0, 4 * 32)
    assert classifier.predict(images[:0]).shape == (0,)


def test_probabilities_are_those_of_the_scores() -> None:
    classifier = train_classifier(*bars(16), steps=8)
    images, _ = bars(7)
    probabilities = classifier.probabilities(images, batch_size=3)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)
    assert probabilities.argmax(1).tolist() == classifier.predict(images).tolist()
    scores = classifier._network[-1](torch.from_numpy(classifier.features(images)))
    np.testing.assert_allclose(probabilities, scores.softmax(1).detach().numpy(), rtol=1e-4)
    assert classifier.probabilities(images[:0]).shape == (0, 2)


def _weights(**options: Any) -> list[bytes]:
    images, labels = bars(24)
    network = train_classifier(images, labels, steps=6, batch_size=8, **options)._network
    return [weight.detach().numpy().tobytes() for weight in network.parameters()]


def test_an_item_without_weight_teaches_nothing() -> None:
    """Wrong labels of weight 0 do not count, and those of weight 1 do."""
    images, labels = bars(64)
    wrong = np.arange(64) % 4 < 2
    given = np.where(wrong, 1 - labels, labels)
    right = train_classifier(images, given, steps=60, batch_size=16, item_weights=(~wrong).astype(float))
    misled = train_classifier(images, given, steps=60, batch_size=16)
    assert np.mean(right.predict(images) == labels) > 0.9
    assert np.mean(misled.predict(images[wrong]) == labels[wrong]) < 0.8


def test_only_the_proportions_of_weights_count() -> None:
    some = np.linspace(0.5, 2.0, 24)
    assert _weights(item_weights=some) == _weights(item_weights=(4 * some).tolist())
    assert _weights(item_weights=some) != _weights()
    for ours, theirs in zip(_weights(item_weights=np.full(24, 3)), _weights(), strict=True):
        np.testing.assert_allclose(np.frombuffer(ours, np.float32), np.frombuffer(theirs, np.float32), atol=1e-4)


class Turns:
    """A sampler that gives the items of even numbers, and hears of epochs."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def __len__(self) -> int:
        return 12

    def __iter__(self) -> Iterator[int]:
        return iter(range(0, 24, 2))

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


def test_a_sampler_chooses_the_items() -> None:
    images, labels = bars(24)
    turns = Turns()
    chosen = train_classifier(images, labels, epochs=2, batch_size=6, sampler=turns)
    assert turns.epochs == [0, 1]
    alone = train_classifier(images[::2], labels[::2], num_classes=2, epochs=2, batch_size=6, sampler=range(12))
    for ours, theirs in zip(chosen._network.parameters(), alone._network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_logit_adjustment_raises_the_recall_of_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(400) % 10 == 0).astype(np.int64)
    images = (rng.normal(110, 60, (400, 8, 8)) + 25 * labels[:, None, None]).clip(0, 255).astype(np.uint8)
    recalls = []
    for strength in (0.0, 1.0):
        classifier = train_classifier(images[:200], labels[:200], steps=60, logit_adjust=strength, width=8)
        recalls.append(np.mean(classifier.predict(images[200:][labels[200:] == 1])))
    assert recalls[1] > recalls[0] + 0.1
    assert _weights(logit_adjust=0) == _weights()
    stream = Stream(images[:, None], labels)
    with pytest.raises(ArgumentError, match="needs class_counts"):
        train_classifier(stream, num_classes=2, steps=1, logit_adjust=1)
    train_classifier(stream, num_classes=2, steps=1, logit_adjust=1, class_counts=[360, 40])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item_weights": [1.0]}, "for each of 4 items"),
        ({"item_weights": [1, 1, 1, -1]}, "at least 0"),
        ({"item_weights": [0, 0, 0, 0]}, "one above 0"),
        ({"item_weights": [1, 1, 1, np.nan]}, "finite"),
        ({"logit_adjust": -1}, "logit_adjust must be"),
        ({"logit_adjust": 1, "class_counts": [1, 2, 3]}, "each of 2 classes"),
        ({"sampler": []}, "no positions"),
    ],
)
def test_bad_weights_and_samplers_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        train_classifier(np.zeros((4, 8, 8), np.uint8), [0, 1, 0, 1], steps=1, **change)
    with pytest.raises(ArgumentTypeError, match="iterable with a length"):
        train_classifier(np.zeros((4, 8, 8), np.uint8), [0, 1, 0, 1], steps=1, sampler=3)
