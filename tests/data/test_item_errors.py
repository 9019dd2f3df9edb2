"""An error of a user's data set or transform says which item it came from, and stays of its class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mixing_toys import Pictures
from torch.utils.data import DataLoader

from augsynth import transforms as T
from augsynth.data import SyntheticMixDataset, collate
from augsynth.errors import DataError


class Odd(Exception):
    """An error that wants two arguments, and holds one."""

    def __init__(self, path: str, line: int) -> None:
        super().__init__(f"{path}:{line}")
        self.line = line


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no message")


class Failing(Pictures):
    """Item 7 cannot be read."""

    def __init__(self, count: int, error: Exception, seed: int = 0) -> None:
        super().__init__(np.zeros(count, np.int64), seed)
        self.error = error

    def __getitem__(self, index: int) -> Any:
        if index == 7:
            raise self.error
        return super().__getitem__(index)


WHERE = "position 7 of epoch 0, real item 7"


@pytest.mark.parametrize(
    "error",
    [IndexError("list index"), KeyError("x"), ValueError(), Odd("a", 3), FileNotFoundError(2, "No such file", "a.jpg")],
    ids=lambda error: type(error).__name__,
)
def test_the_class_stays_and_the_item_is_named(error: Exception) -> None:
    mix = SyntheticMixDataset(Failing(9, error), None, ratio=0)
    with pytest.raises(type(error)) as caught:
        list(mix)
    assert type(caught.value) is type(error)
    assert WHERE in str(caught.value)
    assert str(error).split(":")[0] in str(caught.value)
    assert caught.value.__cause__ is error
    for name in ("line", "errno", "filename"):
        assert getattr(caught.value, name, None) == getattr(error, name, None)


def test_a_decoding_error_keeps_its_class() -> None:
    mix = SyntheticMixDataset(Failing(9, UnicodeDecodeError("utf-8", b"x", 0, 1, "bad")), None, ratio=0)
    with pytest.raises(UnicodeDecodeError, match=WHERE):
        mix[7]


@pytest.mark.parametrize("error", [StopIteration(), Mute()], ids=["the end of a loop", "no message"])
def test_what_would_end_a_loop_or_say_nothing_becomes_a_data_error(error: Exception) -> None:
    mix = SyntheticMixDataset(Failing(9, error), None, ratio=0)
    for read in (lambda: list(mix), lambda: list(DataLoader(mix, 4))):
        with pytest.raises(DataError, match=f"{type(error).__name__}.*{WHERE}"):
            read()


def test_a_worker_sends_the_item_too() -> None:
    mix = SyntheticMixDataset(Failing(9, IndexError("list index")), None, ratio=0)
    loader = DataLoader(mix, 4, num_workers=1, collate_fn=collate, multiprocessing_context="fork")
    with pytest.raises(IndexError, match=WHERE):
        list(loader)


def test_a_synthetic_item_and_a_later_epoch_are_named() -> None:
    mix = SyntheticMixDataset(Pictures([0] * 9), Failing(9, ValueError("torn"), seed=1), ratio=1.0)
    mix.set_epoch(3)
    position = next(p for p in range(9) if mix.source(p).item == 7)
    with pytest.raises(ValueError, match=f"torn .position {position} of epoch 3, synthetic item 7"):
        mix[position]


def bomb(image: Any) -> Any:
    if image[0, 0, 0] == 5:
        raise ZeroDivisionError("nothing to divide by")
    return image


@pytest.mark.parametrize("transform", [bomb, T.Lambda(bomb), T.Compose([T.RandomHorizontalFlip(0.0), T.Lambda(bomb)])])
def test_a_transform_that_fails_names_the_item(transform: Any) -> None:
    mix = SyntheticMixDataset(Pictures([0] * 9), None, ratio=0, transform=transform)
    with pytest.raises(ZeroDivisionError, match=r"nothing to divide by .position 5 of epoch 0, real item 5"):
        mix.__getitems__([3, 5, 7])


def test_a_batch_whose_items_do_not_go_together_is_named_as_a_whole() -> None:
    images = [(np.zeros((4 + number, 4, 3), np.uint8), 0) for number in range(3)]
    mix = SyntheticMixDataset(images, None, ratio=0, transform=T.RandomHorizontalFlip())
    with pytest.raises(ValueError, match="in a batch of 2 from position 1"):
        mix.__getitems__([1, 2])


def test_a_label_that_cannot_be_read_is_named() -> None:
    class Unlabelled(Failing):
        labels = None  # type: ignore[assignment]

        def __init__(self) -> None:
            self.items = Failing(9, KeyError("label"))

        def __len__(self) -> int:
            return 9

        def __getitem__(self, index: int) -> Any:
            return self.items[index]

    with pytest.raises(KeyError, match="item 7 of real, read for its label"):
        SyntheticMixDataset(Unlabelled(), Pictures([0]), ratio=0.5)


def test_an_item_of_another_form_is_named() -> None:
    items: list[Any] = [(np.zeros((4, 4, 3), np.uint8), 0)] * 3
    items[2] = 7
    mix = SyntheticMixDataset(items, None, ratio=0)
    with pytest.raises(TypeError, match="position 2 of epoch 0, real item 2"):
        mix.__getitems__([0, 1, 2])
