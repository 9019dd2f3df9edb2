"""The training loop: resuming is exact, interrupting is safe, and the report is true."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from generators.toy import ClassMean, TinyDecoder
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, CheckpointError, PluginError
from augsynth.generators import NotFittedError, Step, TrainingError

FIT = {"batch_size": 8, "device": "cpu", "progress": False}


class TwoOptimizers(TinyDecoder):
    """Two networks that are trained in turn by optimisers with different states, as a GAN's are."""

    name = "two-optimizers"
    interrupt_at: int | None = None

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "decoder": torch.optim.Adam(self.networks["decoder"].parameters(), lr=1e-2, betas=(0.0, 0.99)),
            "embedding": torch.optim.SGD(self.networks["embedding"].parameters(), lr=1e-2, momentum=0.9),
        }

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        if step.index == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
        latent = step.normal(len(images), self.config.latent) + self.networks["embedding"](labels)
        loss = (self.networks["decoder"](latent) - images).square().mean()
        optimizer = step.optimizers["decoder" if step.index % 2 == 0 else "embedding"]
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 - step.index / step.total)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}


@pytest.mark.parametrize("kind", [ClassMean, TinyDecoder, TwoOptimizers])
@pytest.mark.parametrize("stop", [1, 4, 6])
def test_a_resumed_run_is_the_uninterrupted_one(kind: type, stop: int, images: TensorDataset, tmp_path: Path) -> None:
    whole, stopped, resumed = kind(), kind(), kind()
    whole_report = whole.fit(images, steps=7, seed=3, **FIT)
    step_of = stopped.training_step

    def failing(images: Tensor, labels: Tensor, step: Step) -> Any:
        if step.index == stop:
            raise OSError("the power went out")
        return step_of(images, labels, step)

    stopped.training_step = failing
    with pytest.raises(OSError, match="power"):
        stopped.fit(images, steps=7, seed=3, checkpoint_dir=tmp_path, checkpoint_every=2, **FIT)
    report = resumed.fit(images, steps=7, seed=3, checkpoint_dir=tmp_path, resume=True, **FIT)
    assert report.resumed_at == stop // 2 * 2
    assert resumed.digest() == whole.digest()
    assert report.history == whole_report.history
    assert torch.equal(kind.load(tmp_path).sample(9).images, whole.sample(9).images)


