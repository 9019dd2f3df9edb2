"""Images of every kind that libraries have: read as what they show, or refused with what to do."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.masked import masked_tensor

from augsynth import transforms as T
from augsynth.core.images import as_batch, as_view, plain_arrays
from augsynth.core.pillow import MODES
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, DataError

Image = pytest.importorskip("PIL.Image")

BYTES = np.arange(96, dtype=np.uint8).reshape(4, 8, 3)
FLOATS = torch.linspace(0, 1, 96).reshape(3, 4, 8)
FLIP = T.RandomHorizontalFlip(1.0)


def fake(device: str = "cpu", shape: tuple[int, ...] = (3, 4, 8)) -> torch.Tensor:
    with FakeTensorMode():
        return torch.empty(shape, device=device)


def refusal(image: Any) -> str:
    with pytest.raises(AugsynthError) as caught:
        FLIP(image)
    return str(caught.value)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (torch._neg_view(FLOATS), -FLOATS),
        (torch._neg_view(FLOATS)[:, ::2], -FLOATS[:, ::2]),
        (nn.Parameter(FLOATS).detach(), FLOATS),
        (BYTES.view(np.memmap), BYTES),
        (BYTES[::-1, ::-1, ::-1], BYTES[::-1, ::-1, ::-1]),
        (np.broadcast_to(BYTES[:1], (4, 8, 3)), np.repeat(BYTES[:1], 4, axis=0)),
    ],
    ids=["negative bit", "negative bit, strided", "parameter", "memmap", "backwards", "zero stride"],
)
def test_what_is_read_as_it_shows(image: Any, expected: Any) -> None:
    if isinstance(expected, np.ndarray):
        expected = torch.from_numpy(expected.copy())
        expected = expected.permute(2, 0, 1) if expected.ndim == 3 else expected[None]
    assert torch.equal(FLIP(image), expected.flip(-1))
    assert torch.equal(FLIP.batch([image, image])[1], expected.flip(-1))


def test_read_only_and_negative_batches() -> None:
    frozen = np.stack([BYTES, BYTES])
    frozen.flags.writeable = False
    assert torch.equal(FLIP.batch(frozen), FLIP.batch(frozen.copy()))
    assert torch.equal(FLIP.batch(torch._neg_view(FLOATS[None])), FLIP.batch(-FLOATS[None]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: np.ma.masked_array(BYTES, BYTES > 5), "masked array.*filled"),
        (lambda: fake(), "FakeTensor, expected an ordinary tensor"),
        (lambda: fake("cuda"), "FakeTensor"),
        (lambda: masked_tensor(FLOATS, FLOATS > 0.5), "MaskedTensor"),
        (lambda: torch.nested.nested_tensor([FLOATS, FLOATS]), "nested.*unbind"),
        (lambda: FLOATS.to_sparse(), r"sparse_coo.*call \.to_dense"),
        (lambda: torch.quantize_per_tensor(FLOATS, 0.1, 0, torch.quint8), r"quint8.*call \.dequantize"),
        (lambda: FLOATS.to("meta"), "meta device"),
        (lambda: FLOATS.double(), "got torch.float64: convert it first to float32"),
        (lambda: FLOATS.bfloat16(), "got torch.bfloat16: convert it first to float32"),
        (lambda: BYTES.astype(np.int64), r"got int64: convert it first to uint8 or uint16 if .* 2\*\*24"),
        (lambda: BYTES.astype(np.int16), "got int16: .* holds all its values"),
        (lambda: BYTES > 5, "got bool: convert it first to uint8, with 255 or 1"),
        (lambda: BYTES.astype(">u2"), r"byte order of this machine, got >u2: .*astype\(np.uint16\)"),
        (lambda: BYTES[..., 0].astype(">f4"), r"got >f4: .*astype\(np.float32\)"),
        (lambda: np.zeros((3, 40, 40), np.uint8), r"\(C, H, W\), pass np.moveaxis"),
        (lambda: torch.zeros(40, 40, 3), r"\(H, W, C\), pass its .permute\(2, 0, 1\)"),
        (lambda: BYTES[None], r"give several images to .batch"),
        (lambda: BYTES[0, 0], r"\(H, W, C\) or \(H, W\), got \(3,\)"),
        (lambda: np.array(5, np.uint8), r"got \(\)"),
        (lambda: np.uint8(5), "got uint8"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_is_refused_says_what_to_do(make: Any, words: str) -> None:
    image = make()
    for given in (lambda: FLIP(image), lambda: FLIP.batch([image, image])):
        with pytest.raises(AugsynthError, match=words):
            given()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: np.ma.masked_array(BYTES[None], True), "masked array"),
        (lambda: fake("cuda", (2, 3, 4, 8)), "FakeTensor"),
        (lambda: torch.nested.nested_tensor([FLOATS, FLOATS]), "nested"),
        (lambda: torch.zeros(2, 3, 4, 8, device="meta"), "meta device"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_batches_of_no_values_are_refused(make: Any, words: str) -> None:
    with pytest.raises(ArgumentTypeError, match=words):
        FLIP.batch(make())


def test_inside_a_map_of_torch_func() -> None:
    with pytest.raises(ArgumentTypeError, match="no values that can be read here"):
        torch.func.vmap(FLIP)(torch.zeros(2, 3, 4, 8))


def test_inside_a_fake_mode() -> None:
    with FakeTensorMode(), pytest.raises(ArgumentTypeError, match="no values that can be read here"):
        FLIP(BYTES, key=(0, 0, 0))


def test_only_plain_arrays_are_taken_unseen() -> None:
    assert plain_arrays([BYTES, BYTES.view(np.memmap)]) is not None
    assert plain_arrays([BYTES, np.ma.masked_array(BYTES, True)]) is None


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_subclass_is_read_as_an_array() -> None:
    view = as_view(np.matrix(BYTES[..., 0]))
    assert type(view) is np.ndarray
    np.testing.assert_array_equal(view[..., 0], BYTES[..., 0])


# PIL -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_modes_that_are_read_show_their_own_values(mode: str) -> None:
    if mode.startswith("I;16"):
        expected = np.arange(300, 332, dtype=np.uint16).reshape(4, 8)
        stored = expected.astype(">u2" if mode == "I;16B" else "=u2" if mode == "I;16N" else "<u2")
        image = Image.frombytes(mode, (8, 4), stored.tobytes())
    else:
        image = Image.fromarray(BYTES).convert(mode)
        expected = np.asarray(image)
    found = as_view(image)
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, expected.reshape(4, 8, -1))
    assert torch.equal(FLIP(image)[0], torch.from_numpy(expected.reshape(4, 8, -1)[:, ::-1, 0].copy()))


@pytest.mark.parametrize(
    ("mode", "advice"),
    [
        ("1", "convert('L')"),
        ("P", "convert('RGB')"),
        ("PA", "convert('RGBA')"),
        ("La", "convert('LA')"),
        ("RGBa", "convert('RGBA')"),
        ("RGBX", "convert('RGB')"),
        ("CMYK", "convert('RGB')"),
        ("YCbCr", "convert('RGB')"),
        ("HSV", "convert('RGB')"),
    ],
)
def test_the_conversion_that_is_advised_works(mode: str, advice: str) -> None:
    image = Image.new(mode, (8, 4))
    message = refusal(image)
    assert f"mode {mode!r}" in message
    assert f"call .{advice}" in message
    assert FLIP(image.convert(advice.split("'")[1])).shape[1:] == (4, 8)


def test_the_channels_of_other_colour_spaces_may_be_taken_as_they_are() -> None:
    for mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        image = Image.new(mode, (8, 4), tuple(range(9, 9 + len(Image.new(mode, (1, 1)).getbands()))))
        assert "np.asarray(image)" in refusal(image)
        assert FLIP(np.asarray(image))[:, 0, 0].tolist() == np.asarray(image)[0, 0].tolist()


def test_the_advice_for_32_bit_integers_keeps_16_bits() -> None:
    values = np.array([[0, 300, 65535]], np.int32)
    image = Image.fromarray(values)
    assert image.mode == "I"
    message = refusal(image)
    assert "convert(" not in message
    assert "np.asarray(image).astype(np.uint16)" in message
    assert FLIP(np.asarray(image).astype(np.uint16)).tolist() == [values[:, ::-1].tolist()]


def photo(orientation: int, form: str = "jpeg") -> Any:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(BYTES).save(file, form, exif=exif)
    return Image.open(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_photo_that_exif_would_turn_is_refused(orientation: int, form: str) -> None:
    image = photo(orientation, form)
    for given in (image, image.convert("L"), image.resize((5, 5))):
        message = refusal(given)
        assert f"orientation is {orientation}" in message
        assert "PIL.ImageOps.exif_transpose(image)" in message
        assert "np.asarray(image)" in message
    with pytest.raises(ArgumentError, match=r"images\[1\] is a PIL image whose Exif"):
        as_batch([Image.fromarray(BYTES), image])


def test_what_is_advised_for_a_turned_photo_works() -> None:
    from PIL import ImageOps

    image = photo(6, "png")
    upright = FLIP(ImageOps.exif_transpose(image))
    assert torch.equal(upright, FLIP(np.rot90(BYTES, -1)))
    assert torch.equal(FLIP(np.asarray(image)), FLIP(BYTES))


def test_a_file_that_pillow_turns_itself_is_upright() -> None:
    assert torch.equal(FLIP(photo(6, "tiff")), FLIP(np.rot90(BYTES, -1)))


@pytest.mark.parametrize("orientation", [0, 1, 9, 65535])
def test_an_orientation_that_turns_nothing_is_none(orientation: int) -> None:
    assert FLIP(photo(orientation)).shape == (3, 4, 8)


def test_a_picture_that_cannot_be_decoded_is_named() -> None:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(file, "jpeg")
    truncated = Image.open(io.BytesIO(file.getvalue()[:-800]))
    closed = Image.new("RGB", (8, 4))
    closed.close()
    for image in (truncated, closed):
        with pytest.raises(DataError, match=r"cannot decode images\[1\]"):
            FLIP.batch([BYTES, image])


def test_a_damaged_exif_note_is_none() -> None:
    image = Image.fromarray(BYTES)
    image.info["exif"] = b"Exif\x00\x00damaged"
    assert FLIP(image).shape == (3, 4, 8)
