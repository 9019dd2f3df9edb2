"""Matching of histograms and Fourier adaptation: against the published algorithms; the keyed choice of references."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from augsynth import transforms as T
from augsynth.core.scale import full_scale
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.whole_image.fourier_adaptation import adapt_fourier, amplitudes_of
from augsynth.whole_image.histogram_matching import distribution, match_histogram

Picture = npt.NDArray[Any]
KEYS = [(5, 0, index) for index in range(300)]
KINDS: list[Any] = [T.HistogramMatching, T.FourierDomainAdaptation]
BOTH = pytest.mark.parametrize("kind", KINDS)


def picture(seed: int, shape: tuple[int, ...] = (24, 33, 3), dtype: Any = np.uint8, top: float = 1.0) -> Picture:
    values = np.random.default_rng(seed).random(shape) ** 2 * top
    return (values * full_scale(np.dtype(dtype))).astype(dtype)


def matched(source: Picture, template: Picture) -> npt.NDArray[np.float64]:
    """scikit-image's `exposure.match_histograms` for one channel, before its result is cast."""
    _, places, counts = np.unique(source.ravel(), return_inverse=True, return_counts=True)
    levels, template_counts = np.unique(template.ravel(), return_counts=True)
    shares, template_shares = np.cumsum(counts) / source.size, np.cumsum(template_counts) / template.size
    return np.interp(shares, template_shares, levels)[places].reshape(source.shape)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("blend", [1.0, 0.4])
def test_histograms_are_scikit_images(dtype: Any, blend: float) -> None:
    image, reference = picture(1, dtype=dtype), picture(2, (17, 40, 3), dtype, 0.5)
    found = T.HistogramMatching([reference], blend=blend, p=1.0)(image, key=KEYS[0]).permute(1, 2, 0).numpy()
    for channel in range(3):
        own = image[..., channel].astype(np.float64)
        expected = own + blend * (matched(image[..., channel], reference[..., channel]) - own)
        bound = 0.5 + 1e-6 if dtype != np.float32 else 1e-6
        assert np.abs(found[..., channel] - expected).max() <= bound


def test_many_levels_become_quantiles() -> None:
    """The share of values under a quantile is off by less than one of 1,023 steps."""
    reference = np.random.default_rng(0).random((200, 100, 1)).astype(np.float32)
    levels, shares = distribution(reference)
    assert levels.shape == (1, 1024)
    for share in (0.1, 0.5, 0.9):
        assert abs((reference <= np.interp(share, shares[0], levels[0])).mean() - share) < 2 / 1023


def test_references_of_another_dtype_keep_their_light() -> None:
    image, reference = picture(1), picture(2, top=0.5)
    as_float = (reference / 255).astype(np.float32)
    for kind in KINDS:
        one, two = (kind([each], p=1.0)(image, key=KEYS[0]).int() for each in (reference, as_float))
        assert (one - two).abs().max() <= 1


@pytest.mark.parametrize("size", [(24, 33), (25, 40), (8, 8)])
@pytest.mark.parametrize("beta", [0.0, 0.09, 0.3])
def test_low_frequencies_are_those_of_the_paper(size: tuple[int, int], beta: float) -> None:
    """`FDA_source_to_target_np` of Yang and Soatto: the middle of the shifted spectrum, for images of one size."""
    image, reference = picture(1, (*size, 3), np.float32), picture(2, (*size, 3), np.float32)
    source, target = (np.fft.fftshift(np.fft.fft2(one.transpose(2, 0, 1)), axes=(1, 2)) for one in (image, reference))
    amplitude, (height, width) = np.abs(source), size
    b = int(np.floor(min(size) * beta))
    y, x = height // 2, width // 2
    middle = (slice(None), slice(y - b, y + b + 1), slice(x - b, x + b + 1))
    amplitude[middle] = np.abs(target)[middle]
    mixed = np.fft.ifftshift(amplitude * np.exp(1j * np.angle(source)), axes=(1, 2))
    expected = np.clip(np.real(np.fft.ifft2(mixed)), 0, 1)
    found = T.FourierDomainAdaptation([reference], beta, p=1.0)(image, key=KEYS[0]).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_a_reference_of_another_size_counts_periods_for_each_picture() -> None:
    """A smooth picture, sampled at two sizes, gives the same amplitudes to within a thousandth."""

    def smooth(height: int, width: int) -> Picture:
        y, x = (np.arange(height)[:, None] + 0.5) / height, (np.arange(width) + 0.5) / width
        wave = 0.5 + 0.2 * np.cos(2 * np.pi * (2 * x + y)) + 0.1 * np.sin(2 * np.pi * 3 * y)
        return wave[..., None].astype(np.float32)

    np.testing.assert_allclose(amplitudes_of(smooth(20, 30), 4), amplitudes_of(smooth(77, 41), 4), atol=1e-6)
    image = picture(3, (31, 45, 1), np.float32)
    one, two = (T.FourierDomainAdaptation([smooth(*size)], 0.15, p=1.0)(image) for size in ((20, 30), (77, 41)))
    torch.testing.assert_close(one, two, rtol=0, atol=1e-5)