@pytest.fixture
def _python_handles_ctrl_c() -> Iterator[None]:
    """As in a shell's foreground; what runs in the background starts with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_ctrl_c_finishes_the_step_saves_and_goes_on_exactly(images: TensorDataset, tmp_path: Path) -> None:
    whole, stopped, resumed = TwoOptimizers(), TwoOptimizers(), TwoOptimizers()
    whole.fit(images, steps=9, **FIT)
    stopped.interrupt_at = 3
    with pytest.raises(
        KeyboardInterrupt, match=r"stopped after 4 of 9 steps; .* holds them, and resume=True continues"
    ):
        stopped.fit(images, steps=9, checkpoint_dir=tmp_path, **FIT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert torch.equal(TwoOptimizers.load(tmp_path).sample(5).images, stopped.sample(5).images)
    assert resumed.fit(images, steps=9, checkpoint_dir=tmp_path, resume=True, **FIT).resumed_at == 4
    assert resumed.digest() == whole.digest()


def test_the_applications_own_handler_of_ctrl_c_is_left_alone(images: TensorDataset) -> None:
    received = []
    before = signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    try:
        generator = TwoOptimizers()
        generator.interrupt_at = 1
        generator.fit(images, steps=3, **FIT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert received == [signal.SIGINT]


def test_a_failed_fit_leaves_the_generator_unfitted(images: TensorDataset) -> None:
    generator = ClassMean()
    generator.fit(images, steps=1, **FIT)
    generator.training_step = lambda images, labels, step: {"loss": float("nan")}  # type: ignore[method-assign]
    with (
        pytest.raises(TrainingError, match=r"diverged before step 1: \{'loss': nan\}"),
        pytest.warns(UserWarning, match="starts anew"),
    ):
        generator.fit(images, steps=1, **FIT)
    with pytest.raises(NotFittedError):
        generator.sample(1)


def test_a_diverged_run_leaves_its_last_sound_checkpoint(images: TensorDataset, tmp_path: Path) -> None:
    class Diverging(ClassMean):
        def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
            super().training_step(images if step.index < 5 else images * torch.nan, labels, step)
            return {"total": self.networks["means"].total.sum()}

    with pytest.raises(TrainingError, match="diverged before step 6"):
        Diverging().fit(images, steps=900, checkpoint_dir=tmp_path, checkpoint_every=2, **FIT)
    assert bool(ClassMean.load(tmp_path).networks["means"].total.isfinite().all())  # type: ignore[union-attr, operator]


def test_a_run_may_be_made_longer(images: TensorDataset, tmp_path: Path) -> None:
    whole, part = TinyDecoder(), TinyDecoder()
    whole.fit(images, steps=6, **FIT)
    part.fit(images, steps=4, checkpoint_dir=tmp_path, **FIT)
    report = part.fit(images, steps=6, checkpoint_dir=tmp_path, resume=True, **FIT)
    assert (report.resumed_at, report.steps) == (4, 6)
    assert part.digest() == whole.digest()
    again = part.fit(images, steps=6, checkpoint_dir=tmp_path, resume=True, **FIT)
    assert (again.resumed_at, again.steps) == (6, 6)
    assert part.digest() == whole.digest()


def test_only_the_same_run_is_resumed(images: TensorDataset, tmp_path: Path) -> None:
    TinyDecoder().fit(images, steps=2, checkpoint_dir=tmp_path, **FIT)
    other = TensorDataset(255 - images.tensors[0], images.tensors[1])
    for generator, data, options, what in (
        (TinyDecoder(), images, {"seed": 1}, "seed: 0, now 1"),
        (TinyDecoder(), images, {"batch_size": 9}, "batch_size: 8, now 9"),
        (TinyDecoder(), other, {}, "dataset"),
        (TinyDecoder.configure(lr=0.5), images, {}, "config"),
        (TwoOptimizers(), images, {}, "name"),
    ):
        with pytest.raises(CheckpointError, match=f"is of a run with another {what}"):
            generator.fit(data, steps=4, checkpoint_dir=tmp_path, resume=True, **{**FIT, **options})


def test_a_checkpoint_is_not_overwritten_by_accident(images: TensorDataset, tmp_path: Path) -> None:
    generator = ClassMean()
    generator.fit(images, steps=1, resume=True, checkpoint_dir=tmp_path, **FIT)
    with pytest.raises(CheckpointError, match="already holds a checkpoint: pass resume=True, or name another folder"):
        generator.fit(images, steps=1, checkpoint_dir=tmp_path, **FIT)
    generator.save(tmp_path)
    with pytest.raises(CheckpointError, match="without its training state; it cannot be resumed"):
        generator.fit(images, steps=2, checkpoint_dir=tmp_path, resume=True, **FIT)


def test_the_report_tells_what_was_done(images: TensorDataset, tmp_path: Path) -> None:
    report = ClassMean().fit(images, epochs=2.5, seed=9, checkpoint_dir=tmp_path, **FIT)
    assert (report.steps, report.images, report.batch_size, report.seed) == (10, 30, 8, 9)
    assert report.epochs == pytest.approx(80 / 30)
    assert report.device == "cpu"
    assert report.checkpoint == tmp_path
    assert report.seconds > 0
    assert report.history == [{"step": step, "seen": 8.0 * step} for step in range(1, 11)]
    assert report.metrics == {"seen": 80.0}


def test_history_holds_means_of_hundredths(images: TensorDataset) -> None:
    report = ClassMean().fit(images, steps=301, batch_size=1, device="cpu", progress=False)
    assert len(report.history) == 101
    assert report.history[1] == {"step": 6, "seen": 5.0}
    assert report.history[-1] == {"step": 301, "seen": 301.0}


def test_networks_see_signed_images_and_their_labels(images: TensorDataset) -> None:
    generator = ClassMean.configure(sigma=0.0)
    generator.fit(images, epochs=4, batch_size=10, device="cpu", progress=False)
    pixels, labels = images.tensors
    for label in range(3):
        mean = pixels[labels == label].double().mean(0)
        drawn = generator.sample(1, labels=label).images[0]
        assert float((drawn - mean).abs().max()) <= 0.5 + 1e-3


def test_seeds_of_a_fit_matter_and_suffice(images: TensorDataset) -> None:
    digests = []
    for seed in (0, 0, 1):
        generator = TinyDecoder()
        generator.fit(images, steps=3, seed=seed, **FIT)
        digests.append(generator.digest())
    assert digests[0] == digests[1] != digests[2]


def test_sampling_uses_the_average(images: TensorDataset) -> None:
    class Watching(TinyDecoder):
        seen: list[Tensor]

        def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
            metrics = super().training_step(images, labels, step)
            self.seen.append(self.networks["decoder"][0].weight.detach().clone())  # type: ignore[index]
            return metrics

    generator = Watching()
    generator.seen = []
    generator.prepare((1, 8, 8), 3, torch.device("cpu"), seed=0)
    expected = generator.networks["decoder"][0].weight.detach().clone()  # type: ignore[index]
    generator.forget()
    generator.fit(images, steps=30, **FIT)
    for step, weight in enumerate(generator.seen):
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight
    final = generator.networks["decoder"][0].weight  # type: ignore[index]
    torch.testing.assert_close(final, expected)
    assert not torch.equal(final, generator.seen[-1])


@pytest.mark.parametrize("averages", [{"nobody": 0.9}, {"decoder": 1.0}, {"decoder": -0.1}])
def test_wrong_averages_are_the_plugins_fault(images: TensorDataset, averages: dict[str, float]) -> None:
    generator = TinyDecoder()
    generator.averages = lambda: averages  # type: ignore[method-assign]
    with pytest.raises(PluginError, match=r"averages\(\) gives .*expected one of decoder, embedding"):
        generator.fit(images, steps=1, **FIT)


def test_buffers_of_averaged_networks_are_copied(images: TensorDataset) -> None:
    class Normalised(TinyDecoder):
        @dataclass(frozen=True)
        class Config(TinyDecoder.Config):
            pass

        def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
            networks = super().build(image_shape, num_classes)
            return {**networks, "decoder": nn.Sequential(nn.BatchNorm1d(4), *networks["decoder"].children())}

    generator = Normalised()
    generator.fit(images, steps=5, **FIT)
    assert int(generator.networks["decoder"][0].num_batches_tracked) == 5  # type: ignore[index]


def test_a_run_resumed_on_other_threads_takes_the_same_steps(images: TensorDataset, tmp_path: Path) -> None:
    """Sums are added up in another order there, so that the last bits of weights may differ, and nothing else."""
    whole, resumed = TinyDecoder.configure(widths=(64,)), TinyDecoder.configure(widths=(64,))
    expected = whole.fit(images, steps=6, **FIT)
    TinyDecoder.configure(widths=(64,)).fit(images, steps=3, checkpoint_dir=tmp_path, **FIT)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 2)
    try:
        report = resumed.fit(images, steps=6, checkpoint_dir=tmp_path, resume=True, **FIT)
        assert torch.get_num_threads() == before + 2
    finally:
        torch.set_num_threads(before)
    assert (report.resumed_at, report.steps, len(report.history)) == (3, 6, len(expected.history))
    weights = resumed.networks.state_dict()
    for name, value in whole.networks.state_dict().items():
        torch.testing.assert_close(weights[name], value)


def _forms(value: float) -> list[Any]:
    """A number in every form that it comes in out of arrays."""
    kinds = (np.int64, np.uint8) if isinstance(value, int) else (np.float32, np.float64)
    return [*(kind(value) for kind in kinds), np.array(value), torch.tensor(value)]


def test_numbers_may_come_out_of_arrays(images: TensorDataset, tmp_path: Path) -> None:
    plain = TinyDecoder.configure(latent=3, widths=(4,), decay=0.5)
    plain.fit(images, steps=3, batch_size=8, seed=2, device="cpu", progress=False)
    expected = plain.sample(3, seed=5, start=1, labels=2, guidance=0.5)
    forms = zip(*(_forms(value) for value in (3, 8, 2, 5, 1, 4)), _forms(0.5), strict=True)
    for number, (three, eight, two, five, one, four, half) in enumerate(forms):
        made = TinyDecoder.configure(latent=three, widths=[four], decay=half)
        report = made.fit(
            images, steps=three, batch_size=eight, seed=two, checkpoint_dir=tmp_path / str(number),
            checkpoint_every=one, device="cpu", progress=False,
        )  # fmt: skip
        assert made.digest() == plain.digest()
        assert type(report.steps) is int
        drawn = made.sample(three, seed=five, start=one, labels=two, guidance=half, batch_size=eight)
        assert torch.equal(drawn.images, expected.images)
        made.forget()
        made.fit(images, epochs=half, batch_size=eight, device="cpu", progress=False)


BAD_FITS: dict[str, tuple[dict[str, Any], str]] = {
    "neither": ({}, "give either steps or epochs, got neither"),
    "both": ({"steps": 1, "epochs": 1}, "got both"),
    "no steps": ({"steps": 0}, "steps must be at least 1"),
    "half a step": ({"steps": 1.5}, "steps must be an integer"),
    "no epochs": ({"epochs": 0}, "epochs must be above 0"),
    "endless": ({"epochs": float("inf")}, "epochs must be a finite number"),
    "no batch": ({"steps": 1, "batch_size": 0}, "batch_size must be at least 1"),
    "no device": ({"steps": 1, "device": "toaster"}, "device 'toaster' cannot be used"),
    "no folder": ({"steps": 1, "resume": True}, "resume=True needs checkpoint_dir"),
    "never saving": ({"steps": 1, "checkpoint_dir": "x", "checkpoint_every": 0}, "checkpoint_every must be at least 1"),
    "wrong seed": ({"steps": 1, "seed": "0"}, "64-bit integer"),
    "epochs in words": ({"epochs": "2"}, "epochs must be a finite number, got '2'"),
    "several epochs": ({"epochs": [1, 2]}, "epochs must be a finite number"),
    "a truth value of steps": ({"steps": True}, "steps must be an integer"),
    "an array of steps": ({"steps": np.array([1])}, "steps must be an integer"),
    "steps beyond numbers": ({"steps": 10**5000}, r"steps must be below 2\*\*63"),
    "epochs beyond numbers": ({"epochs": 1e300}, r"steps must be below 2\*\*63"),
    "a tensor without numbers": ({"steps": torch.tensor(1, device="meta")}, "steps must be an integer"),
    "a device without numbers": ({"steps": 1, "device": "meta"}, "holds no numbers"),
    "no device at all": ({"steps": 1, "device": None}, "device 'None' cannot be used"),
    "a folder of numbers": ({"steps": 1, "checkpoint_dir": 5}, "checkpoint_dir must be the path of a folder, got 5"),
}


@pytest.mark.parametrize("case", BAD_FITS)
def test_bad_arguments_are_refused(images: TensorDataset, case: str) -> None:
    options, message = BAD_FITS[case]
    with pytest.raises(AugsynthError, match=message):
        ClassMean().fit(images, **{**FIT, **options})


def test_options_have_their_types() -> None:
    assert repr(TinyDecoder.configure(lr=1, widths=[3, 4]).config) == repr(TinyDecoder.Config(lr=1.0, widths=(3, 4)))
    for option, value in (("latent", 1.5), ("latent", "4"), ("latent", True), ("lr", "1e-3"), ("lr", True)):
        with pytest.raises(ArgumentTypeError, match=f"option '{option}' must be (int|float), got {value!r}"):
            TinyDecoder.configure(**{option: value})


class Optional(ClassMean):
    @dataclass(frozen=True)
    class Config:
        limit: float | None = None
        sigma: float = 0.1

        def __post_init__(self) -> None:
            if self.limit == 7:
                raise ZeroDivisionError("seven")


@pytest.mark.parametrize("value", [None, 1, 2.5, np.float32(2.5), torch.tensor(3)])
def test_an_option_may_be_none(value: Any) -> None:
    limit = Optional.configure(limit=value).config.limit  # type: ignore[attr-defined]
    assert limit is None if value is None else type(limit) is float


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x", "option 'limit' must be None or float, got 'x'"),
        (float("inf"), "limit must be finite"),
        (10**400, "option 'limit' must be None or float, got 1000"),
        ([1.0], "option 'limit' must be None or float"),
        (7, "generator 'class-mean' refuses its options .*ZeroDivisionError: seven"),
    ],
)
def test_options_are_refused_in_words(value: Any, message: str) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        Optional.configure(limit=value)


def test_a_wrong_config_says_how_to_give_options() -> None:
    with pytest.raises(TypeError, match=r"must be a ClassMean.Config, got dict; use create_generator"):
        ClassMean({"sigma": 1.0})
    with pytest.raises(ArgumentError, match="did you mean 'sigma'"):
        ClassMean.configure(sigmas=1.0)
