"""Images fitted to a size: the sides and margins of other libraries, exact pixels, and predictions taken back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.plan import Plan
from augsynth.testing import strategies as aug
from augsynth.transforms.windows import PLACES

KEY = (0, 0, 0)
SIDES = st.integers(1, 3000)
LENGTHS = st.integers(1, 1500)


def _output(plan: Plan) -> tuple[int, int]:
    height, width = plan.passes[-1].rows["output_size"][0].tolist()
    return height, width


# Sides ------------------------------------------------------------------------------------------------------------


@given(height=SIDES, width=SIDES, size=LENGTHS)
def test_sides_are_rounded_as_albumentations_rounds_them(height: int, width: int, size: int) -> None:
    for transform, side in ((T.LongestSide(size), max(height, width)), (T.ShortestSide(size), min(height, width))):
        scale = size / float(side)
        expected = tuple(max(1, round(length * scale)) for length in (height, width))
        if max(expected) < 2**15:
            assert _output(transform.plan([(height, width)], [KEY])) == expected


@given(height=SIDES, width=SIDES, size=LENGTHS)
def test_sides_rounded_down_are_torchvisions(height: int, width: int, size: int) -> None:
    short, long = sorted((height, width))
    expected = {short: int(size * short / long), long: size}
    found = _output(T.LongestSide(size, rounding="down").plan([(height, width)], [KEY]))
    assert found == (max(1, expected[height]), max(1, expected[width])) if height != width else found == (size, size)
    if size * long // short < 2**15:
        down = T.ShortestSide(size, rounding="down").plan([(height, width)], [KEY])
        assert _output(down) == _output(T.Resize(size).plan([(height, width)], [KEY]))


@given(height=SIDES, width=SIDES, size=LENGTHS, more=st.integers(0, 500))
def test_the_longer_side_keeps_its_limit(height: int, width: int, size: int, more: int) -> None:
    found = _output(T.ShortestSide(size, max_size=size + more).plan([(height, width)], [KEY]))
    assert max(found) <= size + more
    assert min(found) == size or max(found) == size + more


def test_one_of_several_lengths_is_drawn() -> None:
    plan = T.ShortestSide((480, 512, 544)).plan([(600, 800)] * 300, [(0, 0, k) for k in range(300)])
    sides, counts = np.unique(plan.passes[0].rows["output_size"].min(axis=1), return_counts=True)
    assert sides.tolist() == [480, 512, 544]
    assert counts.min() > 60
    assert not T.ShortestSide(480).draws_numbers


# Letterbox --------------------------------------------------------------------------------------------------------


def _ultralytics(shape: tuple[int, int], frame: tuple[int, int], enlarge: bool) -> tuple[int, int, int, int]:
    """The (height, width) of the image in its frame, and the margins above and to the left."""
    ratio = min(frame[0] / shape[0], frame[1] / shape[1])
    ratio = ratio if enlarge else min(ratio, 1.0)
    height, width = round(shape[0] * ratio), round(shape[1] * ratio)
    return height, width, round((frame[0] - height) / 2 - 0.1), round((frame[1] - width) / 2 - 0.1)


@given(height=SIDES, width=SIDES, frame=st.tuples(st.integers(16, 900), st.integers(16, 900)), enlarge=st.booleans())
def test_a_letterbox_is_ultralytics(height: int, width: int, frame: tuple[int, int], enlarge: bool) -> None:
    expected = _ultralytics((height, width), frame, enlarge)
    if min(expected[:2]) < 1:
        return
    inverse = T.Letterbox(frame, enlarge).plan([(height, width)], [KEY]).passes[-1].rows["inverse"][0]
    size = np.array([height, width]) / inverse[[1, 0], [1, 0]]
    offset = -inverse[[1, 0], 2] / inverse[[1, 0], [1, 0]]
    np.testing.assert_allclose([*size, *offset], expected, atol=1e-6)


@given(data=st.data(), place=st.sampled_from(list(PLACES)))
def test_a_letterbox_is_a_resize_and_padding(isa: str, data: st.DataObject, place: str) -> None:
    image = data.draw(aug.images((9, 23, 3), strided=False))
    box = T.Letterbox((30, 17), position=place, fill=1)
    height, width = 7, 17  # 9 * 17 / 23 = 6.65
    resized = T.Resize((height, width))(image, key=KEY).numpy()
    top = int((30 - height) * PLACES[place][0])
    expected = np.pad(resized, ((0, 0), (top, 30 - height - top), (0, 0)), constant_values=1)
    tolerance = {"uint8": 1, "uint16": 1, "float32": 1e-5}[image.dtype.name]
    np.testing.assert_allclose(box(image, key=KEY).numpy().astype(float), expected.astype(float), atol=tolerance)


def test_an_enlarged_picture_has_no_ramp_at_its_edge(isa: str) -> None:
    framed = T.Letterbox((64, 128), fill=7)(np.full((2, 2), 200, np.uint8), key=KEY)[0]
    assert (framed[:, 32:96] == 200).all()
    assert (framed[:, :32] == 7).all()
    assert (framed[:, 96:] == 7).all()


@given(height=st.integers(8, 400), width=st.integers(8, 400), position=st.sampled_from([*PLACES, "random", "five"]))
def test_predictions_in_a_letterbox_come_back_to_the_original_frame(height: int, width: int, position: str) -> None:
    box = np.array([[1.0, 2.0, width - 3.0, height - 1.5]])
    plan = T.Letterbox((64, 48), position=position).plan([(height, width)], [KEY])
    _, (moved,) = T.Compose([]).apply([np.zeros((height, width), np.uint8)], plan, [{"boxes": box}])
    np.testing.assert_allclose(plan.invert(boxes=moved["boxes"]), box, atol=1e-9)
    inside = moved["boxes"][0]
    assert inside.min() >= 0
    assert inside[2] <= 48
    assert inside[3] <= 64


def test_smaller_images_keep_their_pixels_unless_they_are_enlarged(isa: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    framed = T.Letterbox((8, 11), enlarge=False, position="bottom_left")(image, key=KEY).numpy()
    np.testing.assert_array_equal(framed[:, 3:, :7], np.moveaxis(image, -1, 0))


# Padding ----------------------------------------------------------------------------------------------------------


@given(height=st.integers(1, 80), width=st.integers(1, 80), place=st.sampled_from([*PLACES, "random", "five"]))
def test_padding_if_needed_keeps_the_image_where_it_says(isa: str, height: int, width: int, place: str) -> None:
    image = np.random.default_rng(height).integers(1, 256, (height, width), dtype=np.uint8)
    pad = T.PadIfNeeded((40, 30), divisor=(4, 1), position=place)
    padded = pad(image, key=(1, 2, height))[0].numpy()
    expected = (-(-max(height, 40) // 4) * 4, max(width, 30))
    assert padded.shape == expected
    rows, columns = np.flatnonzero(padded.any(axis=1)), np.flatnonzero(padded.any(axis=0))
    np.testing.assert_array_equal(padded[rows[0] :, columns[0] :][:height, :width], image)
    if place in PLACES:
        room = np.subtract(expected, (height, width))
        assert [rows[0], columns[0]] == np.floor(room * PLACES[place]).tolist()


def test_any_offset_is_drawn() -> None:
    plan = T.PadIfNeeded(6, position="random").plan([(4, 5)] * 300, [(0, 0, k) for k in range(300)])
    offsets = {(-int(y), -int(x)) for y, x in plan.passes[0].rows["inverse"][:, [1, 0], 2]}
    assert offsets == {(y, x) for y in range(3) for x in range(2)}


@given(margins=st.tuples(*[st.integers(-6, 5)] * 4), image=st.just(np.arange(143, dtype=np.uint8).reshape(11, 13)))
def test_negative_margins_cut_off(isa: str, margins: tuple[int, int, int, int], image: np.ndarray) -> None:
    left, top, right, bottom = margins
    if 13 + left + right < 1 or 11 + top + bottom < 1:
        with pytest.raises(ArgumentError, match="leaves nothing of an image of 11x13"):
            T.Pad(margins)(image)
        return
    wide = np.pad(image, 6, constant_values=9)
    expected = wide[6 - top : 17 + bottom, 6 - left : 19 + right]
    np.testing.assert_array_equal(T.Pad(margins, fill=9)(image)[0].numpy(), expected)


# Crops at places --------------------------------------------------------------------------------------------------


@given(height=st.integers(5, 30), width=st.integers(5, 30), size=st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_a_crop_in_the_middle_is_a_centre_crop(height: int, width: int, size: tuple[int, int]) -> None:
    for pads in (False, True):
        if not pads and (size[0] > height or size[1] > width):
            continue
        at, middle = T.CropAt("center", size, pads), T.CenterCrop(size, pads)
        found, expected = (one.plan([(height, width)], [KEY]).passes[0].rows for one in (at, middle))
        np.testing.assert_array_equal(found["inverse"], expected["inverse"])


def test_five_crops_are_torchvisions(isa: str) -> None:
    image = np.arange(7 * 10, dtype=np.uint8).reshape(7, 10)
    corners = {image[y : y + 4, x : x + 5].tobytes() for y in (0, 3) for x in (0, 5)}
    middle = image[2:6, 2:7].tobytes()  # round(3 / 2) = 2 and round(5 / 2) = 2
    seen = {T.CropAt("five", (4, 5))(image, key=(0, 0, k)).numpy().tobytes() for k in range(60)}
    assert seen == {*corners, middle}


def test_a_box_is_cut_out_exactly(isa: str) -> None:
    image = np.arange(7 * 10, dtype=np.uint8).reshape(7, 10)
    np.testing.assert_array_equal(T.CropAt((2, 1, 9, 4))(image)[0].numpy(), image[1:4, 2:9])
    padded = T.CropAt((-1, 5, 3, 9), pad_if_needed=True, fill=3)(image)[0].numpy()
    np.testing.assert_array_equal(padded, np.pad(image, 2, constant_values=3)[7:11, 1:5])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: T.CropAt((2, 1, 11, 4))(np.zeros((7, 10), np.uint8)), "does not fit into an image of 7x10"),
        (lambda: T.CropAt("top", 8)(np.zeros((7, 10), np.uint8)), "does not fit into an image of 7x10"),
        (lambda: T.CropAt("top"), "needs a size"),
        (lambda: T.CropAt((0, 0, 1, 1), 3), "has its own size"),
        (lambda: T.CropAt((0, 0, 0, 1)), "x1 < x2"),
        (lambda: T.CropAt("middle", 3), "center, top_left"),
        (lambda: T.CropAt((1, 2, 3)), "a box"),
        (lambda: T.PadIfNeeded(), "a size or a divisor"),
        (lambda: T.PadIfNeeded(3, position="middle"), "'random'"),
        (lambda: T.LongestSide(()), "several"),
        (lambda: T.LongestSide(3, rounding="up"), "nearest or down"),
        (lambda: T.ShortestSide((3, 9), max_size=8), "at least size, 9"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make()  # type: ignore[operator]


# Rotation about a point, on a canvas that grows -------------------------------------------------------------------


@given(angle=st.floats(-200, 200), x=st.floats(-20, 40), y=st.floats(-20, 40))
def test_a_grown_canvas_holds_the_whole_picture_turned_about_the_point(angle: float, x: float, y: float) -> None:
    rotation = T.RandomRotation((angle, angle), expand=True, center=(x, y))
    row = rotation.plan([(11, 17)], [KEY]).passes[0].rows[0]
    forward = np.linalg.inv(row["inverse"])
    corners = np.array([(0, 0, 1), (17, 0, 1), (17, 11, 1), (0, 11, 1)]) @ forward[:2].T
    assert corners.min() > -1e-5
    assert (corners <= row["output_size"][::-1] + 1e-5).all()
    spare = row["output_size"][::-1] - np.ptp(corners, axis=0)
    assert (spare < 2).all()
    # The point stays, up to the whole pixels by which the frame begins elsewhere.
    moved = forward[:2] @ (x, y, 1) - (x, y)
    np.testing.assert_allclose(moved, np.rint(moved), atol=1e-6)
