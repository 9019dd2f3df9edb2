"""The user's process is his: what he has set changes no result and is not changed, and threads disturb no other."""

from __future__ import annotations

import os
import pickle
import random
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from generators.toy import TinyDecoder
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError
from augsynth.generators import Generator, Noise, Step, autocast
from augsynth.testing import process_settings

FIT: dict[str, Any] = {"batch_size": 8, "device": "cpu", "progress": False}


class Mixed(TinyDecoder):
    """Multiplies in bfloat16, with weights that change twice a step: stale casts of them would be noticed."""

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        for _ in range(2):
            with autocast(step.device, "bfloat16"):
                metrics = super().training_step(images, labels, step)
        return metrics

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        return super().generate(noise, labels, guidance) * torch.ones(()) + torch.tensor(0.1)


@contextmanager
def _set(setter: Callable[[Any], None], value: Any, before: Any) -> Iterator[None]:
    setter(value)
    try:
        yield
    finally:
        setter(before)


@contextmanager
def _warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "device of a block": lambda: torch.device("meta"),
    "default device": lambda: _set(torch.set_default_device, "meta", None),
    "float64": lambda: _set(torch.set_default_dtype, torch.float64, torch.float32),
    "float16": lambda: _set(torch.set_default_dtype, torch.float16, torch.float32),
    "inference": torch.inference_mode,
    "no gradients": torch.no_grad,
    "gradients off": lambda: _set(torch.set_grad_enabled, False, True),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast in autocast": lambda: _twice(lambda: torch.autocast("cpu", torch.bfloat16)),
    "deterministic": lambda: _set(torch.use_deterministic_algorithms, True, False),
    "anomalies": torch.autograd.detect_anomaly,
    "NumPy's errors": lambda: np.errstate(all="raise"),
    "warnings": _warnings_are_errors,
}


