"""Parameters, keys and shapes in every form that libraries give them: one meaning, or a refusal in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, fields
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth._native.layout import Border
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError
from augsynth.testing import strategies as aug
from augsynth.transforms.examples import examples
from augsynth.transforms.params import numbers, span

IMAGE = np.arange(96, dtype=np.uint8).reshape(4, 8, 3)


class InterpolationMode(Enum):
    """torchvision's has names of this kind."""

    NEAREST = "nearest"
    BICUBIC = "bicubic"


class Quality(Enum):
    SMOOTH = "bicubic"


class Resampling(IntEnum):
    """Pillow's is a number."""

    NEAREST = 0
    BICUBIC = 3


class Name(str):
    def __str__(self) -> str:
        return "something else"


def exactly(value: float, kind: type[np.generic]) -> Any:
    """A number in another type, if that holds it."""
    other = kind(value)  # type: ignore[call-arg]
    return other if other.item() == value else np.array(value)


INTEGERS: list[Callable[[int], Any]] = [
    np.int64,
    lambda value: exactly(value, np.int16),
    np.array,
    torch.tensor,
    lambda value: np.array(value, ">i8"),
]
FLOATS: list[Callable[[float], Any]] = [
    np.float64,
    np.longdouble,
    lambda value: exactly(value, np.float32),
    np.array,
    lambda value: torch.tensor(value, dtype=torch.float64),
    lambda value: torch.tensor(value, dtype=torch.float64, requires_grad=True),
    lambda value: Fraction(value),
]
TEXTS: list[Callable[[str], Any]] = [np.str_, Name, np.array]


def disguised(value: Any, pick: Callable[[list[Any]], Any]) -> Any:
    """The same in another form."""
    if isinstance(value, T.Transform | T.Compose) or value is None:
        return value
    if isinstance(value, bool):
        return pick([bool, np.bool_, np.array, torch.tensor])(value)
    if isinstance(value, tuple):
        inner = [disguised(one, pick) for one in value]
        return pick([list, tuple])(inner)
    forms = {int: INTEGERS, float: FLOATS, str: TEXTS}.get(type(value), [lambda same: same])
    return pick(forms)(value)


def as_given(transform: Any) -> dict[str, Any]:
    return {one.name: getattr(transform, one.name) for one in fields(transform)}


@given(transform=aug.transforms(), data=st.data())
def test_a_parameter_means_the_same_in_every_form(transform: Any, data: st.DataObject) -> None:
    if isinstance(transform, T.Compose):
        return
    given = {
        name: disguised(value, lambda forms: data.draw(st.sampled_from(forms)))
        for name, value in as_given(transform).items()
    }
    made = type(transform)(**given)
    assert made == transform
    assert hash(made) == hash(transform)
    text = json.dumps(made.to_dict(), allow_nan=False)
    assert text == json.dumps(transform.to_dict())
    assert T.from_dict(json.loads(text)) == transform


@pytest.mark.parametrize("sides", [np.array([3, 5]), torch.tensor([3, 5]), [np.int64(3), torch.tensor(5)]])
def test_sizes_out_of_arrays(sides: Any) -> None:
    assert T.Resize(sides) == T.Resize((3, 5))
    assert T.Resize(sides)(IMAGE).shape == (3, 3, 5)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (InterpolationMode.BICUBIC, "bicubic"),
        (Quality.SMOOTH, "bicubic"),
        (Resampling.BICUBIC, "bicubic"),
        (Resampling.NEAREST, "nearest"),
        (np.str_("bicubic"), "bicubic"),
        (Name("bicubic"), "bicubic"),
        (np.array("nearest"), "nearest"),
    ],
)
def test_names_become_names(value: Any, name: str) -> None:
    described = T.Resize(4, interpolation=value).to_dict()
    assert type(described["interpolation"]) is str
    assert described == T.Resize(4, interpolation=name).to_dict()
    assert T.Pad(1, border=Border.WRAP).to_dict()["border"] == "wrap"


