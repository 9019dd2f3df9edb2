"""Alpha: what knows colours leaves the last of four channels; all else does to each channel what it does to any."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from augsynth import transforms as T
from augsynth.transforms.examples import examples

Image = npt.NDArray[np.uint8]
REFERENCES = np.random.default_rng(0).integers(0, 99, (3, 9, 8, 3), dtype=np.uint8)
# These know colours. A ColorMatrix says for itself what becomes of each channel.
COLOURS = [
    T.ColorJitter((0.5, 0.5), (1.5, 1.5)),
    T.ColorJitter(saturation=(0.3, 0.3), hue=(0.2, 0.2)),
    T.RandomGrayscale(1.0),
    T.Grayscale(3),
    T.RandomChannelPermutation(),
    T.ChannelDropout((1, 2), fill=9, p=1.0),
    T.PlanckianJitter(3000, p=1.0),
    T.JPEGCompression(30, p=1.0),
    T.RandomShadow(2, p=1.0),
    T.RandomFog(p=1.0),
    T.HistogramMatching(REFERENCES, p=1.0),
    T.FourierDomainAdaptation(REFERENCES, p=1.0),
]
MATRIX = T.ColorMatrix(np.eye(4)[[3, 0, 1, 2]])
NOISE = [
    T.GaussianNoise(),
    T.UniformNoise(),
    T.SaltAndPepperNoise(0.5),
    T.PoissonNoise(5.0),
    T.SpeckleNoise(),
    T.RandomErasing(1.0, value="random"),
]
POLICIES = [T.RandAugment(1, 20), T.TrivialAugmentWide(), T.AutoAugment("cifar10")]
_APART = {type(transform) for transform in (*COLOURS, MATRIX, *NOISE, *POLICIES)}
ALIKE = [
    T.RandomErasing(1.0, value=7),
    *(example for example in examples() if type(example) not in _APART),
]
KEYS = [(0, 0, index) for index in range(60)]


def _image(channels: int) -> Image:
    return np.random.default_rng(channels).integers(0, 256, (12, 14, channels), dtype=np.uint8)


def _done(t: T.Transform, image: Image, key: tuple[int, int, int] = (0, 0, 0)) -> npt.NDArray[Any]:
    return np.moveaxis(t(image, key=key).numpy(), 0, -1)


@pytest.mark.parametrize("t", COLOURS, ids=repr)
def test_what_knows_colours_leaves_alpha(t: T.Transform) -> None:
    image = _image(4)
    for key in KEYS[:8]:
        after = _done(t, image, key)
        np.testing.assert_array_equal(after[..., 3], image[..., 3])
        np.testing.assert_array_equal(after[..., :3], _done(t, image[..., :3], key))


@pytest.mark.parametrize("t", ALIKE, ids=repr)
@pytest.mark.parametrize("channels", [2, 4])
def test_all_else_does_to_each_channel_what_it_does_to_any(t: T.Transform, channels: int) -> None:
    image, order = _image(channels), np.roll(np.arange(channels), 1)
    np.testing.assert_array_equal(_done(t, image[..., order]), _done(t, image)[..., order])


@pytest.mark.parametrize("t", NOISE, ids=repr)
@pytest.mark.parametrize("channels", [2, 4])
def test_noise_is_in_every_channel(t: T.Transform, channels: int) -> None:
    image = _image(channels)
    changed = (_done(t, image) != image).any(axis=(0, 1))
    assert changed.all()


@pytest.mark.parametrize("t", [T.ColorJitter((0.5, 0.5)), T.ColorJitter(contrast=(0.5, 0.5))], ids=repr)
def test_two_channels_are_two_colours(t: T.Transform) -> None:
    image = _image(2)
    np.testing.assert_array_equal(_done(t, image[..., ::-1]), _done(t, image)[..., ::-1])
    assert (_done(t, image) != image).any(axis=(0, 1)).all()


def test_two_channels_change_places_and_a_matrix_moves_what_it_says() -> None:
    image = _image(2)
    seen = {_done(T.RandomChannelPermutation(), image, key).tobytes() for key in KEYS}
    assert seen == {image.tobytes(), image[..., ::-1].tobytes()}
    np.testing.assert_array_equal(_done(MATRIX, _image(4)), _image(4)[..., [3, 0, 1, 2]])


@pytest.mark.parametrize("t", POLICIES, ids=repr)
def test_policies_do_as_their_operations_do(t: T.Transform) -> None:
    """Four equal channels stay equal, except if brightness or contrast changes the first three alone."""
    image = np.repeat(_image(1), 4, axis=2)
    left = 0
    for key in KEYS:
        after = _done(t, image, key)
        assert (after[..., 1:3] == after[..., :1]).all()
        if (after[..., 3] != after[..., 0]).any():
            left += 1
            np.testing.assert_array_equal(after[..., 3], _without_colours(t, image, key))
    assert left


def _without_colours(t: T.Transform, image: Image, key: tuple[int, int, int]) -> npt.NDArray[Any]:
    """The fourth channel after all but the operations on colours: those of black pixels beside it do not reach it."""
    alone = image.copy()
    alone[..., :3] = 0
    return _done(t, alone, key)[..., 3]
