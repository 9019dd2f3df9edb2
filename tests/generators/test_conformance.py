"""check_generator passes what is sound, and names the rule that a broken generator breaks."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from generators.toy import ClassMean, TinyDecoder
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.generators import CAPABILITIES, FitReport, LatentMethods, Noise, Samples, to_uint8
from augsynth.testing import check_generator


def test_sound_generators_conform() -> None:
    check_generator(TinyDecoder)
    check_generator(ClassMean, spawn=False)


def test_a_data_set_of_the_plugins_own_is_used() -> None:
    images = torch.randint(0, 256, (12, 3, 8, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    check_generator(ClassMean, dataset=TensorDataset(images, torch.arange(12) % 4), spawn=False)


class Versatile(LatentMethods, TinyDecoder):
    """Does everything that the contract knows, in the plainest way. Its codes are the images themselves."""

    capabilities = CAPABILITIES

    def encode_tile(self, images: Tensor, labels: Any, noise: Noise) -> Tensor:
        return images

    def decode_tile(self, codes: Tensor, labels: Any) -> Tensor:
        return codes

    def vary(
        self, images: Tensor, strength: Any = None, labels: Any = None, *, seed: int = 0, **options: Any
    ) -> Samples:
        if not 0 < strength <= 1:
            raise ArgumentError(f"strength must lie in (0, 1], got {strength}")

        def draw(noise: Noise, labels: Any, images: Tensor) -> Tensor:
            return images + strength * noise.normal(*self.image_shape)

        return Samples(self.map_tiles(draw, images, labels=labels, seed=seed))

    def steer(self, n: int, score: Any, strength: float, *, labels: Any = None, seed: int = 0) -> Samples:
        samples = self.sample(n, labels=labels, seed=seed)

        def draw(noise: Noise, labels: Any, images: Tensor) -> Tensor:
            with torch.enable_grad():
                images = images.requires_grad_()
                (ascent,) = torch.autograd.grad(score(images, labels).sum(), images)
            return images.detach() + strength * ascent

        return Samples(self.map_tiles(draw, samples.images, labels=samples.labels), samples.labels)

    def bits_per_dim(self, images: Tensor, *, labels: Any = None, seed: int = 0) -> Tensor:
        return self.compute_tiles(lambda noise, labels, images: images.square().mean((1, 2, 3)), images, labels=labels)

    def tune(self, dataset: Any, *, steps: int, seed: int = 0, progress: bool = True) -> FitReport:
        for weights in self.networks.parameters():
            weights.data *= 0.5
        return FitReport(steps, 0, len(dataset), 1, 0.0, "cpu", seed)


class Unconditional(TinyDecoder):
    """Knows no classes, and fits on images with or without labels."""

    capabilities = frozenset()

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is None
        return super().build(image_shape, 1)

    def training_step(self, images: Any, labels: Any, step: Any) -> Any:
        assert labels is None
        return super().training_step(images, torch.zeros(len(images), dtype=torch.int64), step)

    def generate(self, noise: Noise, labels: Any, guidance: float | None) -> Tensor:
        return super().generate(noise, torch.zeros(len(noise), dtype=torch.int64), guidance)


@pytest.mark.parametrize("kind", [Versatile, Unconditional])
def test_more_and_less_able_generators_conform(kind: type) -> None:
    check_generator(kind, spawn=False)


class Unnamed(TinyDecoder):
    name = None


class OfAnotherVersion(TinyDecoder):
    api_version = 0


class Boastful(TinyDecoder):
    capabilities = frozenset({"conditional", "fly"})


class ThawedConfig(TinyDecoder):
    @dataclass
    class Config:
        latent: int = 4


class UnstorableConfig(TinyDecoder):
    @dataclass(frozen=True)
    class Config:
        folder: Path = Path()


class EagerSampler(TinyDecoder):
    def sample(self, n: int, **options: Any) -> Samples:
        return Samples(torch.zeros(n, 1, 16, 16, dtype=torch.uint8))


class Miscounting(TinyDecoder):
    def fit(self, dataset: Any, **options: Any) -> FitReport:
        report = super().fit(dataset, **options)
        return FitReport(**{**vars(report), "steps": report.steps + 1})


class Turned(TinyDecoder):
    def sample(self, n: int, **options: Any) -> Samples:
        samples = super().sample(n, **options)
        return Samples(samples.images[..., :-1], samples.labels)


class Relabelling(TinyDecoder):
    def sample(self, n: int, **options: Any) -> Samples:
        samples = super().sample(n, **options)
        return Samples(samples.images, torch.zeros_like(samples.labels))


class Restless(TinyDecoder):
    calls = 0

    def generate(self, noise: Any, labels: Any, guidance: Any) -> Any:
        self.calls += 1
        return super().generate(noise, labels, guidance) * (0.9**self.calls)


class BatchSeeded(TinyDecoder):
    def sample(self, n: int, *, batch_size: int = 256, seed: int = 0, **options: Any) -> Samples:
        return super().sample(n, seed=seed + batch_size, **options)


class CountSeeded(TinyDecoder):
    def sample(self, n: int, *, seed: int = 0, **options: Any) -> Samples:
        return super().sample(n, seed=seed + n, **options)


class StartIgnoring(TinyDecoder):
    def sample(self, n: int, *, start: int = 0, **options: Any) -> Samples:
        return super().sample(n, **options)


class BatchNormalising(TinyDecoder):
    def generate(self, noise: Any, labels: Any, guidance: Any) -> Any:
        return super().generate(noise, labels, guidance) + 0.1 * noise.normal(1).mean()


class NoiseIgnoring(TinyDecoder):
    def generate(self, noise: Any, labels: Any, guidance: Any) -> Any:
        return torch.tanh(self.networks["decoder"](self.networks["embedding"](labels)))


class SeedIgnoring(TinyDecoder):
    def generate(self, noise: Any, labels: Any, guidance: Any) -> Any:
        fixed = torch.linspace(-1, 1, len(noise))[:, None] * torch.ones(self.config.latent)
        return torch.tanh(self.networks["decoder"](fixed + self.networks["embedding"](labels)))


class LabelIgnoring(TinyDecoder):
    def generate(self, noise: Any, labels: Any, guidance: Any) -> Any:
        return torch.tanh(self.networks["decoder"](noise.normal(self.config.latent)))


class FitMovesRandom(TinyDecoder):
    def training_step(self, images: Any, labels: Any, step: Any) -> Any:
        random.random()
        return super().training_step(images, labels, step)


class SampleMovesTorch(TinyDecoder):
    def sample(self, n: int, **options: Any) -> Samples:
        torch.rand(1)
        return super().sample(n, **options)


class FitUsesRandom(TinyDecoder):
    def training_step(self, images: Any, labels: Any, step: Any) -> Any:
        state = random.getstate()
        shifted = images + float(random.random())
        random.setstate(state)
        return super().training_step(shifted, labels, step)


class SampleUsesTorch(TinyDecoder):
    def sample(self, n: int, **options: Any) -> Samples:
        return super().sample(n, **{**options, "seed": options.get("seed", 0) + torch.initial_seed()})


class Impressed(TinyDecoder):
    """Computes in what the program has set as its default dtype."""

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.dtype = torch.get_default_dtype()

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        networks = super().build(image_shape, num_classes)
        return {**networks, "scale": nn.Linear(1, 1).to(self.dtype)}


class Pickling(TinyDecoder):
    def save(self, path: Any) -> None:
        super().save(path)
        torch.save(self.networks.state_dict(), Path(path) / "weights.pt")


class Forgetful(TinyDecoder):
    @classmethod
    def load(cls, path: Any, **options: Any) -> Any:
        generator = super().load(path, **options)
        generator.networks["embedding"].weight.data.zero_()
        return generator


class StateOutsideNetworks(TinyDecoder):
    momentum: Any = 0.0

    def training_step(self, images: Any, labels: Any, step: Any) -> Any:
        self.momentum = 0.5 * self.momentum + images.mean()
        return super().training_step(images + self.momentum, labels, step)


class Idle(TinyDecoder):
    capabilities = frozenset({"conditional", "guide", "vary"})


class Shapeless(Versatile):
    def interpolate(self, a: Any, b: Any, steps: int, **options: Any) -> Any:
        return to_uint8(torch.zeros(len(a), steps + 1, *self.image_shape))


class DoubleCodes(Versatile):
    def encode(self, images: Any, **options: Any) -> Any:
        return super().encode(images, **options).double()


class CodesOfBatches(Versatile):
    def encode_tile(self, images: Any, labels: Any, noise: Any) -> Any:
        return images - images.mean()


class MissedEnds(Versatile):
    def interpolate(self, a: Any, b: Any, steps: int, **options: Any) -> Any:
        return super().interpolate(a // 2, b // 2, steps, **options)


class ForgottenAttributes(Versatile):
    def learn_attribute(self, *arguments: Any, **options: Any) -> None:
        pass


class UnstoredAttributes(Versatile):
    def save(self, path: Any) -> None:
        held, self.directions = self.directions, {}
        super().save(path)
        self.directions = held


class StrongEdits(Versatile):
    def edit(self, images: Any, attribute: str, strength: float, **options: Any) -> Samples:
        return super().edit(images, attribute, strength + 1, **options)


class AnyStrength(Versatile):
    def vary(self, images: Any, strength: Any = None, labels: Any = None, **options: Any) -> Samples:
        return super().vary(images, min(max(strength, 0.1), 1), labels, **options)


class NoisyVariations(Versatile):
    def vary(self, images: Any, strength: Any = None, labels: Any = None, **options: Any) -> Samples:
        return super().vary(images, strength, labels, **{**options, "seed": random.getrandbits(32)})


class VariationsOfBatches(Versatile):
    def vary(self, images: Any, strength: Any = None, labels: Any = None, **options: Any) -> Samples:
        return super().vary(images, strength, labels, **{**options, "seed": len(images)})


class OldClasses(Versatile):
    def translate(self, images: Any, to: Any, *, labels: Any = None) -> Samples:
        return Samples(images, labels)


class Descending(Versatile):
    def refine(self, images: Any, score: Any, steps: int, **options: Any) -> Samples:
        return super().refine(images, lambda drawn: -score(drawn), steps, **options)


class AlwaysSteered(Versatile):
    def steer(self, n: int, score: Any, strength: float, **options: Any) -> Samples:
        return super().steer(n, score, strength + 300, **options)


class NegativeBits(Versatile):
    def bits_per_dim(self, images: Any, **options: Any) -> Tensor:
        return super().bits_per_dim(images, **options) - 1


class Untuned(Versatile):
    def tune(self, dataset: Any, *, steps: int, seed: int = 0, progress: bool = True) -> FitReport:
        return FitReport(steps, 0, len(dataset), 1, 0.0, "cpu", seed)


class RandomlyTuned(Versatile):
    def tune(self, dataset: Any, **options: Any) -> FitReport:
        report = super().tune(dataset, **options)
        self.networks["embedding"].weight.data += random.random()
        return report


class Modest(TinyDecoder):
    def vary(self, images: Any, *args: Any, **options: Any) -> Samples:
        return Samples(images)


class Lenient(TinyDecoder):
    def sample(self, n: int, **options: Any) -> Samples:
        return super().sample(abs(n), **options)


class AnyLabel(TinyDecoder):
    def sample(self, n: int, *, labels: Any = None, **options: Any) -> Samples:
        labels = None if labels is None else torch.as_tensor(labels).remainder(self.num_classes)
        return super().sample(n, labels=labels, **options)


class SilentlyEmpty(TinyDecoder):
    def fit(self, dataset: Any, **options: Any) -> Any:
        return super().fit(dataset, **options) if len(dataset) else None


class Unpicklable(TinyDecoder):
    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.activation = lambda x: x


BROKEN = {
    Unnamed: "`name` is not a string",
    OfAnotherVersion: "`api_version` is 0",
    Boastful: "unknown capabilities .*fly",
    ThawedConfig: "`Config` is not a frozen dataclass",
    UnstorableConfig: "what JSON cannot",
    EagerSampler: "sample before fit must raise NotFittedError",
    Miscounting: "reports 3 steps",
    Turned: r"sample\(0\) gives images",
    Relabelling: "comes back as",
    Restless: "two equal calls",
    BatchSeeded: "batch_size=1 and the default",
    CountSeeded: r"sample\(1\) and the start of sample\(10\)",
    StartIgnoring: "start=4|comes back as",
    BatchNormalising: "others in its batch",
    NoiseIgnoring: "is the noise used",
    SeedIgnoring: "seeds 0 and 1",
    LabelIgnoring: "classes 0 and 1",
    FitMovesRandom: "fit moves a global random generator",
    SampleMovesTorch: "sample moves a global random generator",
    FitUsesRandom: "other weights under another global random seed",
    SampleUsesTorch: "sample depends on a global random generator",
    Impressed: "fit gives other weights under the default dtype float64",
    Pickling: "neither config.json nor safetensors.*weights.pt",
    Forgetful: "before saving and after loading",
    StateOutsideNetworks: "resumed at step 2 of 4",
    Idle: "'vary' is declared, but fails",
    Shapeless: "'interpolate' gives",
    DoubleCodes: "codes are .*float64.*, expected float32",
    CodesOfBatches: "codes in two calls",
    MissedEnds: "an end of the spherical way and",
    ForgottenAttributes: r"attributes after learn_attribute: \(\)",
    UnstoredAttributes: r"attributes after loading: \(\)",
    StrongEdits: "an edit of strength 0 and decode",
    AnyStrength: "a variation of strength 0.0 must raise",
    NoisyVariations: "'vary' called twice gives different images",
    VariationsOfBatches: "'vary' gives an image that depends on the others",
    OldClasses: r"translate to \[1, 1, 1\] gives the labels",
    Descending: "refinement changes the score by",
    AlwaysSteered: "steered with strength 0 and usual ones",
    NegativeBits: "bits of uint8 images are negative",
    Untuned: "tune changes nothing",
    RandomlyTuned: "two equal calls of tune give different weights",
    Modest: "'vary', which is not declared, must raise CapabilityError",
    Lenient: r"sample\(-1\) must raise",
    AnyLabel: "a label out of range must raise",
    SilentlyEmpty: "an empty data set must raise",
}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_each_broken_rule_is_named(kind: type) -> None:
    with pytest.raises(AssertionError, match=BROKEN[kind]):
        check_generator(kind, spawn=False)


def test_a_setting_that_is_changed_is_named() -> None:
    threads = torch.get_num_threads()

    class Greedy(ClassMean):
        def training_step(self, images: Tensor, labels: Any, step: Any) -> Any:
            torch.set_num_threads(torch.get_num_threads() + 1)
            return super().training_step(images, labels, step)

    try:
        with pytest.raises(AssertionError, match="fit or sample changes torch's settings under a default device"):
            check_generator(Greedy, spawn=False)
    finally:
        torch.set_num_threads(threads)


def test_what_cannot_be_pickled_is_named() -> None:
    with pytest.raises(AssertionError, match="cannot be pickled"):
        check_generator(Unpicklable)
