"""A fit with images held out tells how many of its samples are copies, and ends with weights that copy nothing."""

from __future__ import annotations

import signal
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from generators.copier import Copier
from generators.toy import TinyDecoder
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, AugsynthError, CheckpointError, DataError
from augsynth.generators import FitReport, StepReport, load_generator, register_generator, registry
from augsynth.generators.reading import halves, lazy

STEPS, EVERY = 40, 8


def _pictures(n: int, seed: int) -> Tensor:
    coarse = torch.randn(n, 1, 4, 4, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, (12, 12), mode="bicubic").add(1).mul(127.5).clamp(0, 255).to(torch.uint8)


REAL, HELD_OUT = _pictures(60, 0), _pictures(60, 1)


def _fit(generator: Copier, held_out: Any = HELD_OUT, **options: Any) -> FitReport:
    settings: dict[str, Any] = {"steps": STEPS, "batch_size": 32, "checkpoint_every": EVERY, "device": "cpu"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return generator.fit(list(REAL), held_out=held_out, progress=False, **{**settings, **options})


def _seen(generator: Copier) -> int:
    return int(generator.networks["memory"].steps)  # type: ignore[arg-type]


@pytest.mark.parametrize("stored", [True, False])
def test_a_fit_ends_with_the_last_weights_that_copy_nothing(tmp_path: Path, stored: bool) -> None:
    generator = Copier.configure(copies_from=20)
    report = _fit(generator, checkpoint_dir=tmp_path if stored else None)
    copies = {int(entry["step"]): entry["copies"] for entry in report.history if "copies" in entry}
    p_values = {int(entry["step"]): entry["copies_p"] for entry in report.history if "copies" in entry}
    assert list(copies) == [8, 16, 24, 32, 40]
    assert all(copies[step] < 0.05 and p_values[step] >= 0.05 for step in (8, 16))
    assert all(copies[step] == pytest.approx(0.5, abs=0.1) and p_values[step] < 0.05 for step in (24, 32, 40))
    assert (report.copying_since, report.kept_step, report.steps) == (24, 16, STEPS)
    assert report.metrics["copies"] == copies[40]
    assert _seen(generator) == 16
    if stored:
        loaded = Copier.load(tmp_path)
        assert loaded.digest() == generator.digest()


def test_the_watch_changes_nothing_of_the_training() -> None:
    watched, alone = Copier.configure(copies_from=1000), Copier.configure(copies_from=1000)
    report = _fit(watched)
    _fit(alone, held_out=None)
    assert (report.copying_since, report.kept_step) == (None, None)
    assert watched.digest() == alone.digest()


def test_a_sentence_says_what_was_kept() -> None:
    with pytest.warns(UserWarning, match=r"copies images of the fit from step 24 on \(\d+% .*, p = 0.001\)") as caught:
        Copier.configure(copies_from=20).fit(
            list(REAL), steps=40, batch_size=32, checkpoint_every=8, held_out=HELD_OUT, device="cpu", progress=False
        )
    assert "it keeps the weights of step 16, the last checkpoint before" in str(caught[0].message)


def test_copying_that_ends_by_itself_is_forgotten() -> None:
    generator = Copier.configure(copies_from=10, copies_until=30)
    report = _fit(generator)
    assert report.copying_since is None
    assert _seen(generator) == STEPS
    assert max(entry.get("copies", 0.0) for entry in report.history) > 0.4


def test_if_all_checkpoints_copy_the_first_is_kept() -> None:
    generator = Copier.configure(copies_from=1)
    with pytest.warns(UserWarning, match="weights of this first checkpoint; a smaller checkpoint_every"):
        report = generator.fit(
            list(REAL), steps=40, batch_size=32, checkpoint_every=8, held_out=HELD_OUT, device="cpu", progress=False
        )
    assert (report.copying_since, report.kept_step) == (8, 8)
    assert _seen(generator) == 8


@pytest.mark.parametrize("stop", [12, 16, 17, 24, 29])
@pytest.mark.parametrize("starts", [6, 14, 20])
def test_a_resumed_run_keeps_what_an_uninterrupted_one_keeps(tmp_path: Path, stop: int, starts: int) -> None:
    expected, generator = Copier.configure(copies_from=starts), Copier.configure(copies_from=starts)
    reference = _fit(expected, checkpoint_dir=tmp_path / "whole")

    def interrupt(report: StepReport) -> None:
        if report.step == stop:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        _fit(generator, checkpoint_dir=tmp_path / "parts", callbacks=[interrupt])
    resumed = Copier.configure(copies_from=starts)
    report = _fit(resumed, checkpoint_dir=tmp_path / "parts", resume=True)
    assert (report.copying_since, report.kept_step) == (reference.copying_since, reference.kept_step)
    assert [e for e in report.history if "copies" in e] == [e for e in reference.history if "copies" in e]
    assert resumed.digest() == expected.digest()
    assert report.resumed_at == stop


def test_ctrl_c_after_copying_set_in_ends_with_the_kept_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", registry.Registry())
    register_generator("copier")(Copier)
    generator = Copier.configure(copies_from=20)

    def interrupt(report: StepReport) -> None:
        if report.step == 30:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped after 30 of 40 steps"):
        _fit(generator, checkpoint_dir=tmp_path, callbacks=[interrupt])
    assert _seen(generator) == 16
    assert load_generator(tmp_path).digest() == generator.digest()


def test_a_run_goes_on_with_the_same_held_out_images_only(tmp_path: Path) -> None:
    _fit(Copier(), checkpoint_dir=tmp_path, steps=8)
    for held_out in (_pictures(60, 2), None):
        with pytest.raises(CheckpointError, match="run with another held_out"):
            _fit(Copier(), checkpoint_dir=tmp_path, resume=True, held_out=held_out)


@pytest.mark.parametrize("form", ["tensor", "list", "labelled", "samples"])
def test_held_out_images_come_in_every_form(form: str) -> None:
    forms = {
        "tensor": lambda: HELD_OUT,
        "list": lambda: [image.squeeze(0).numpy() for image in HELD_OUT],
        "labelled": lambda: TensorDataset(HELD_OUT, torch.zeros(60, dtype=torch.int64)),
        "samples": lambda: [{"image": image.float() / 255, "label": "any"} for image in HELD_OUT],
    }
    assert _fit(Copier(), held_out=forms[form]()).copying_since == 24


REFUSED: list[tuple[Any, type[AugsynthError], str]] = [
    (HELD_OUT[:9], ArgumentError, "at least 10 images, got 9"),
    (HELD_OUT[..., :11], DataError, r"held_out has images of \(1, 12, 11\)"),
    (REAL[:30], ArgumentError, "30 of the 30 images in held_out are in the data set"),
    (HELD_OUT.float(), DataError, r"must lie in \[0, 1\]"),
    (5, AugsynthError, "map-style"),
]


@pytest.mark.parametrize(("held_out", "error", "words"), REFUSED)
def test_images_that_tell_nothing_are_refused_before_the_fit(
    held_out: Any, error: type[AugsynthError], words: str
) -> None:
    def never(report: StepReport) -> None:
        raise AssertionError("a step was taken")

    with pytest.raises(error, match=words):
        _fit(Copier(), held_out=held_out, callbacks=[never])


@pytest.mark.parametrize("lazily", [True, False])
def test_of_many_images_a_part_is_compared(monkeypatch: pytest.MonkeyPatch, lazily: bool) -> None:
    monkeypatch.setattr(halves, "MOST_COMPARED", 40)
    if lazily:
        monkeypatch.setattr(lazy, "HELD_BYTES", 100)
    report = _fit(Copier.configure(share=1.0))
    assert report.copying_since == 24
    assert report.metrics["copies"] == pytest.approx(1.0, abs=0.2)
    with pytest.raises(ArgumentError, match="of the 60 images in held_out are in the data set"):
        _fit(Copier(), held_out=REAL)


def test_held_out_images_work_with_labels(images: TensorDataset) -> None:
    held_out = torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    report = TinyDecoder().fit(
        images, steps=4, batch_size=8, checkpoint_every=2, held_out=held_out, device="cpu", progress=False
    )
    assert [entry["copies"] for entry in report.history if "copies" in entry] == [0.0, 0.0]
