"""Samples are a function of their seed, position and label, to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from generators.toy import ClassMean, TinyDecoder
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentTypeError, AugsynthError, PluginError
from augsynth.generators import CapabilityError, NotFittedError, Samples, to_signed, to_uint8

LABELS = (torch.arange(40) * 7) % 3


class Convolutional(TinyDecoder):
    """A decoder whose matrix product and convolutions give other last bits for other batch sizes."""

    @dataclass(frozen=True)
    class Config(TinyDecoder.Config):
        pass

    tile = 8

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        return {
            "decoder": nn.Sequential(
                nn.Linear(self.config.latent, 256),
                nn.SiLU(),
                nn.Unflatten(1, (16, 4, 4)),
                nn.Upsample(scale_factor=2),
                nn.Conv2d(16, 64, 3, padding=1),
                nn.GroupNorm(4, 64),
                nn.SiLU(),
                nn.Conv2d(64, image_shape[0], 3, padding=1),
            ),
            "embedding": nn.Embedding(num_classes or 1, self.config.latent),
        }


@pytest.fixture(scope="module")
def fitted() -> Convolutional:
    generator = Convolutional()
    pixels = torch.randint(0, 256, (30, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    generator.fit(TensorDataset(pixels, torch.arange(30) % 3), steps=3, device="cpu", progress=False)
    return generator


@pytest.fixture(scope="module")
def whole(fitted: Convolutional) -> Samples:
    return fitted.sample(40, labels=LABELS, seed=5)


@settings(deadline=None, max_examples=30)
@given(start=st.integers(0, 39), count=st.integers(0, 40), batch_size=st.integers(1, 100))
def test_any_cut_in_any_batches_is_the_same(
    fitted: Convolutional, whole: Samples, start: int, count: int, batch_size: int
) -> None:
    stop = min(start + count, 40)
    part = fitted.sample(stop - start, labels=LABELS[start:stop], seed=5, start=start, batch_size=batch_size)
    assert torch.equal(part.images, whole.images[start:stop])
    assert part.labels is not None
    assert torch.equal(part.labels, LABELS[start:stop])


def test_networks_always_see_whole_tiles(fitted: Convolutional, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    generate = fitted.generate

    def spy(noise: Any, labels: Any, guidance: Any) -> Any:
        sizes.append((len(noise), len(labels)))
        return generate(noise, labels, guidance)

    monkeypatch.setattr(fitted, "generate", spy)
    fitted.sample(3, start=7, batch_size=1)
    assert sizes == [(8, 8), (8, 8)]


def test_other_neighbours_do_not_change_a_sample(fitted: Convolutional, whole: Samples) -> None:
    labels = LABELS.clone()
    labels[::2] = (labels[::2] + 1) % 3
    other = fitted.sample(40, labels=labels, seed=5)
    assert torch.equal(other.images[1::2], whole.images[1::2])
    assert not torch.equal(other.images[::2], whole.images[::2])


def test_seeds_differ(fitted: Convolutional, whole: Samples) -> None:
    assert not torch.equal(fitted.sample(40, labels=LABELS, seed=6).images, whole.images)


def test_default_labels_go_round_the_classes(fitted: Convolutional) -> None:
    assert fitted.sample(5, start=4).labels.tolist() == [1, 2, 0, 1, 2]  # type: ignore[union-attr]


LABEL_FORMS: dict[str, Any] = {
    "list": [2, 0, 1],
    "tuple of NumPy's": (np.int64(2), np.uint8(0), np.int32(1)),
    "0-d tensors": [torch.tensor(2), torch.tensor(0), torch.tensor(1)],
    "0-d arrays": [np.array(2), np.array(0), np.array(1)],
    "uint64": np.array([2, 0, 1], np.uint64),
    "another order of bytes": np.array([2, 0, 1], ">i4"),
    "bytes of a tensor": torch.tensor([2, 0, 1], dtype=torch.uint8),
    "a range": range(2, -1, -1),
}


@pytest.mark.parametrize("form", LABEL_FORMS)
def test_labels_come_in_any_form_of_integers(fitted: Convolutional, form: str) -> None:
    drawn = fitted.sample(3, labels=LABEL_FORMS[form])
    assert drawn.labels is not None
    assert drawn.labels.tolist() == ([2, 1, 0] if form == "a range" else [2, 0, 1])


@pytest.mark.parametrize("one", [1, np.int64(1), np.array(1), torch.tensor(1), np.uint8(1)])
def test_one_label_is_that_of_all(fitted: Convolutional, one: Any) -> None:
    assert fitted.sample(3, labels=one).labels.tolist() == [1, 1, 1]  # type: ignore[union-attr]


def test_each_module_keeps_its_mode(images: TensorDataset) -> None:
    generator = TinyDecoder()
    generator.fit(images, steps=1, progress=False)
    dropout = next(module for module in generator.networks.modules() if isinstance(module, nn.Dropout))
    dropout.train()
    assert torch.equal(generator.sample(3).images, generator.sample(3).images)
    assert dropout.training
    assert not generator.networks.training


def test_guidance_is_passed_on(fitted: Convolutional, whole: Samples) -> None:
    assert not torch.equal(fitted.sample(40, labels=LABELS, seed=5, guidance=4.0).images, whole.images)
    assert torch.equal(fitted.sample(40, labels=LABELS, seed=5, guidance=1.0).images, whole.images)


BAD_REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "negative n": ({"n": -1}, "n must be at least 0, got -1"),
    "fractional n": ({"n": 1.5}, "n must be an integer, got 1.5"),
    "negative start": ({"n": 1, "start": -1}, "start must be at least 0"),
    "batch_size 0": ({"n": 1, "batch_size": 0}, "batch_size must be at least 1"),
    "label too high": ({"n": 2, "labels": [0, 3]}, r"labels must lie in 0…2, got 0…3"),
    "label negative": ({"n": 1, "labels": -1}, r"0…2, got -1…-1"),
    "too many labels": ({"n": 1, "labels": [0, 0]}, r"one class or 1 of them, got shape \(2,\)"),
    "labels in words": ({"n": 2, "labels": "ab"}, "labels must be integers, got"),
    "labels of words": ({"n": 1, "labels": ["a"]}, "labels must be integers, got"),
    "labels beyond numbers": ({"n": 1, "labels": [2**70]}, "labels must be integers, got object"),
    "labels near the end": ({"n": 1, "labels": np.array([2**64 - 1], np.uint64)}, r"0…2, got 18446744073709551615…"),
    "ragged labels": ({"n": 2, "labels": [[0], [1, 2]]}, "labels must be integers"),
    "one-hot labels": ({"n": 3, "labels": torch.eye(3, dtype=torch.int64)}, r"got shape \(3, 3\)"),
    "truth values": ({"n": 1, "labels": [True]}, "labels must be integers, got bool"),
    "guidance in words": ({"n": 1, "guidance": "much"}, "guidance must be a finite number, got 'much'"),
    "endless guidance": ({"n": 1, "guidance": float("inf")}, "guidance must be a finite number"),
    "several n": ({"n": np.array([1, 2])}, "n must be an integer"),
    "float labels": ({"n": 1, "labels": [0.0]}, "labels must be integers"),
    "seed": ({"n": 1, "seed": 0.5}, "64-bit integer"),
    "device": ({"n": 1, "device": "toaster"}, "device 'toaster' cannot be used"),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_bad_requests_are_refused(fitted: Convolutional, case: str) -> None:
    options, message = BAD_REQUESTS[case]
    with pytest.raises(AugsynthError, match=message):
        fitted.sample(**options)


def test_undeclared_capabilities_are_refused_by_name(images: TensorDataset) -> None:
    generator = ClassMean()
    generator.fit(images, steps=1, progress=False)
    with pytest.raises(CapabilityError, match="does not offer 'guide'; it declares conditional"):
        generator.sample(1, guidance=2.0)
    pixels = images.tensors[0]
    for call in (
        lambda: generator.vary(pixels, 0.5),
        lambda: generator.edit(pixels, "smile", 0.5),
        lambda: generator.translate(pixels, 1),
        lambda: generator.refine(pixels, torch.mean, 2),
        lambda: generator.interpolate(pixels, pixels, 2),
    ):
        with pytest.raises(CapabilityError, match="does not offer"):
            call()


def test_before_fit_only_fitting_is_possible() -> None:
    generator = ClassMean()
    for call in (lambda: generator.sample(1), lambda: generator.save("nowhere"), lambda: generator.image_shape):
        with pytest.raises(NotFittedError, match="'class-mean' is not fitted yet"):
            call()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(8, 1, 8, 7), r"must draw float \(8, 1, 8, 8\); it gave torch.float32 \(8, 1, 8, 7\)"),
        (torch.zeros(7, 1, 8, 8), r"it gave torch.float32 \(7, 1, 8, 8\)"),
        (torch.zeros(8, 1, 8, 8, dtype=torch.uint8), "it gave torch.uint8"),
        (torch.full((8, 1, 8, 8), torch.nan), "not finite"),
    ],
)
def test_what_a_plugin_draws_is_checked(
    fitted: Convolutional, monkeypatch: pytest.MonkeyPatch, images: torch.Tensor, message: str
) -> None:
    monkeypatch.setattr(fitted, "generate", lambda noise, labels, guidance: images)
    with pytest.raises(PluginError, match=message):
        fitted.sample(3)


def test_image_methods_run_in_tiles(fitted: Convolutional, images: TensorDataset) -> None:
    pixels, seen = images.tensors[0][:11], []

    def draw(noise: Any, labels: Any, sources: torch.Tensor) -> torch.Tensor:
        seen.append((len(noise), labels, len(sources)))
        return sources

    assert torch.equal(fitted.map_tiles(draw, pixels), pixels)
    assert seen == [(8, None, 8), (8, None, 8)]
    walk = fitted.map_tiles(lambda noise, labels, a, b: torch.stack([a, b], 1), pixels, pixels.flip(0))
    assert torch.equal(walk, torch.stack([pixels, pixels.flip(0)], 1))
    with pytest.raises(ArgumentTypeError, match=r"images must be uint8 \(11, 1, 8, 8\)"):
        fitted.map_tiles(draw, pixels.float())


def test_network_values_and_uint8_convert_both_ways() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_signed(levels)), levels)
    assert to_uint8(torch.tensor([-3.0, -1.0, 1.0, 7.0])).tolist() == [0, 0, 255, 255]
    assert to_signed(levels).dtype == torch.float32


def test_samples_are_a_data_set() -> None:
    images, labels = torch.arange(2 * 3, dtype=torch.uint8).reshape(2, 1, 1, 3), torch.tensor([4, 5])
    samples = Samples(images, labels)
    assert [(image.tolist(), label) for image, label in samples] == [([[[0, 1, 2]]], 4), ([[[3, 4, 5]]], 5)]  # type: ignore[misc]
    assert torch.equal(Samples(images)[1], images[1])  # type: ignore[arg-type]
    for wrong in ((images.float(), None), (images[0], None), (images, labels.int()), (images, labels[:1])):
        with pytest.raises(ArgumentTypeError, match="must be"):
            Samples(*wrong)