def test_small_pictures_and_references_limit_the_reach() -> None:
    for size, other in (((40, 40), (5, 4)), ((5, 4), (40, 40)), ((1, 9), (7, 7))):
        image, reference = picture(1, (*size, 1)), picture(2, (*other, 1))
        assert T.FourierDomainAdaptation([reference], 0.5, p=1.0)(image).shape == (1, *size)


@BOTH
def test_each_reference_is_as_likely_and_decided_by_the_key(kind: Any) -> None:
    references = np.stack([np.full((4, 5, 1), level, np.uint8) for level in (10, 90, 200)])
    image = np.full((6, 6), 50, np.uint8)
    options: dict[str, Any] = {"beta": 0.0} if kind is T.FourierDomainAdaptation else {}
    t = kind(references, p=0.75, **options)
    together = t.batch([image] * 300, keys=KEYS)[:, 0, 0, 0].tolist()
    counts = {level: together.count(level) for level in set(together)}
    assert set(counts) == {10, 50, 90, 200}
    assert all(50 < count < 102 for count in counts.values())
    assert [int(t(image, key=key)[0, 0, 0]) for key in KEYS[:20]] == together[:20]


@BOTH
def test_a_picture_does_not_depend_on_its_batch(kind: Any) -> None:
    """References with different numbers of levels, and samples with different reach, share one plan."""
    references = [
        picture(1),
        np.full((9, 9, 3), 7, np.uint8),
        picture(2, (30, 20, 3), np.uint16),
        picture(3, (8, 8, 1)),
    ]
    t, images = (
        T.Compose([kind(references, p=0.7), T.Resize((16, 16))]),
        [picture(9, (20 + k, 50, 3)) for k in range(30)],
    )
    together = t.batch(images, keys=KEYS[:30])
    for image, key, found in zip(images, KEYS, together, strict=False):
        assert torch.equal(t(image, key=key), found)


@BOTH
def test_references_may_be_items_of_a_data_set(kind: Any) -> None:
    image, reference = picture(1), picture(2)
    expected = kind([reference], p=1.0)(image, key=KEYS[0])
    for items in (
        [(reference, 3)],
        [{"image": reference, "label": 1}],
        reference[None],
        torch.from_numpy(reference).permute(2, 0, 1)[None],
    ):
        assert torch.equal(kind(items, p=1.0)(image, key=KEYS[0]), expected)


@BOTH
def test_plans_are_stored_and_replayed_without_references(kind: Any, tmp_path: Any) -> None:
    t, images = kind([picture(1), picture(2)], blend=(0.2, 0.9)), [picture(4), picture(5)]
    t.plan([image.shape for image in images], KEYS[:2]).save(tmp_path / "plan.npz")
    again = T.Compose([]).apply(images, T.Plan.load(tmp_path / "plan.npz"))
    assert torch.equal(torch.stack(list(again)), t.batch(images, keys=KEYS[:2]))


@BOTH
def test_descriptions_name_the_references(kind: Any) -> None:
    references = picture(1)[None]
    t = kind(references, name="dusk", p=0.25)
    described = t.to_dict()
    assert described["name"] == "dusk"
    assert T.from_dict(described, functions={"dusk": references}) == t
    assert pickle.loads(pickle.dumps(t)) == t
    assert t != kind(picture(2)[None], name="dusk", p=0.25)
    with pytest.raises(ArgumentError, match="needs reference images 'dusk'"):
        T.from_dict(described)


@BOTH
def test_targets_and_alpha_stay(kind: Any) -> None:
    image, target = picture(1, (12, 13, 4)), {"boxes": [[1.0, 2, 5, 6]], "keypoints": [[3.0, 4.0]]}
    found, moved = kind([picture(2)], p=1.0)(image, target, key=KEYS[0])
    assert moved == target
    np.testing.assert_array_equal(found[3], image[..., 3])


def test_values_that_are_not_numbers_stay() -> None:
    image = np.array([[[0.1], [np.nan], [0.9], [np.inf]]], np.float32)
    found = match_histogram(image, levels=[[0.2, 0.4]], shares=[[0.5, 1.0]], blend=1.0).ravel()
    np.testing.assert_allclose(found, [0.2, np.nan, 0.4, np.inf], atol=1e-6)


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: T.HistogramMatching("photos"), ArgumentTypeError, "EncodedImageFolder"),
        (lambda: T.HistogramMatching([]), ArgumentError, "at least one"),
        (lambda: T.HistogramMatching(7), ArgumentTypeError, "references must be images"),
        (lambda: T.HistogramMatching([picture(1)], blend=2), ArgumentError, "blend"),
        (lambda: T.FourierDomainAdaptation([picture(1)], 0.7), ArgumentError, "beta"),
        (lambda: T.HistogramMatching([picture(1)], p=1.0)(picture(1, (4, 4, 2))), ArgumentError, "3 colours"),
        (lambda: T.HistogramMatching(["x"], p=1.0)(picture(1)), ArgumentTypeError, r"references\[0\]"),
        (lambda: match_histogram(picture(1), levels=[[0.1]], shares=[[1.0]], blend=1), ArgumentError, r"\(3, k\)"),
        (lambda: adapt_fourier(picture(1), amplitudes=[[[0.1]]] * 3, reach=1, blend=1), ArgumentError, "reach"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        make()
