"""Data sets and arguments that make no fit are refused before the first step; those that do are handled as stated."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import pytest
import torch
from generators.toy import ClassMean, TinyDecoder
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import AugsynthError
from augsynth.generators import Generator, create_generator
from augsynth.generators.reading import lazy

OURS = ("cvae", "edm", "r3gan")
OPTIONS: dict[str, dict[str, Any]] = {"cvae": {"width": 8}, "edm": {"width": 8, "sampling_steps": 2}, "r3gan": {}}


def _images(n: int, *shape: int) -> Tensor:
    rng = torch.Generator().manual_seed(n)
    return torch.randint(0, 256, (n, *(shape or (1, 8, 8))), dtype=torch.uint8, generator=rng)


def _labelled(images: Any, labels: Any = (0, 1)) -> list[Any]:
    return [(image, labels[k % len(labels)]) for k, image in enumerate(images)]


class Sized:
    """A data set that says how long it is, and has eight items."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        return _labelled(_images(8))[index]


WITH_NAN = torch.where(torch.arange(64).reshape(8, 8) == 5, torch.nan, 0.5)[None]
REFUSED: dict[str, tuple[Any, str]] = {
    "two sizes": (_labelled([_images(1)[0], _images(1, 1, 8, 9)[0]]), "item 1 is .*resize them first"),
    "grey and colour": (_labelled([_images(1)[0], _images(1, 3, 8, 8)[0]]), "all images must have one shape"),
    "a class missing": (_labelled(_images(4), (0, 2)), "no class empty; the highest is 2, absent: 1"),
    "a negative label": (_labelled(_images(4), (0, -1)), "got -1"),
    "labels from 1": (_labelled(_images(4), (1, 2)), "they are 1…2: subtract 1"),
    "a huge label": (_labelled(_images(4), (0, 2**62)), "the highest is 4611686018427387904"),
    "float labels": (TensorDataset(_images(4), torch.rand(4)), "must be an integer class"),
    "one-hot labels": (TensorDataset(_images(4), torch.eye(4)), "of a one-hot label, give the position"),
    "no labels": (list(_images(4)), "item 0 has no label, and this generator is conditional"),
    "black images": (_labelled(torch.zeros(8, 1, 8, 8)), "every pixel of every image is 0 .*nothing to learn"),
    "white tensors": (TensorDataset(_images(8) | 255, torch.arange(8) % 2), "every pixel of every image is 255"),
    "images divided twice": (_labelled(_images(8) / 255 / 255), "is 0 or 1 .*divided by 255 once"),
    "masks of 0 and 1": (_labelled(_images(8) % 2), "is 0 or 1 .*masks of 0 and 1 are multiplied by 255"),
    "NaN in one image": (_labelled([*(_images(3) / 255), WITH_NAN]), "item 3: .*, and 1 of 64 are NaN or infinite"),
    "NaN in one tensor": (
        TensorDataset(torch.stack([_images(1)[0] / 255, WITH_NAN]), torch.arange(2)),
        "item 1: .*NaN",
    ),
    "infinity": (_labelled(np.full((8, 8, 8), np.inf)), "item 0: .*, and 64 of 64 are NaN or infinite"),
    "negative floats": (_labelled(_images(8) / 127.5 - 1), r"got -\S+ to \S+; from \[-1, 1\], take \(image \+ 1\) / 2"),
    "floats to 255": (_labelled(_images(8).float()), "got .*; divide by 255, or give uint8"),
    "floats of any size": (_labelled(_images(8) * -1e9), r"got -\S+ to \S+$"),
    "no images": ([], "the data set is empty"),
    "fewer items than it says": (Sized(20), "item 8 of the data set cannot be read: IndexError"),
    "a length beyond all memory": (Sized(10**15), "item 8 of the data set cannot be read|there is no memory for"),
    "a negative length": (Sized(-1), "the data set has no length: ValueError"),
    "a path": ("images/", "holds a str"),
    "nothing": (None, "must be map-style"),
}
ARGUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "a batch beyond all memory": ({"batch_size": 10**15}, "no memory for a batch of 1,000,000,000,000,000 images"),
    "no batch": ({"batch_size": 0}, "batch_size must be at least 1"),
    "no steps": ({"steps": 0}, "steps must be at least 1"),
    "NaN epochs": ({"steps": None, "epochs": float("nan")}, "epochs must be a finite number"),
    "absurd epochs": ({"steps": None, "epochs": 1e300}, r"steps must be below 2\*\*63"),
}