def test_torchvisions_and_pillows_own_enums() -> None:
    image = pytest.importorskip("PIL.Image")
    assert T.Resize(4, interpolation=image.Resampling.BICUBIC) == T.Resize(4, interpolation="bicubic")
    with pytest.raises(ArgumentError, match="nearest, bilinear, bicubic, got 'lanczos'"):
        T.Resize(4, interpolation=image.Resampling.LANCZOS)
    torchvision = pytest.importorskip("torchvision.transforms")
    mode = torchvision.InterpolationMode.BICUBIC
    assert (
        T.Resize(4, interpolation=mode) == T.Resize(4, interpolation=mode.value) == T.Resize(4, interpolation="bicubic")
    )
    assert T.AutoAugment(torchvision.AutoAugmentPolicy.SVHN) == T.AutoAugment("svhn")


@pytest.mark.parametrize("dtype", [torch.float32, np.float32, np.dtype("f4"), "float32", np.str_("float32")])
def test_dtypes_become_names(dtype: Any) -> None:
    assert T.ToDtype(dtype).to_dict()["dtype"] == "float32"


@pytest.mark.parametrize("value", [3, Path("wrap"), object(), torch.float32])
def test_what_is_no_name_is_refused(value: Any) -> None:
    with pytest.raises(AugsynthError, match="must be one of constant"):
        T.Pad(1, border=value)


@pytest.mark.parametrize("remembered", [True, False])
@pytest.mark.parametrize("flags", [(True, 5), [1, True], (True, True), np.array([True, False]), torch.tensor([True])])
def test_a_flag_is_no_number_whatever_was_read_before(flags: Any, remembered: bool) -> None:
    for reader in (numbers, span):
        reader.cache_clear()  # type: ignore[attr-defined]
    if remembered:
        T.RandomRotation((1, 5)), T.RandomRotation((1, 1)), T.Normalize([0], [1])
        T.Resize((1, 5)), T.Resize((1, 1))
    for build in (T.RandomRotation, T.Resize, lambda value: T.ColorMatrix([[1, 0], value])):
        with pytest.raises(AugsynthError):
            build(flags)


@pytest.mark.parametrize("flag", [True, np.bool_(True), np.array(True), torch.tensor(True)])
def test_a_flag_alone_is_no_number(flag: Any) -> None:
    for build in (T.RandomHorizontalFlip, T.Resize, T.RandomRotation, T.RandomPosterize, T.MixUp, T.RandAugment):
        with pytest.raises(ArgumentTypeError, match="got True"):
            build(flag)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize("value", [nested(100), nested(100_000), CYCLE], ids=["deep", "deeper", "endless"])
def test_what_is_nested_too_deep_is_refused(value: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: T.RandomRotation(value),
        lambda: T.ToDtype(value),
        lambda: T.RandomApply(value),
        lambda: T.Compose(value),
        lambda: T.DiffAugment(value),
        lambda: T.from_dict({"type": "RandomRotation", "degrees": value}),
        lambda: T.from_dict({"type": "Compose", "transforms": value}),
        lambda: T.from_dict({"type": "RandomRotation", "degrees": {"type": value}}),
        lambda: T.MixUp.from_dict({"type": "MixUp", "num_classes": value}),
        lambda: T.Resize(4).plan(value, [(0, 0, 0)]),
        lambda: T.Resize(4).explain(dtype=value),
    ]
    for call in calls:
        with pytest.raises(AugsynthError):
            call()


ODD = [
    *(float("inf"), -float("inf"), float("nan"), np.array(np.nan), 10**400, -(10**400), 2**63, 1e-320),
    *({}, {"a": 1}, set(), range(2), b"ab", "", 1j, np.complex64(1), np.datetime64("2020"), object(), int, slice(1)),
    *([], (), [[]], [None], np.zeros(0), np.array(None), np.ma.masked_array([1, 2], [0, 1]), Ellipsis),
    *(torch.zeros(2, device="meta"), torch.zeros(2).to_sparse(), torch.device("cpu"), torch.float32, lambda: 0),
    *([float("nan"), 1], [1, float("inf")], ("a", "b"), T.RandomHorizontalFlip(), "\ud800", None, Path("x")),
]


