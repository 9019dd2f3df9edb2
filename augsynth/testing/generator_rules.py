"""Rules of `check_generator`, a function each. A broken rule is an `AssertionError` with a sentence."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import pickle
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from augsynth.errors import AugsynthError
from augsynth.generators import API_VERSION, CAPABILITIES, CapabilityError, NetworkGenerator, NotFittedError
from augsynth.testing.capability_rules import keeps_its_capabilities
from augsynth.testing.generator_case import Case, generate, require_same, sample
from augsynth.testing.process_settings import SETTINGS, global_seed, global_state, settings


def declares_itself(case: Case) -> None:
    """Class attributes exist, and have the right type."""
    kind = type(case.factory())
    case.require(isinstance(getattr(kind, "name", None), str), "`name` is not a string")
    version = getattr(kind, "api_version", None)
    case.require(version == API_VERSION, f"`api_version` is {version!r}, this augsynth has {API_VERSION}")
    case.require(kind.capabilities <= CAPABILITIES, f"unknown capabilities {set(kind.capabilities - CAPABILITIES)}")
    config = getattr(kind, "Config", None)
    parameters = getattr(config, "__dataclass_params__", None)
    case.require(parameters is not None and parameters.frozen, "`Config` is not a frozen dataclass")
    options = dataclasses.asdict(case.factory().config)
    try:
        stored = json.loads(json.dumps(options, allow_nan=False))
    except (TypeError, ValueError) as cause:
        raise AssertionError(f"`Config` of {kind.name!r} holds what JSON cannot: {cause}") from cause
    case.require(kind.configure(**stored).config == case.factory().config, "`Config` changes on its way through JSON")
    case.require_raises(AugsynthError, "an unknown option", lambda: kind.configure(no_such_option=1))


def refuses_before_fit(case: Case) -> None:
    """Methods raise an error before fit. A generator with nothing to learn works at once."""
    generator = case.factory()
    if not case.learns:
        try:
            generator.sample(0)
        except NotFittedError as cause:
            raise AssertionError(f"{generator.name!r} has no `learn`, and is not described by its __init__") from cause
        return
    case.require_raises(NotFittedError, "sample before fit", lambda: generator.sample(1))
    case.require_raises(NotFittedError, "save before fit", lambda: generator.save(case.folder / "unfitted"))


def reports_its_fit(case: Case) -> None:
    """`fit` takes the number of steps that was asked for, and describes the images."""
    generator = case.factory()
    if not case.learns:
        fit = partial(generator.fit, case.dataset, progress=False)
        case.require_raises(CapabilityError, "fit of a generator that has nothing to learn", fit)
        return
    steps: dict[str, Any] = {"steps": 2} if case.trains else {}
    report = generator.fit(case.dataset, batch_size=case.batch_size, device="cpu", progress=False, **steps)
    case.require(report.steps == len(steps) * 2, f"fit(steps=2) reports {report.steps} steps")
    case.require(report.images == len(case.dataset), f"fit reports {report.images} of {len(case.dataset)} images")
    if case.trains:
        expected = tuple(case.dataset[0][0].shape)
        case.require(generator.image_shape == expected, f"image_shape is {generator.image_shape}")
    conditional = "conditional" in generator.capabilities
    case.require((generator.num_classes is not None) == conditional, f"num_classes is {generator.num_classes}")


def samples_have_their_form(case: Case) -> None:
    """Samples have the shapes, dtypes and labels of the contract."""
    for n in (0, 1, 10):
        samples = case.fitted.sample(n)
        form = (tuple(samples.images.shape), samples.images.dtype)
        case.require(form == ((n, *case.image_shape), torch.uint8), f"sample({n}) gives images {form}")
        case.require(
            (samples.labels is None) == (case.labels is None), "labels are given by conditional generators only"
        )
    if case.labels is None:
        case.require_raises(AugsynthError, "labels without classes", lambda: sample(case, labels=[0] * 10))
        return
    classes = int(case.fitted.num_classes or 0)
    round_robin = (torch.arange(10) % classes).tolist()
    for asked, expected in ((case.labels, case.labels.tolist()), (None, round_robin), (1, [1] * 10)):
        given = sample(case, labels=asked).labels
        case.require(given is not None and given.tolist() == expected, f"labels={asked} comes back as {given}")


def samples_depend_on_arguments_alone(case: Case) -> None:
    """Sample k depends on seed, k and label, not on batch size, n, start or an earlier call."""
    whole = sample(case, labels=case.labels, seed=3).images
    require_same(case, whole, sample(case, labels=case.labels, seed=3).images, "two equal calls")
    for batch_size in (1, 3, 1000):
        other = sample(case, labels=case.labels, seed=3, batch_size=batch_size).images
        require_same(case, whole, other, f"batch_size={batch_size} and the default")
    for n in (1, 7):
        labels = None if case.labels is None else case.labels[:n]
        require_same(
            case,
            whole[:n],
            case.fitted.sample(n, labels=labels, seed=3).images,
            f"sample({n}) and the start of sample(10)",
        )
    labels = None if case.labels is None else case.labels[4:]
    require_same(
        case,
        whole[4:],
        case.fitted.sample(6, labels=labels, seed=3, start=4).images,
        "start=4 and the end of sample(10)",
    )


def samples_do_not_see_neighbours(case: Case) -> None:
    """A sample depends on its own noise and label, not on those of its batch."""
    tile, classes = case.fitted.tile, case.fitted.num_classes
    labels = None if classes is None else torch.arange(tile) % classes
    others = None if labels is None else torch.cat([labels[:1], (labels[1:] + 1) % labels.max().add(1)])
    alone = generate(case, range(tile), labels)[0]
    beside = generate(case, [0, *range(10_000, 10_000 + tile - 1)], others)[0]
    case.require(torch.equal(alone, beside), "a sample changes with the noise or the labels of the others in its batch")


def noise_and_labels_matter(case: Case) -> None:
    """Samples of other seeds, positions or classes differ. Compared before rounding, as few steps change little."""
    tile, classes = case.fitted.tile, case.fitted.num_classes
    labels = None if classes is None else torch.zeros(tile, dtype=torch.int64)
    images = generate(case, range(tile), labels)
    case.require(not torch.equal(images[0], images[1]), "samples 0 and 1 of a seed are equal; is the noise used?")
    case.require(
        not torch.equal(images, generate(case, range(tile), labels, seed=1)), "seeds 0 and 1 give equal samples"
    )
    if labels is not None:
        other = generate(case, range(tile), labels + 1)
        case.require(
            not torch.equal(images, other), 'classes 0 and 1 give equal samples, yet "conditional" is declared'
        )


def leaves_global_rngs_alone(case: Case) -> None:
    """Global random generators are neither changed nor used."""
    digests, images = [], []
    for seed in (1, 2):
        with global_seed(seed):
            before = global_state()
            generator = case.fit(case.factory())
            case.require(global_state() == before, "fit moves a global random generator (torch, numpy or random)")
            images.append(generator.sample(3, labels=None).images)
            case.require(global_state() == before, "sample moves a global random generator (torch, numpy or random)")
            digests.append(generator.digest())
    case.require(digests[0] == digests[1], "fit with one seed gives other weights under another global random seed")
    case.require(torch.equal(*images), "sample depends on a global random generator")
    with global_seed(3):
        images = [sample(case).images]
    with global_seed(4):
        images.append(sample(case).images)
    case.require(torch.equal(*images), "sample depends on a global random generator")


def leaves_settings_alone(case: Case) -> None:
    """Settings of torch do not change, and change no result."""
    expected = case.fit(case.factory(), steps=1)
    for name, setting in SETTINGS.items():
        made = None if case.learns else case.factory()  # __init__ runs under the usual settings
        with setting():
            before = settings()
            generator = made or case.fit(case.factory(), steps=1)
            samples = generator.sample(3)
            case.require(settings() == before, f"fit or sample changes torch's settings under {name}")
        case.require(generator.digest() == expected.digest(), f"fit gives other weights under {name}")
        case.require(torch.equal(samples.images, expected.sample(3).images), f"sample depends on {name}")


def survives_saving(case: Case) -> None:
    """save → load gives the same samples, and nothing in the folder is pickled."""
    folder = case.folder / "saved"
    before = global_state()
    case.fitted.save(folder)
    loaded = type(case.fitted).load(folder)
    case.require(global_state() == before, "save or load moves a global random generator")
    require_same(case, sample(case).images, loaded.sample(10).images, "the generator before saving and after loading")
    case.require(loaded.digest() == case.fitted.digest(), "the digest changes with saving and loading")
    case.require((folder / "config.json").is_file(), "save writes no config.json")
    foreign = [f.name for f in folder.rglob("*") if f.name != "config.json" and f.suffix != ".safetensors"]
    case.require(not foreign, f"save writes files that are neither config.json nor safetensors: {foreign}")
    (folder / "config.json").write_text("{}")
    case.require_raises(AugsynthError, "loading a damaged folder", lambda: type(case.fitted).load(folder))


def resumes_exactly(case: Case) -> None:
    """A run that was stopped and resumed ends with the weights of a run that was not. Others save what they learned."""
    folder, stop = case.folder / "run", max(1, case.steps // 2)
    stopped = case.factory()
    if not isinstance(stopped, NetworkGenerator):
        if case.learns:
            case.fit(stopped, checkpoint_dir=folder)
            loaded = type(stopped).load(folder)
            require_same(case, sample(case).images, loaded.sample(10).images, "the fit and its checkpoint")
        return
    step_of = stopped.training_step

    def interrupted(images: Tensor, labels: Tensor | None, step: Any) -> Mapping[str, Tensor | float]:
        if step.index == stop:
            raise KeyboardInterrupt
        return step_of(images, labels, step)

    stopped.training_step = interrupted  # type: ignore[method-assign]
    try:
        case.fit(stopped, checkpoint_dir=folder, checkpoint_every=stop)
    except KeyboardInterrupt:
        pass
    else:
        case.require(False, "KeyboardInterrupt does not leave fit")
    type(stopped).load(folder).sample(1)
    resumed = case.fit(case.factory(), checkpoint_dir=folder, resume=True)
    case.require(
        resumed.digest() == case.fitted.digest(),
        f"a fit resumed at step {stop} of {case.steps} ends with other weights than an uninterrupted one; whatever "
        "changes in training must be a parameter, a buffer or in an optimiser, and random numbers come from the step",
    )
    require_same(
        case, sample(case).images, type(resumed).load(folder).sample(10).images, "the fit and its last checkpoint"
    )


def refuses_bad_arguments(case: Case) -> None:
    """Wrong arguments raise an `AugsynthError`."""
    generator, refuse = case.fitted, case.require_raises
    refuse(AugsynthError, "sample(-1)", lambda: generator.sample(-1))
    refuse(AugsynthError, "batch_size=0", lambda: generator.sample(1, batch_size=0))
    refuse(AugsynthError, "an n beyond all memory", lambda: generator.sample(2**62))
    refuse(AugsynthError, "a guidance that is no number", lambda: generator.sample(1, guidance=float("nan")))
    refuse(AugsynthError, "a seed that is no integer", lambda: generator.sample(1, seed="x"))  # type: ignore[arg-type]
    if case.labels is not None:
        refuse(AugsynthError, "a label out of range", lambda: generator.sample(1, labels=[generator.num_classes or 0]))
        refuse(AugsynthError, "a negative label", lambda: generator.sample(1, labels=[-1]))
        refuse(AugsynthError, "too few labels", lambda: generator.sample(3, labels=[0, 0]))
    if case.learns:
        _refuses_bad_fits(case)


def pickles_under_spawn(case: Case) -> None:
    """A fitted generator can be sent to a process that was started by spawn, and has the same samples there."""
    try:
        data = pickle.dumps(case.fitted)
    except Exception as cause:
        raise AssertionError(f"a fitted generator cannot be pickled: {cause!r}") from cause
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        images = torch.from_numpy(pool.submit(_sample_elsewhere, data, torch.get_num_threads()).result())
    require_same(case, sample(case).images, images, "this process and a spawned one")


RULES: tuple[Callable[[Case], None], ...] = (
    declares_itself,
    refuses_before_fit,
    reports_its_fit,
    samples_have_their_form,
    samples_depend_on_arguments_alone,
    samples_do_not_see_neighbours,
    noise_and_labels_matter,
    leaves_global_rngs_alone,
    leaves_settings_alone,
    survives_saving,
    resumes_exactly,
    keeps_its_capabilities,
    refuses_bad_arguments,
)
"""All rules except `pickles_under_spawn`, which needs a second process."""


def _refuses_bad_fits(case: Case) -> None:
    steps = {"steps": 1} if case.trains else {}
    bad: dict[str, tuple[Any, dict[str, Any]]] = {
        "an empty data set": (Subset(case.dataset, []), steps),
        "images of two shapes": (_TwoShapes(case.dataset), steps),
        "steps and epochs together": (case.dataset, {"steps": 1, "epochs": 1}),
    }
    if case.labels is not None:
        claims = [(case.dataset[0][0], 0), (case.dataset[1][0], 2**40)]
        bad["a label that claims 2**40 classes"] = claims, steps
    if case.trains:
        bad["neither steps nor epochs"] = case.dataset, {}
    fresh = case.factory()
    for what, (dataset, options) in bad.items():
        case.require_raises(AugsynthError, what, partial(fresh.fit, dataset, progress=False, **options))


class _TwoShapes(Dataset[Any]):
    """A data set whose last image has one row less than the others."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        image, label = self.dataset[index]
        return (image[:, 1:] if index == len(self) - 1 else image), label


def _sample_elsewhere(data: bytes, threads: int) -> np.ndarray[Any, Any]:
    torch.set_num_threads(threads)
    images: np.ndarray[Any, Any] = pickle.loads(data).sample(10).images.numpy()
    return images