@contextmanager
def _twice(setting: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    with setting(), setting():
        yield


def _state() -> tuple[object, ...]:
    return (
        *_random_state(),
        *process_settings.settings(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_anomaly_enabled(),
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.deterministic,
        pickle.dumps(np.geterr()),
    )


def _random_state() -> tuple[object, ...]:
    return torch.get_rng_state().numpy().tobytes(), pickle.dumps(np.random.get_state()), random.getstate()  # noqa: NPY002


def _everything(images: TensorDataset, folder: Path) -> tuple[object, ...]:
    """Return the results of a fit, a resumed fit, a load and samples."""
    generator, resumed = Mixed(), Mixed()
    generator.fit(images, steps=4, checkpoint_dir=folder / "run", checkpoint_every=2, **FIT)
    resumed.fit(images, steps=6, checkpoint_dir=folder / "run", resume=True, **FIT)
    generator.save(folder / "saved")
    loaded = Mixed.load(folder / "saved")
    drawn = [loaded.sample(5), loaded.sample(3, labels=[0, 2, 1], guidance=2.0), resumed.sample(3, start=9)]
    return (
        *(made.digest() for made in (generator, resumed, loaded)),
        *(samples.images.numpy().tobytes() for samples in drawn),
        *(samples.labels.tolist() for samples in drawn if samples.labels is not None),
        generator.to("cpu").networks.training,
    )


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("name", SETTINGS)
def test_no_setting_changes_a_result_or_is_changed(name: str, images: TensorDataset, tmp_path: Path) -> None:
    expected = _everything(images, tmp_path / "usual")
    with SETTINGS[name]():
        before = _state()
        found = _everything(images, tmp_path / "set")
        assert _state() == before
    assert found == expected


class Watching(TinyDecoder):
    """Tells by how much the weights that autocast multiplies with differ from those of the network."""

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        super().training_step(images, labels, step)
        weight: Tensor = self.networks["embedding"].weight  # type: ignore[assignment]
        with autocast(step.device, "bfloat16"):
            seen = torch.eye(len(weight)) @ weight
        return {"outdated": (seen - weight.bfloat16()).abs().max().detach()}


@pytest.mark.parametrize("name", ["autocast", "autocast in autocast", "gradients off"])
def test_autocast_in_a_step_sees_the_weights_of_that_step(name: str, images: TensorDataset) -> None:
    generator = Watching.configure(lr=1.0)
    with SETTINGS[name]():
        report = generator.fit(images, steps=4, **FIT)
    assert [entry["outdated"] for entry in report.history] == [0.0] * 4


def test_what_inference_mode_made_can_be_fitted_further(images: TensorDataset, tmp_path: Path) -> None:
    with torch.inference_mode():
        TinyDecoder().fit(images, steps=2, checkpoint_dir=tmp_path, **FIT)
        loaded = TinyDecoder.load(tmp_path)
    assert not any(weight.is_inference() for weight in loaded.networks.parameters())
    TinyDecoder().fit(images, steps=4, checkpoint_dir=tmp_path, resume=True, **FIT)


def _in_threads(works: Mapping[str, Callable[[], object]]) -> dict[str, object]:
    results: dict[str, object] = {}

    def run(name: str) -> None:
        results[name] = works[name]()

    threads = [threading.Thread(target=run, args=(name,)) for name in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_threads_do_not_disturb_each_other(images: TensorDataset) -> None:
    fitted = TinyDecoder()
    fitted.fit(images, steps=1, **FIT)

    def fit(kind: type[Generator], seed: int) -> str:
        generator = kind()
        generator.fit(images, steps=80, seed=seed, **FIT)
        return generator.digest()

    def sample(seed: int) -> bytes:
        return fitted.sample(2000, seed=seed).images.numpy().tobytes()

    works: dict[str, Callable[[], object]] = {
        **{f"fit {kind.__name__} {seed}": partial(fit, kind, seed) for kind in (TinyDecoder, Mixed) for seed in (0, 1)},
        **{f"sample {seed}": partial(sample, seed) for seed in (0, 1)},
    }
    expected = {name: work() for name, work in works.items()}
    for dtype in (torch.float32, torch.float64):
        with _set(torch.set_default_dtype, dtype, torch.float32):
            before = _state()
            assert _in_threads(works) == expected
            assert _state() == before


class Stopping(TinyDecoder):
    """Raises an error in its third step, or waits there for another thread."""

    error: BaseException | None = None
    waiting: threading.Barrier | None = None

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        if step.index == 2 and self.error is not None:
            raise self.error
        if step.index == 2 and self.waiting is not None:
            self.waiting.wait()
            self.waiting.wait()
        return super().training_step(images, labels, step)


@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt(), SystemExit(), None])
def test_random_states_outlive_a_fit_however_it_ends(error: BaseException | None, images: TensorDataset) -> None:
    generator = Stopping()
    generator.error = error
    before = _state()
    with nullcontext() if error is None else pytest.raises(type(error)):
        generator.fit(images, steps=4, **FIT)
    assert _state() == before


def test_a_generator_that_is_being_fitted_is_left_alone_by_other_threads(images: TensorDataset, tmp_path: Path) -> None:
    generator = Stopping()
    generator.waiting = threading.Barrier(2)
    thread = threading.Thread(target=lambda: generator.fit(images, steps=4, **FIT))
    thread.start()
    generator.waiting.wait()
    calls: list[Callable[[], object]] = [
        lambda: generator.fit(images, steps=1, **FIT),
        lambda: generator.sample(1),
        lambda: generator.save(tmp_path),
        lambda: generator.to("cpu"),
        generator.digest,
    ]
    for call in calls:
        with pytest.raises(ArgumentError, match="is being fitted in another thread; wait"):
            call()
    generator.waiting.wait()
    thread.join()
    assert len(generator.sample(1)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_that_it_lacks(images: TensorDataset) -> None:
    generator, other = Stopping(), TinyDecoder()
    other.fit(images, steps=1, **FIT)
    generator.waiting = threading.Barrier(2)
    thread = threading.Thread(target=lambda: generator.fit(images, steps=4, **FIT))
    thread.start()
    generator.waiting.wait()
    child = os.fork()
    if child == 0:
        os._exit(len(other.sample(3)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    generator.waiting.wait()
    thread.join()


def test_relative_folders_mean_what_they_meant_when_they_were_given(
    images: TensorDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wandering(TinyDecoder):
        def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
            os.chdir(tmp_path / "away")
            return super().training_step(images, labels, step)

    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path)
    report = Wandering().fit(images, steps=4, checkpoint_dir="run", checkpoint_every=2, **FIT)
    assert report.checkpoint == tmp_path / "run"
    assert not any((tmp_path / "away").iterdir())
    monkeypatch.chdir(tmp_path)
    TinyDecoder.load("run").save(Path("copies/one"))
    monkeypatch.chdir(tmp_path / "copies")
    assert TinyDecoder.load("one").digest() == TinyDecoder.load("../run").digest()