def _generator(name: str) -> Generator:
    if name in OURS:
        if name not in {point.name for point in entry_points(group="augsynth.generators")}:
            pytest.skip(f"no generator {name!r} is installed")
        return create_generator(name, **OPTIONS[name])
    return {"tiny-decoder": TinyDecoder, "class-mean": ClassMean}[name]()


def _never(*arguments: Any) -> Any:
    raise AssertionError("time was spent on a fit")


def _refuse(generator: Generator, dataset: Any, words: str, **options: Any) -> None:
    generator.training_step = _never  # type: ignore[attr-defined]
    settings = {"steps": 3, "batch_size": 4, "device": "cpu", "progress": False, **options}
    with pytest.raises(AugsynthError, match=words):
        generator.fit(dataset, **settings)
    with pytest.raises(AugsynthError, match="not fitted"):
        generator.sample(1)


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("name", ["tiny-decoder", *OURS])
def test_a_data_set_that_makes_no_fit_is_refused_before_a_step(name: str, case: str) -> None:
    dataset, words = REFUSED[case]
    _refuse(_generator(name), dataset, words)


@pytest.mark.parametrize("case", ARGUMENTS)
@pytest.mark.parametrize("name", ["tiny-decoder", *OURS])
def test_an_argument_that_makes_no_fit_is_refused_before_a_step(name: str, case: str) -> None:
    options, words = ARGUMENTS[case]
    _refuse(_generator(name), _labelled(_images(6)), words, **options)


class Memory(Generator):
    """A generator without steps."""

    name = "memory"
    learn: Callable[..., Any] = _never

    def generate(self, *arguments: Any) -> Tensor:
        return _never()


@pytest.mark.parametrize("case", ["two sizes", "black images", "NaN in one image", "a length beyond all memory"])
def test_generators_without_steps_refuse_the_same(case: str) -> None:
    dataset, words = REFUSED[case]
    with pytest.raises(AugsynthError, match=words):
        Memory().fit(dataset, progress=False)


@pytest.mark.parametrize("case", ["black images", "images divided twice", "NaN in one image"])
def test_large_data_sets_are_refused_alike(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy, "HELD_BYTES", 100)
    _refuse(TinyDecoder(), *REFUSED[case])


HANDLED: dict[str, Callable[[], list[Any]]] = {
    "three images": lambda: _labelled(_images(3), (0, 1, 2)),
    "one image": lambda: _labelled(_images(1)),
    "one class": lambda: _labelled(_images(6), (0,)),
    "one image again and again": lambda: _labelled(_images(1).expand(8, -1, -1, -1)),
    "black images among others": lambda: _labelled(torch.cat([_images(4), torch.zeros(4, 1, 8, 8, dtype=torch.uint8)])),
    "two levels of grey": lambda: _labelled(_images(8) % 2 * 2),
}


@pytest.mark.parametrize("case", HANDLED)
@pytest.mark.parametrize("name", ["tiny-decoder", "class-mean", *OURS])
def test_small_and_simple_data_sets_are_fitted(name: str, case: str) -> None:
    """A batch of 16 is larger than each of them: images come again in a batch."""
    generator, dataset = _generator(name), HANDLED[case]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = generator.fit(dataset, batch_size=16, device="cpu", progress=False, steps=2)
    assert (report.images, report.batch_size) == (len(dataset), 16)
    samples = generator.sample(3)
    assert samples.images.shape == (3, 1, 8, 8)
    assert generator.num_classes == len({label for _, label in dataset})
