"""Resampling against OpenCV 5 and torch: float images within 1e-4 of full scale, the float64 reference within 1e-9.

The oracles get their maps from angles, factors and corners, never from a plan, so that signs, order and centres are
compared too.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.engine import reference
from augsynth.testing import strategies as aug

Floats = npt.NDArray[np.float64]
Key = tuple[int, int, int]
HEIGHT, WIDTH = 37, 53
TOLERANCE = 1e-4
EXACT = 1e-9
OPENCV_BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "replicate": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "reflect101": cv2.BORDER_REFLECT_101,
    "wrap": cv2.BORDER_WRAP,
}
# torch reflects about the outermost pixels' centres where the corners are aligned, and about the edges elsewhere.
TORCH_BORDERS = {
    "constant": ("zeros", False),
    "replicate": ("border", False),
    "reflect": ("reflection", False),
    "reflect101": ("reflection", True),
}
FILL = 0.3
few = settings(max_examples=max(20, settings().max_examples // 3))


def noise_image(seed: int, channels: int = 3) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).random((HEIGHT, WIDTH, channels), dtype=np.float32)


def moved(x: float, y: float) -> Floats:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def turned(degrees: float) -> Floats:
    """Counter-clockwise on screen, where y points down."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])


def affine_map(degrees: float, scale: float, shear: tuple[float, float]) -> Floats:
    """Return the map from the source to the output: shear, scale and rotation about the centre, in pixels."""
    across, down = np.tan(np.radians(shear))
    sheared = np.array([[1.0, 0.0, 0.0], [-down, 1.0, 0.0], [0.0, 0.0, 1.0]]) @ np.array(
        [[1.0, -across, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    )
    middle = moved(WIDTH / 2, HEIGHT / 2)
    return middle @ turned(degrees) @ np.diag([scale, scale, 1.0]) @ sheared @ np.linalg.inv(middle)


def by_opencv(image: npt.NDArray[np.float32], forward: Floats, border: str) -> npt.NDArray[np.float32]:
    """OpenCV's picture (C, H, W); it counts positions from the centre of the first pixel."""
    matrix = moved(-0.5, -0.5) @ forward @ moved(0.5, 0.5)
    fill = (FILL,) * 4
    warped = cv2.warpPerspective(
        image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=OPENCV_BORDERS[border], borderValue=fill
    )
    return np.moveaxis(warped, -1, 0)


def positions(forward: Floats, height: int = HEIGHT, width: int = WIDTH) -> Floats:
    """Return the positions (H, W, 2) in the source of the centres of output pixels."""
    y, x = np.mgrid[:height, :width] + 0.5
    found = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(forward).T
    return found[..., :2] / found[..., 2:]


def by_torch(image: npt.NDArray[Any], at: Floats, border: str) -> Floats:
    """torch's picture (C, H, W) in float64, sampled at continuous positions (H, W, 2)."""
    mode, aligned = TORCH_BORDERS[border]
    size = np.array(image.shape[1::-1])
    grid = (at - 0.5) * 2 / (size - 1) - 1 if aligned else at * 2 / size - 1
    source = torch.from_numpy(np.moveaxis(image.astype(np.float64), -1, 0) - FILL)[None]
    sampled = F.grid_sample(source, torch.from_numpy(grid)[None], padding_mode=mode, align_corners=aligned)
    return sampled[0].numpy() + FILL


def by_reference(transform: T.Transform, image: npt.NDArray[np.float32], key: Key) -> Floats:
    """The reference's float64 picture (C, H, W) for the transform's only pass."""
    (one,) = transform.plan([image.shape], [key], dtype="float32").passes
    return reference.render(one.rows[0], image, one.tables)


angles = st.floats(-180, 180)
shears = st.tuples(st.floats(-40, 40), st.floats(-40, 40))


@pytest.mark.parametrize("border", OPENCV_BORDERS)
@few
@given(degrees=angles, scale=st.floats(0.4, 2.5), shear=shears, seed=st.integers(0, 99))
def test_affine_maps_are_those_of_opencv_and_torch(
    isa: str, border: str, degrees: float, scale: float, shear: tuple[float, float], seed: int
) -> None:
    image = noise_image(seed)
    x, y = shear
    transform = T.RandomAffine(
        (degrees, degrees), scale=(scale, scale), shear=(x, x, y, y), border=border, fill=FILL, antialias=False
    )
    forward = affine_map(degrees, scale, shear)
    output = transform(image, key=(0, 0, 0)).numpy()
    np.testing.assert_allclose(output, by_opencv(image, forward, border), rtol=0, atol=TOLERANCE)
    if border in TORCH_BORDERS:
        expected = by_torch(image, positions(forward), border)
        np.testing.assert_allclose(output, expected, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(by_reference(transform, image, (0, 0, 0)), expected, rtol=0, atol=EXACT)


@few
@given(degrees=angles, border=st.sampled_from(sorted(OPENCV_BORDERS)), seed=st.integers(0, 99))
def test_rotations_are_opencvs(isa: str, degrees: float, border: str, seed: int) -> None:
    image = noise_image(seed)
    middle = (WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5)
    expected = cv2.warpAffine(
        image,
        cv2.getRotationMatrix2D(middle, degrees, 1.0),
        (WIDTH, HEIGHT),
        borderMode=OPENCV_BORDERS[border],
        borderValue=(FILL,) * 4,
    )
    output = T.RandomRotation((degrees, degrees), border=border, fill=FILL)(image)
    np.testing.assert_allclose(output.numpy(), np.moveaxis(expected, -1, 0), rtol=0, atol=TOLERANCE)


def homography(points: Floats, images: Floats) -> Floats:
    """The projective map (3, 3) that takes four points to four images: what solves the direct linear transform."""
    equations = []
    for (x, y), (u, v) in zip(points, images, strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y, -u], [0, 0, 0, x, y, 1, -v * x, -v * y, -v]]
    return np.linalg.svd(np.array(equations, np.float64))[2][-1].reshape(3, 3)


@pytest.mark.parametrize("border", OPENCV_BORDERS)
@few
@given(distortion=st.floats(0, 1), key=aug.keys(), seed=st.integers(0, 99))
def test_perspectives_are_opencvs_and_torchs(isa: str, border: str, distortion: float, key: Key, seed: int) -> None:
    image = noise_image(seed)
    transform = T.RandomPerspective(distortion, p=1.0, border=border, fill=FILL)
    corners = np.array([(0.0, 0.0), (WIDTH, 0.0), (WIDTH, HEIGHT), (0.0, HEIGHT)])
    # The new corners are drawn; the map between them is found here.
    output, target = transform(image, {"keypoints": corners}, key=key)
    forward = homography(corners, target["keypoints"])
    if distortion <= 0.5:  # OpenCV's positions are float32, and beyond they lie a thousand pixels away
        opencv = by_opencv(image, forward, border)
        np.testing.assert_allclose(output, opencv, rtol=0, atol=TOLERANCE)
    if border in TORCH_BORDERS:
        expected = by_torch(image, positions(forward), border)
        np.testing.assert_allclose(output, expected, rtol=0, atol=TOLERANCE)
        # Four corners decide a map to a few more places than are asked for here.
        np.testing.assert_allclose(by_reference(transform, image, key), expected, rtol=0, atol=10 * EXACT)


@few
@given(shift=st.tuples(st.floats(0, 1), st.floats(0, 1)), key=aug.keys(), border=st.sampled_from(sorted(TORCH_BORDERS)))
def test_moves_are_torchs(isa: str, shift: tuple[float, float], key: Key, border: str) -> None:
    image = noise_image(5)
    transform = T.RandomTranslate(shift, border=border, fill=FILL)
    output, target = transform(image, {"keypoints": [[0.0, 0.0]]}, key=key)
    by = np.array(target["keypoints"][0])
    assert (np.abs(by) <= np.array(shift) * (WIDTH, HEIGHT)).all()
    expected = by_torch(image, positions(moved(*by)), border)
    np.testing.assert_allclose(output.numpy(), expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(by_reference(transform, image, key), expected, rtol=0, atol=EXACT)


@few
@given(
    degrees=angles,
    margin=st.integers(0, 6),
    size=st.tuples(st.integers(8, 30), st.integers(8, 30)),
    flip=st.booleans(),
    border=st.sampled_from(sorted(TORCH_BORDERS)),
)
def test_a_fused_pipeline_is_one_grid_sample(
    isa: str, degrees: float, margin: int, size: tuple[int, int], flip: bool, border: str
) -> None:
    """Pad, turn, mirror, resize and cut out the middle: five transforms, and one grid for torch."""
    image = noise_image(11)
    declared = {"border": border, "fill": FILL}
    larger = (44, 61)
    pipeline = T.Compose(
        [
            T.Pad(margin, **declared),
            T.RandomRotation((degrees, degrees), **declared),
            T.RandomHorizontalFlip(float(flip)),
            T.Resize(larger, antialias=False),
            T.CenterCrop(size),
        ]
    )
    assert pipeline.explain(image.shape, "float32").startswith("1 pass")
    height, width = HEIGHT + 2 * margin, WIDTH + 2 * margin
    turn = moved(width / 2, height / 2) @ turned(degrees) @ moved(-width / 2, -height / 2)
    mirror = np.array([[-1.0, 0.0, width], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) if flip else np.eye(3)
    resize = np.diag([larger[1] / width, larger[0] / height, 1.0])
    top, left = (round((full - part) / 2) for full, part in zip(larger, size, strict=True))
    forward = moved(-left, -top) @ resize @ mirror @ turn @ moved(margin, margin)
    # Beyond what was padded, too, a pass reflects the image itself.
    expected = by_torch(image, positions(forward, *size), border)
    np.testing.assert_allclose(pipeline(image).numpy(), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@few
@given(size=st.tuples(st.integers(3, 60), st.integers(3, 60)), key=aug.keys(), seed=st.integers(0, 99))
def test_a_resized_crop_is_torchs_resize_of_the_window(
    isa: str, interpolation: str, antialias: bool, size: tuple[int, int], key: Key, seed: int
) -> None:
    """Inside the window; at its edges the filter sees the real pixels beyond, which torch does not know."""
    image = noise_image(seed, channels=2)
    crop = T.RandomResizedCrop(size, (0.2, 1.0), interpolation=interpolation, antialias=antialias)
    corners = {"keypoints": [[0.0, 0.0], [WIDTH, HEIGHT]]}
    output, target = crop(image, corners, key=key)
    (x, y), (right, bottom) = target["keypoints"]
    scale = np.array([right - x, bottom - y]) / (WIDTH, HEIGHT)
    left, top = np.rint(-np.array([x, y]) / scale).astype(int)
    width, height = np.rint(np.array(size[::-1]) / scale).astype(int)
    window = torch.from_numpy(np.moveaxis(image, -1, 0)[:, top : top + height, left : left + width].copy())
    expected = F.interpolate(window[None].double(), size, mode=interpolation, antialias=antialias, align_corners=False)[
        0
    ]
    # So many output pixels have a footprint that reaches beyond the window.
    reach = 2 if interpolation == "bicubic" else 1
    edge = np.ceil(reach * np.maximum(scale, 1.0 if antialias else scale)).astype(int) + 1
    inside = (slice(None), slice(edge[1], size[0] - edge[1]), slice(edge[0], size[1] - edge[0]))
    assume(expected[inside].numel() > 0)
    np.testing.assert_allclose(output[inside].double(), expected[inside], rtol=0, atol=TOLERANCE)
