"""Fits that go on from saved weights, fits that start anew, and callbacks that are told of each step."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from generators.toy import ClassMean, TinyDecoder
from torch import Tensor
from torch.utils.data import Subset, TensorDataset

from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, CheckpointError
from augsynth.generators import Generator, NotFittedError, StepReport

FIT: dict[str, Any] = {"batch_size": 8, "device": "cpu", "progress": False}


class Still(TinyDecoder):
    """Its networks stay as they are, so that a fit ends with the weights it began with."""

    def training_step(self, images: Tensor, labels: Tensor | None, step: Any) -> Any:
        return {"loss": 0.0}


@pytest.fixture
def trained(images: TensorDataset) -> TinyDecoder:
    generator = TinyDecoder()
    generator.fit(images, steps=5, **FIT)
    return generator


def _equal(one: Generator, other: Generator) -> bool:
    a, b = one.state(), other.state()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("source", ["generator", "path", "text"])
def test_a_fit_begins_with_the_weights_it_is_given(
    trained: TinyDecoder, images: TensorDataset, tmp_path: Path, source: str
) -> None:
    trained.save(tmp_path / "saved")
    start = {"generator": trained, "path": tmp_path / "saved", "text": str(tmp_path / "saved")}[source]
    before = trained.digest()
    tuned, fresh = Still(), Still()
    tuned.fit(images, steps=3, seed=7, start_from=start, **FIT)
    fresh.fit(images, steps=3, seed=7, **FIT)
    for name, value in trained.state().items():
        torch.testing.assert_close(tuned.state()[name], value)
    assert not _equal(tuned, fresh)
    assert trained.digest() == before


def test_a_generator_goes_on_from_itself_without_a_warning(trained: TinyDecoder, images: TensorDataset) -> None:
    other = TinyDecoder()
    other.fit(Subset(images, range(9)), steps=3, start_from=trained, **FIT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained.fit(Subset(images, range(9)), steps=3, start_from=trained, **FIT)
    assert trained.digest() == other.digest()


def test_a_second_fit_says_that_it_starts_anew(trained: TinyDecoder, images: TensorDataset) -> None:
    before = trained.digest()
    with pytest.warns(
        UserWarning, match=r"was fitted before, and this fit starts anew, .* start_from=generator"
    ) as told:
        trained.fit(images, steps=5, **FIT)
    assert told[0].filename == __file__
    assert trained.digest() == before


def test_a_loaded_generator_says_so_too(trained: TinyDecoder, images: TensorDataset, tmp_path: Path) -> None:
    trained.save(tmp_path)
    with pytest.warns(UserWarning, match="starts anew"):
        TinyDecoder.load(tmp_path).fit(images, steps=1, **FIT)


def test_a_first_and_a_resumed_fit_say_nothing(images: TensorDataset, tmp_path: Path) -> None:
    generator = TinyDecoder()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generator.fit(images, steps=2, checkpoint_dir=tmp_path, **FIT)
        generator.fit(images, steps=4, checkpoint_dir=tmp_path, resume=True, **FIT)


def test_other_shapes_are_refused_and_change_nothing(trained: TinyDecoder, images: TensorDataset) -> None:
    before = trained.digest()
    pixels, labels = images.tensors
    for data, options, message in (
        (TensorDataset(pixels, labels % 2), {}, r"images of \(1, 8, 8\) in 3 classes, .* \(1, 8, 8\) in 2 classes: .*"
         r"embedding.weight is float32 \(3, 4\) in the file, float32 \(2, 4\) in the networks"),
        (TensorDataset(pixels[:, :, 1:], labels), {}, r"networks for images of \(1, 7, 8\) in 3 classes"),
        (images, {"widths": (16, 16)}, "the file lacks the tensor|the networks lack the tensor|in the networks"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=message):
            TinyDecoder.configure(**options).fit(data, steps=1, start_from=trained, **FIT)
    with pytest.raises(ArgumentError, match=r"this generator. was fitted on"):
        trained.fit(TensorDataset(pixels, labels % 2), steps=1, start_from=trained, **FIT)
    assert trained.digest() == before


def test_what_has_no_such_weights_is_refused(trained: TinyDecoder, images: TensorDataset, tmp_path: Path) -> None:
    class Bare(Generator):
        name = "bare"

        def generate(self, noise: Any, labels: Any, guidance: Any) -> Tensor:
            raise AssertionError

    trained.save(tmp_path / "saved")
    for start, error, message in (
        (trained, ArgumentError, "is a 'tiny-decoder' generator, not 'class-mean'"),
        (tmp_path / "saved", ArgumentError, "is a 'tiny-decoder' generator, not 'class-mean'"),
        (tmp_path / "nowhere", CheckpointError, "holds no saved generator"),
        (TinyDecoder(), NotFittedError, "is not fitted yet"),
        (Bare(), ArgumentError, "'bare', which has no networks"),
        (7, ArgumentTypeError, "start_from must be the path of a folder, got 7"),
    ):
        with pytest.raises(error, match=message):
            ClassMean().fit(images, steps=1, start_from=start, **FIT)  # type: ignore[arg-type]


def test_a_tuning_run_is_resumed_from_its_own_checkpoint(
    trained: TinyDecoder, images: TensorDataset, tmp_path: Path
) -> None:
    whole, part, other = TinyDecoder(), TinyDecoder(), TinyDecoder()
    run = {"start_from": trained, "checkpoint_dir": tmp_path, **FIT}
    whole.fit(images, steps=6, start_from=trained, **FIT)
    part.fit(images, steps=4, **run)
    report = part.fit(images, steps=6, resume=True, **run)
    assert report.resumed_at == 4
    assert part.digest() == whole.digest()
    other.fit(images, steps=1, **FIT)
    with pytest.raises(CheckpointError, match="of a run with another start_from"):
        part.fit(images, steps=8, resume=True, **{**run, "start_from": other})


def test_callbacks_are_told_of_each_step(images: TensorDataset, tmp_path: Path) -> None:
    told: list[StepReport] = []
    saved = []

    def look(report: StepReport) -> str:
        saved.append((tmp_path / "config.json").exists())
        return "ignored"

    plain, generator = ClassMean(), ClassMean()
    expected = plain.fit(images, steps=4, **FIT)
    report = generator.fit(
        images, steps=4, callbacks=(told.append, look), checkpoint_dir=tmp_path, checkpoint_every=2, **FIT
    )
    assert [(one.step, one.total) for one in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [{"step": one.step, **one.metrics} for one in told] == report.history == expected.history
    assert saved == [False, True, True, True]
    assert generator.digest() == plain.digest()


def test_a_callback_may_sample_and_draw_numbers_and_changes_nothing(images: TensorDataset) -> None:
    plain, watched = TinyDecoder(), TinyDecoder()
    plain.fit(images, steps=4, **FIT)
    watched.fit(images, steps=4, callbacks=[lambda report: (watched.sample(3), torch.rand(5))], **FIT)
    assert watched.digest() == plain.digest()


def test_what_a_callback_raises_ends_the_fit(images: TensorDataset, tmp_path: Path) -> None:
    def stop(report: StepReport) -> None:
        if report.step == 3:
            raise StopIteration("enough")

    generator = TinyDecoder()
    with pytest.raises(StopIteration, match="enough"):
        generator.fit(images, steps=6, callbacks=[stop], checkpoint_dir=tmp_path, checkpoint_every=2, **FIT)
    with pytest.raises(NotFittedError):
        generator.sample(1)
    assert generator.fit(images, steps=6, checkpoint_dir=tmp_path, resume=True, **FIT).resumed_at == 2


@pytest.mark.parametrize("callbacks", [print, [print, 5], 5, "ab", None])
def test_callbacks_are_a_list_of_functions(images: TensorDataset, callbacks: Any) -> None:
    with pytest.raises(AugsynthError, match=r"callbacks must be a list of functions .*; write callbacks=\[function\]"):
        TinyDecoder().fit(images, steps=1, callbacks=callbacks, **FIT)