def required(example: T.Transform) -> dict[str, Any]:
    return {
        field.name: getattr(example, field.name)
        for field in fields(example)  # type: ignore[arg-type]
        if field.default is MISSING
    }


@pytest.mark.filterwarnings("ignore:Data type alias")
@pytest.mark.parametrize("example", examples(), ids=lambda example: type(example).__name__)
def test_odd_parameters_are_refused_or_described(example: T.Transform) -> None:
    for field in fields(example):  # type: ignore[arg-type]
        for odd in ODD:
            try:
                made = type(example)(**{**required(example), field.name: odd})
            except AugsynthError:
                continue
            text = json.dumps(made.to_dict(), allow_nan=False)
            beside = getattr(made, "function", getattr(made, "references", None))
            functions = None if beside is None else {made.name: beside}
            assert T.from_dict(json.loads(text), functions=functions) == made


# Mixing, DiffAugment, prefetching --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [T.MixUp, T.CutMix])
def test_batch_mixing_takes_numbers_of_every_kind(kind: Any) -> None:
    plain = kind(3, 0.5)
    for classes, alpha in [
        (np.int64(3), np.float32(0.5)),
        (np.array(3), np.array(0.5)),
        (torch.tensor(3), torch.tensor(0.5)),
    ]:
        assert kind(classes, alpha) == plain
        assert kind.from_dict(json.loads(json.dumps(kind(classes, alpha).to_dict()))) == plain
    images = torch.rand(2, 1, 4, 4)
    expected = kind(3)(images, [0, 2], keys=[(0, 0, 0), (0, 0, 1)])
    for labels in (np.array([0, 2], ">i2"), (np.int64(0), torch.tensor(2)), torch.tensor([0, 2], dtype=torch.uint8)):
        found = kind(3)(images, labels, keys=[(0, 0, 0), (0, 0, 1)])
        assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize("labels", [["a", "b"], "ab", [None, 1], np.array(3), [[0], [1, 2]], 5])
def test_labels_that_are_no_numbers(labels: Any) -> None:
    with pytest.raises(AugsynthError, match="labels must be"):
        T.MixUp(3)(torch.rand(2, 1, 4, 4), labels)


def test_diff_augment_takes_numbers_of_every_kind() -> None:
    images = torch.rand(2, 3, 8, 8)
    keys = [(0, 0, 0), (0, 0, 1)]
    plain = T.DiffAugment(("color", "cutout"), 0.5, value_range=(0, 1), border="wrap")(images, keys=keys)
    odd = T.DiffAugment(
        np.array(["color", "cutout"]), torch.tensor(0.5), value_range=np.array([0, 1]), border=Border.WRAP
    )
    assert torch.equal(odd(images, keys=keys), plain)
    assert odd.extra_repr() == "('color', 'cutout'), 0.5, value_range=(0.0, 1.0), border='wrap'"


@pytest.mark.parametrize(
    "call",
    [
        lambda: T.DiffAugment(5),  # type: ignore[arg-type]
        lambda: T.DiffAugment("color"),
        lambda: T.DiffAugment(border=None),  # type: ignore[arg-type]
        lambda: T.DiffAugment(value_range=3),  # type: ignore[arg-type]
        lambda: T.DiffAugment(strength=True),
        lambda: T.DiffAugment()(IMAGE),
        lambda: T.DiffAugment()(torch.zeros(3, 4, 4)),
        lambda: T.DiffAugment()(torch.zeros(1, 3, 4, 4), uniform=[0.5] * 13),  # type: ignore[arg-type]
        lambda: T.Compose(T.Resize(4)),  # type: ignore[arg-type]
        lambda: T.Compose(5),  # type: ignore[arg-type]
        lambda: T.Resize(4).apply([IMAGE], "plan.npz"),  # type: ignore[call-overload]
        lambda: T.MixUp.from_dict(5),  # type: ignore[arg-type]
        lambda: T.Compose([]).to(10**400),  # type: ignore[arg-type]
    ],
)
def test_other_arguments_of_the_wrong_type(call: Any) -> None:
    with pytest.raises(AugsynthError):
        call()


