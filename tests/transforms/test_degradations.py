"""Medians, lines of motion and JPEG: against OpenCV, closed formulas and Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.errors import ArgumentError
from augsynth.testing import strategies as aug
from augsynth.whole_image.median_blur import median_blur
from augsynth.whole_image.motion_blur import line_kernel, motion_blur

KEY = (0, 0, 0)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_medians_are_opencvs(size: int) -> None:
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(size).integers(0, 256, (19, 23, 3), dtype=np.uint8)
    found = T.MedianBlur(size, p=1.0)(image, key=KEY)
    np.testing.assert_array_equal(found.permute(1, 2, 0), cv2.medianBlur(image, size))


@given(image=aug.images(), size=st.sampled_from([1, 3, 5]))
def test_medians_are_those_of_the_neighbours(image: np.ndarray, size: int) -> None:
    image = image[:40, :40]
    found = median_blur(image, kernel_size=size)
    reach = size // 2
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    for y, x in ((0, 0), (len(image) // 2, image.shape[1] // 2), (-1, -1)):
        row, column = y % len(image), x % image.shape[1]
        window = padded[row : row + size, column : column + size].reshape(-1, image.shape[2])
        np.testing.assert_array_equal(found[y, x], np.sort(window, axis=0)[size * size // 2])


def test_sizes_of_squares_are_odd_and_equally_likely() -> None:
    plan = T.MedianBlur((3, 7), p=1.0).plan([(4, 4)] * 900, [(0, 0, k) for k in range(900)])
    sizes, counts = np.unique(plan.steps[0].parameters["kernel_size"], return_counts=True)  # type: ignore[union-attr]
    assert sizes.tolist() == [3, 5, 7]
    assert counts.min() > 220


@given(length=st.floats(1, 40), angle=st.floats(-400, 400))
def test_lines_are_centred_and_as_long_as_they_say(length: float, angle: float) -> None:
    kernel = line_kernel(length, angle)
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-6)
    y, x = np.indices(kernel.shape) - len(kernel) // 2
    turn = np.radians(angle)
    along = x * np.cos(turn) - y * np.sin(turn)
    # A uniform line of that length, on whole pixels.
    assert (kernel * along**2).sum() == pytest.approx(length**2 / 12, abs=0.35 + 0.1 * length)


@pytest.mark.parametrize("angle", [0, 90, 180, -90, 45, 30, 135])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5.5, 9])
def test_a_flat_image_stays_flat(length: float, angle: float) -> None:
    for value, dtype in ((77, np.uint8), (1234, np.uint16), (0.25, np.float32)):
        flat = np.full((6, 7, 2), value, dtype)
        np.testing.assert_allclose(motion_blur(flat, length=length, angle=angle), flat, rtol=1e-6)


def test_motion_runs_counter_clockwise_from_the_x_axis() -> None:
    spot = np.zeros((21, 21, 1), np.float32)
    spot[10, 10] = 1
    blurred = motion_blur(spot, length=15.0, angle=45.0)[..., 0]
    assert blurred[5, 15] > 0.02  # up and to the right
    assert blurred[15, 15] == 0
    expected = np.where(abs(np.arange(21) - 10) <= 2, 0.2, 0)
    np.testing.assert_allclose(motion_blur(spot, length=5.0, angle=0.0)[10, :, 0], expected, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_pillows(channels: int) -> None:
    from PIL import Image

    image = np.random.default_rng(0).integers(0, 256, (17, 22, channels), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if channels == 1 else image).save(file, "JPEG", quality=40)
    expected = np.asarray(Image.open(file)).reshape(image.shape)
    found = T.JPEGCompression(40, p=1.0)(image, key=KEY)
    np.testing.assert_array_equal(found.permute(1, 2, 0), expected)
    as_float = T.JPEGCompression(40, p=1.0)((image / 255.0).astype(np.float32), key=KEY)
    np.testing.assert_allclose(as_float.permute(1, 2, 0), expected / 255.0, atol=1e-6)


def test_targets_stay_where_they_are() -> None:
    t = T.Compose([T.MedianBlur(3, p=1.0), T.MotionBlur(p=1.0), T.JPEGCompression(p=1.0)])
    target = {"boxes": [[1.0, 2, 5, 6]], "keypoints": [[3.0, 4.0]]}
    assert t(np.zeros((8, 8, 3), np.uint8), target)[1] == target


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: T.MedianBlur(4), "odd"),
        (lambda: T.MedianBlur((3, 65)), "at most 31"),
        (lambda: T.MotionBlur(0.5), "length"),
        (lambda: T.JPEGCompression((90, 10)), "lowest, highest"),
        (lambda: T.JPEGCompression(0), "at least 1"),
        (lambda: T.JPEGCompression()(np.zeros((4, 4, 2), np.uint8)), "1 \\(grey\\), 3 or 4 channels"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make()  # type: ignore[operator]
