"""A fit that has failed stops early, says what to change, and leaves its last sound checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from generators.toy import ClassMean, TinyDecoder
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from augsynth.generators import Noise, Step, TrainingError
from augsynth.generators.toolkit import TrainingOptions, option

FIT: dict[str, Any] = {"batch_size": 8, "device": "cpu", "progress": False}


class Fading(ClassMean):
    """A generator whose noise is multiplied by `sigma`, from step `from_step` on."""

    @dataclass(frozen=True)
    class Config(TrainingOptions):
        sigma: float = option(1.0, at_least=0)
        from_step: int = option(0, at_least=0)
        beta: float = option(4.0, above=0)

    config: Config

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        means = self.networks["means"]
        faded = int(means.count.sum()) >= 8 * self.config.from_step  # type: ignore[operator]
        mean = means.total / means.count.clamp(min=1)[:, None, None, None]  # type: ignore[operator, union-attr]
        return mean[labels] + (self.config.sigma if faded else 0.3) * noise.normal(*self.image_shape)


class Unlabelled(Fading):
    capabilities = frozenset()

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        return super().build(image_shape, 1)

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        return super().training_step(images, torch.zeros(len(images), dtype=torch.int64), step)

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        return super().generate(noise, torch.zeros(len(noise), dtype=torch.int64), guidance)


@pytest.mark.parametrize("kind", [Fading, Unlabelled])
def test_samples_that_are_one_image_stop_the_fit(images: TensorDataset, kind: type[Fading]) -> None:
    whose = "of each class " if kind is Fading else ""
    with pytest.raises(
        TrainingError,
        match=rf"the samples {whose}collapsed into one image before step 250: their standard deviation is .*, "
        r"that of the images 0\.\d+; lower learning_rate \(now 0.002\) or lower beta \(now 4.0\)$",
    ):
        kind.configure(sigma=1e-4).fit(images, steps=1000, **FIT)


def test_the_checkpoint_before_the_collapse_stays(images: TensorDataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"before step 500: .*; .* holds the checkpoint of step 400$"):
        Fading.configure(sigma=0, from_step=450).fit(
            images, steps=1000, checkpoint_dir=tmp_path, checkpoint_every=100, **FIT
        )
    assert len(Fading.load(tmp_path).sample(6).images.unique(dim=0)) == 6


def test_short_fits_and_sound_ones_are_left_alone(images: TensorDataset) -> None:
    Fading.configure(sigma=0).fit(images, steps=199, **FIT)
    Fading.configure(sigma=0.05).fit(images, steps=250, **FIT)


def test_images_that_do_not_differ_ask_for_nothing(images: TensorDataset) -> None:
    one = TensorDataset(images.tensors[0][:1].repeat(9, 1, 1, 1), torch.arange(9) % 3)
    Fading.configure(sigma=0).fit(one, steps=250, **FIT)


def test_the_look_changes_no_weight(images: TensorDataset) -> None:
    digests = []
    for every in (7, 1000):
        generator = TinyDecoder()
        generator.fit(images, steps=240, checkpoint_every=every, **FIT)
        digests.append(generator.digest())
    assert digests[0] == digests[1]


class Exploding(ClassMean):
    """The losses stay finite, and the weights do not; an infinite buffer is as it should be."""

    Config = TrainingOptions

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        masked = nn.Linear(1, 1)
        masked.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
        return {**super().build(image_shape, num_classes), "masked": masked}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        if step.index == 5:
            self.networks["masked"].weight.data.fill_(torch.inf)  # type: ignore[operator, union-attr]
        return {"loss": 1.0}


def test_weights_that_are_not_finite_are_never_saved(images: TensorDataset, tmp_path: Path) -> None:
    message = (
        r"training diverged before step 6: weights of masked.weight are not finite; "
        r"lower learning_rate \(now 0.002\) or lower max_norm \(now 1.0\) or set precision='float32' \(now 'auto'\); "
        r".* holds the checkpoint of step 4$"
    )
    with pytest.raises(TrainingError, match=message):
        Exploding().fit(images, steps=10, checkpoint_dir=tmp_path, checkpoint_every=2, **FIT)
    with pytest.raises(TrainingError, match="before step 6"):
        Exploding().fit(images, steps=6, **FIT)