# Keys and shapes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        np.array([-7, 2, 5]),
        np.array([-7, 2, 5], ">i4"),
        torch.tensor([-7, 2, 5]),
        [-7, 2, 5],
        (np.int64(-7), torch.tensor(2), np.array(5)),
        np.array([2**64 - 7, 2, 5], np.uint64),
    ],
)
def test_keys_of_every_form(key: Any) -> None:
    t = T.RandomRotation(40)
    assert torch.equal(t(IMAGE, key=key), t(IMAGE, key=(-7, 2, 5)))
    assert torch.equal(t.batch([IMAGE], keys=[key]), t.batch([IMAGE], keys=np.array([[-7, 2, 5]])))


@pytest.mark.parametrize("seed", [-(2**63), 2**63 - 1, 0, -1])
def test_every_seed_is_one(seed: int) -> None:
    t = T.RandomRotation(40)
    assert torch.equal(t(IMAGE, key=(seed, 0, 0)), t(IMAGE, key=np.array([seed, 0, 0])))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ((2**63, 0, 5), "64-bit"),
        ((2**64, 0, 5), "64-bit"),
        ((0, 0, -1), "index is -1"),
        ((0, -1, 0), "epoch is -1"),
        ((0, 2**32, 0), "epoch is 4294967296"),
        ((1.0, 0, 5), "must be integers"),
        ((True, False, True), "must be integers"),
        (np.array([1.0, 0, 5]), "must be integers"),
        (("1", "0", "5"), "must be integers"),
        ((None, 0, 0), "must be integers"),
        ((float("nan"), 0, 0), "must be integers"),
        ((1, 2), "shape"),
        (5, "shape"),
        ([[1, 2, 3]], "shape"),
        (torch.zeros(3, dtype=torch.int64, device="meta"), "must be integers"),
    ],
)
def test_keys_that_are_none(key: Any, words: str) -> None:
    with pytest.raises(AugsynthError, match=words):
        T.RandomRotation(40)(IMAGE, key=key)


def test_masked_keys_are_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="masked array"):
        T.RandomRotation(40).batch([IMAGE], keys=np.ma.masked_array([[1, 2, 3]], True))


@pytest.mark.parametrize(
    "shapes",
    [
        [(4, 6, 3)],
        np.array([[4, 6, 3]]),
        torch.tensor([[4, 6, 3]]),
        [torch.Size([4, 6, 3])],
        [(np.int64(4), torch.tensor(6), np.array(3))],
        iter([(4, 6, 3)]),
    ],
)
def test_shapes_of_every_form(shapes: Any) -> None:
    assert T.Resize(3).plan(shapes, [(0, 0, 0)]).passes[0].rows["source_size"].tolist() == [[4, 6]]


@pytest.mark.parametrize(
    "shapes",
    [[(4.5, 6, 3)], [(True, 6)], [(0, 4)], ["ab"], 5, (4, 6, 3), [(2**70, 4)], [(float("nan"), 4)], [4], None, "abc"],
)
def test_shapes_that_are_none(shapes: Any) -> None:
    with pytest.raises(AugsynthError):
        T.Resize(3).plan(shapes, [(0, 0, 0)])


@pytest.mark.parametrize("key", [(True, 0, 0), (0, np.bool_(True), 0), [0, 0, False]])
def test_a_flag_in_a_key_is_no_number(key: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="key must be integers"):
        T.RandomHorizontalFlip()(IMAGE, key=key)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: T.Pad(1, border=None), "border must be one of constant"),  # type: ignore[arg-type]
        (lambda: T.RandomRotation(3, border=None), "border must be one of constant"),  # type: ignore[arg-type]
        (lambda: T.Resize(4, None), "interpolation must be one of nearest"),  # type: ignore[arg-type]
        (lambda: T.Resize(4, antialias=None), "antialias must be True or False"),  # type: ignore[arg-type]
    ],
)
def test_a_user_names_how_pixels_are_read(build: Callable[[], Any], words: str) -> None:
    """With None, the transforms that share the pass would decide."""
    with pytest.raises(AugsynthError, match=words):
        build()
