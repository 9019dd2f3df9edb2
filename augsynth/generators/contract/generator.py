"""`Generator`: the first floor of the contract, for every source of new images."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from augsynth.core.checks import check_integer, check_number, check_path, check_seed, require_memory
from augsynth.core.items import ItemKeys
from augsynth.core.torch_settings import seeded, usual_process, usual_thread
from augsynth.errors import ArgumentTypeError, CheckpointError, PluginError
from augsynth.generators.checkpoints import checkpoint
from augsynth.generators.checkpoints.description import Description
from augsynth.generators.concurrency import fitting, refuse_while_fitting
from augsynth.generators.contract.capabilities import Labels, OptionalMethods
from augsynth.generators.contract.config import NoOptions, make_config
from augsynth.generators.contract.sampling import SampleRequest, TileFunction, render
from augsynth.generators.device import choose_device
from augsynth.generators.errors import NotFittedError
from augsynth.generators.image_kind import ImageKind
from augsynth.generators.labels import check_labels
from augsynth.generators.reading.images import ImageSet, read_images, require_contrast
from augsynth.generators.reading.keyed import with_default_keys
from augsynth.generators.samples import FitReport, Samples, check_sources
from augsynth.generators.seeds import Noise
from augsynth.generators.targets import Generated, TargetCollector
from augsynth.generators.training import learning
from augsynth.generators.training.request import FitRequest
from augsynth.generators.training.steps import Callback

GeneratorT = TypeVar("GeneratorT", bound="Generator")

API_VERSION = 1
"""Version of this contract. A plugin names the version that it was written for as `api_version`."""


class Generator(OptionalMethods, ABC):
    """A source of new images: the methods that pools, mixes, the command line and evaluation need.

    A plugin derives from this class, sets `name` and writes `generate`. A plugin that is fitted also writes `learn`,
    `state` and `restore`. A plugin that is never fitted calls `describe` in its `__init__`. The rest is shared: reading
    data sets, seeds, tiles of samples, checkpoints, uint8 images and labels. A plugin that trains networks step by step
    derives from `NetworkGenerator`. `docs/generators.md` has complete plugins.

    Args:
        config: options, an object of the class `Config`; None for the defaults.
    """

    name: ClassVar[str]
    """Name of the plugin's entry point."""
    api_version: ClassVar[int] = 1
    """`API_VERSION` that the plugin was written for. The default stays 1 when a later augsynth has another version."""
    Config: ClassVar[type[Any]] = NoOptions
    """Frozen dataclass with the options of `create_generator`: JSON-ready fields, each with a default."""
    capabilities: ClassVar[frozenset[str]] = frozenset()
    """Subset of `augsynth.generators.CAPABILITIES`. "conditional": it uses `labels`. "guide": it uses `guidance`. The
    others offer optional methods; the table in `docs/generators.md` names them."""
    tile: ClassVar[int] = 64
    """Number of samples in each call of `generate`. The number is fixed, so that the arithmetic of a sample depends on
    neither its neighbours nor the caller's `batch_size`. Lower it if so many samples do not fit into memory."""

    # Methods that a plugin writes --------------------------------------------------------------------------------

    @abstractmethod
    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor | Generated:
        """Draw `len(noise)` images. A sample must not depend on the other samples of the call.

        It is called without gradients, and with networks in eval mode.

        Args:
            noise: the only source of random numbers.
            labels: classes, int64 (B,), on the device; None unless "conditional" is declared.
            guidance: strength of guidance; None for the plugin's default.

        Returns:
            Floating-point images (B, C, H, W) in [−1, 1]. Values outside are clamped. A generator that knows where
            things are returns `Generated(images, targets)`.
        """

    def learn(self, images: Tensor, labels: Tensor | None, *, seed: int, progress: bool) -> FitReport | None:
        """Learn from all images at once. A generator without its own `learn` cannot be fitted.

        The shape and the classes of the images are described before this call. torch's global generator is seeded for
        it.

        Args:
            images: all images, uint8 (n, C, H, W), on the CPU.
            labels: their classes, int64 (n,); None unless "conditional" is declared.
            seed: seed of the fit.
            progress: True if the user wants progress bars.

        Returns:
            None, or a report to return from `fit`.
        """
        learning.require_learn(self)
        return None

    def state(self) -> Mapping[str, Tensor]:
        """Return the tensors that a checkpoint keeps, by name. By default there are none."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned. Options and the kind of images are set before this call.

        Args:
            state: tensors by name.
        """
        if state:
            raise PluginError(f"generator {self.name!r} has no restore() for {', '.join(sorted(state))}")

    # Methods that all plugins share -------------------------------------------------------------------------------

    def __init__(self, config: Any = None) -> None:
        self.config = self.Config() if config is None else config
        if not isinstance(self.config, self.Config):
            raise ArgumentTypeError(
                f"config of {self.name!r} must be a {self.Config.__qualname__}, got {type(config).__name__}; "
                f"use create_generator({self.name!r}, option=value) or {type(self).__name__}.configure(option=value)"
            )
        self._image_kind: ImageKind | None = None
        self._has_learned = False
        self._device = torch.device("cpu")
        self.directions: dict[str, Tensor] = {}
        """Directions of attributes among the codes, by name: float32, on the CPU. A fit forgets them."""

    @classmethod
    def configure(cls: type[GeneratorT], **options: Any) -> GeneratorT:
        """Make a generator from options.

        Args:
            options: fields of `Config`, by name. A wrong name raises `ArgumentError` with a suggestion.
        """
        config = make_config(cls.name, cls.Config, options)
        with seeded(torch.device("cpu"), 0):  # for what __init__ makes
            return cls(config)

    def describe(
        self,
        image_shape: Sequence[int],
        num_classes: int | None = None,
        class_names: Iterable[str] | None = None,
    ) -> None:
        """Describe the images that it draws. A described generator can be sampled from.

        `fit` describes the images of the data set, and `load` those of the checkpoint. A generator that is never fitted
        calls it in `__init__`. A generator that draws images of another shape calls it in `learn`.

        Args:
            image_shape: (C, H, W).
            num_classes: number of classes, at least 1; None if "conditional" is not declared.
            class_names: one name for each class. None keeps the known names if the number of classes is the same. With
                `num_classes=None`, they name the labels of objects in targets.
        """
        if class_names is None and self._image_kind is not None and self._image_kind.num_classes == num_classes:
            class_names = self._image_kind.class_names
        kind = ImageKind.of(image_shape, num_classes, class_names)
        if (kind.num_classes is not None) != ("conditional" in self.capabilities):
            declared = sorted(self.capabilities)
            raise PluginError(f"num_classes is {kind.num_classes}, and the generator declares {declared}")
        self._image_kind = kind

    @property
    def image_kind(self) -> ImageKind:
        """Shape and classes of the images that it draws. Raises `NotFittedError` before `fit` or `load`."""
        if self._image_kind is None:
            raise self._not_fitted()
        return self._image_kind

    def _not_fitted(self) -> NotFittedError:
        return NotFittedError(f"generator {self.name!r} is not fitted yet: call fit(dataset), or load(path)")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of the images that it draws."""
        return self.image_kind.image_shape

    @property
    def num_classes(self) -> int | None:
        """Number of classes that it draws; None if it is not conditional."""
        return self.image_kind.num_classes

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes, or None if the data set has none."""
        return self.image_kind.class_names

    @property
    def can_learn(self) -> bool:
        """True if it can be fitted: the class has its own `learn`."""
        return type(self).learn is not Generator.learn

    @property
    def device(self) -> torch.device:
        """Device on which it computes. `noise` and `labels` are on it."""
        return self._device

    def to(self: GeneratorT, device: torch.device | str) -> GeneratorT:
        """Compute on another device. A plugin that holds tensors overrides this method and moves them.

        Args:
            device: a device, its name, or "auto".

        Returns:
            The generator itself.
        """
        refuse_while_fitting(self)
        self.image_kind  # noqa: B018 - raises before fit
        self._device = choose_device(device)
        return self

    def sampling_mode(self) -> AbstractContextManager[None]:
        """Return a context manager that encloses each call of `generate`."""
        return nullcontext()

    def fit(
        self,
        dataset: Any,
        *,
        steps: int | None = None,
        epochs: float | None = None,
        batch_size: int = 64,
        balance: str | None = None,
        device: torch.device | str = "auto",
        seed: int = 0,
        checkpoint_dir: str | Path | None = None,
        checkpoint_every: int = 1000,
        resume: bool = False,
        start_from: Generator | str | Path | None = None,
        held_out: Any = None,
        callbacks: Iterable[Callback] = (),
        log_dir: str | Path | None = None,
        progress: bool = True,
        image_key: str = "image",
        label_key: str = "label",
    ) -> FitReport:
        """Fit on a data set. After an error the generator is not fitted.

        A second fit starts from nothing, and warns about it, unless `resume` or `start_from` says otherwise. The
        arguments `steps`, `epochs`, `balance`, `resume`, `start_from`, `held_out`, `callbacks` and `log_dir` are for a
        `NetworkGenerator`; other generators refuse them, and ignore `batch_size` and `checkpoint_every`. A generator
        without `learn` raises `CapabilityError`.

        Networks: the batch of step i depends on (seed, i) alone. Ctrl-C finishes the current step, saves, and raises
        `KeyboardInterrupt`; the generator is then fitted as far as it got. After ten steps the time of the whole fit is
        printed on standard error. A fit whose losses or weights are no longer finite, or whose samples of a class have
        become one image, ends with a `TrainingError` that says what to change. Under `torchrun`, all processes that
        call `fit` share every batch. `docs/training.md` explains all of this.

        Args:
            dataset: map-style data set of `(image, label)`, of dicts (see `image_key`), or of images. An image is
                uint8, or floating-point in [0, 1]: a torch tensor (C, H, W) or (H, W), a NumPy array (H, W, C) or
                (H, W), or a PIL image. All have one shape. Labels are 0…K−1, and no class is empty. It is read once.
                Networks read a data set of more than 1 GiB of pixels again for every batch, instead of holding it in
                memory.
            steps: number of training steps, at least 1. Networks need either `steps` or `epochs`.
            epochs: passes over the images, above 0, rounded up to whole steps.
            batch_size: images of a training step, of all processes together, at least 1; default 64.
            balance: "classes" draws every class equally often, for data sets with rare classes. It needs the
                capability "conditional". None (default) draws every image equally often.
            device: a device, its name, or "auto" (default): CUDA if it is available, else the CPU.
            seed: 64-bit seed of all random numbers; default 0.
            checkpoint_dir: folder for a checkpoint; None (default) saves nothing.
            checkpoint_every: training steps between two checkpoints, at least 1; default 1000. The last step is always
                saved.
            resume: True continues the run in `checkpoint_dir`, if there is one. On a CPU, the weights at the end are
                those of a run that was never stopped.
            start_from: a fitted generator of the same name, or the folder of a saved one, whose weights the fit starts
                from (fine-tuning). Optimisers, averages and schedules start fresh. Weights of other shapes are refused
                before anything changes.
            held_out: images of the same kind that the fit does not see, at least 10 and better 100 or more: a data set,
                or a uint8 tensor (n, C, H, W). At each checkpoint, `copies` then tells how many of 1,024 samples are
                near-copies of images of the fit beyond chance, and `copies_p` how probable this is if nothing is copied
                (`augsynth.copies.CopyTest`). If copying sets in (p below 0.05 at the last checkpoint and at all since
                `FitReport.copying_since`), the generator ends with the weights of the last checkpoint before. It works
                without `checkpoint_dir`, too. Of more than 20,000 images of the fit, a random part is compared. None
                (default) does not look.
            callbacks: functions that are called with a `StepReport` after each step. An error in one ends the fit.
            log_dir: folder for curves of the metrics, which TensorBoard shows; None (default) writes none. It needs
                `pip install augsynth[tensorboard]`.
            progress: True (default) shows progress bars and the estimate of the time.
            image_key: key of the image in items that are dicts, also of `held_out`; default "image".
            label_key: key of their label; default "label".
        """
        learning.require_learn(self)
        keys = ItemKeys.checked(image_key, label_key)
        request = FitRequest.checked(
            steps=steps,
            epochs=epochs,
            batch_size=batch_size,
            balance=balance,
            device=device,
            seed=seed,
            checkpoint_dir=checkpoint_dir,
            checkpoint_every=checkpoint_every,
            resume=resume,
            start_from=start_from,
            held_out=with_default_keys(held_out, keys),
            callbacks=callbacks,
            log_dir=log_dir,
            progress=progress,
        )
        return self._fit(with_default_keys(dataset, keys), request)

    def _fit(self, dataset: Any, request: FitRequest) -> FitReport:
        request.refuse_loop_options(self.name)
        if request.checkpoint_dir is not None:
            checkpoint.require_new(request.checkpoint_dir)
        with fitting(self):
            images = self._read(dataset, request, copied=True)
            if self._has_learned:
                learning.warn_of_fresh_start(self.name)
            report = learning.learn_once(self, images, request)
            self._has_learned = True
            return report

    def _read(self, dataset: Any, request: FitRequest, *, copied: bool = False) -> ImageSet:
        labelled = "conditional" in self.capabilities
        images = read_images(dataset, labelled=labelled, progress=request.progress, copied=copied)
        require_contrast(images)
        return images

    def sample(
        self,
        n: int,
        *,
        labels: int | Sequence[int] | Tensor | None = None,
        seed: int = 0,
        start: int = 0,
        batch_size: int = 256,
        device: torch.device | str | None = None,
        guidance: float | None = None,
        progress: bool = False,
    ) -> Samples:
        """Draw images. Sample k depends on (seed, k) and its label alone.

        The first samples of a longer call are therefore those of a shorter call.

        Args:
            n: number of samples, at least 0.
            labels: one class, or a class for each sample. By default, sample k of a conditional generator has the class
                k mod K.
            seed: 64-bit seed; default 0.
            start: number of the first sample, at least 0; default 0. The samples are start … start + n − 1.
            batch_size: samples between two transfers to the host, at least 1; default 256. No result depends on it.
            device: a device or its name; None (default) changes nothing.
            guidance: strength of guidance, finite; None (default) for the plugin's default. It needs the capability
                "guide".
            progress: True shows a progress bar; default False.

        Returns:
            Images, uint8 (n, C, H, W), their classes, int64 (n,), or None, and their targets, or None.
        """
        if guidance is not None and "guide" not in self.capabilities:
            self._refuse("guide")
        refuse_while_fitting(self)
        n, start = check_integer("n", n, 0), check_integer("start", start, 0)
        check_integer("start + n", start + n, 0)
        batch_size, seed = check_integer("batch_size", batch_size, 1), check_seed(seed)
        guided = None if guidance is None else check_number("guidance", guidance)
        values = math.prod(self.image_shape)
        # Tiles are float32, and results are bytes.
        require_memory(f"{n:,} images of {self.image_shape}", max(n, 4 * self.tile * bool(n)) * values)
        classes = check_labels(self.name, labels, n, start, self.num_classes)
        if device is not None:
            self.to(device)

        collector = TargetCollector(self.name, self.image_shape)

        def generate(noise: Noise, labels: Tensor | None) -> Tensor:
            return collector.images_of(self.generate(noise, labels, guided))

        images = render(self, generate, SampleRequest(n, start, seed, classes), batch_size, progress)
        return Samples(images, classes, collector.chosen(start % self.tile, n))

    def map_tiles(
        self, function: TileFunction, *images: Tensor, codes: Tensor | None = None, labels: Labels = None, seed: int = 0
    ) -> Tensor:
        """Draw images from images or codes, in tiles, with the guarantees of `sample`. For the optional methods.

        The function runs without gradients. Where it needs some, it computes inside `torch.enable_grad()`.

        Args:
            function: a function (noise, labels, *images) of one tile; with codes, (noise, labels, *images, codes). It
                receives floating-point images in [−1, 1] and labels (None if none are given), and returns
                floating-point images (B, C, H, W) or (B, steps, C, H, W).
            images: sources, each uint8 (n, C, H, W).
            codes: codes, float32 (n, …), as `encode` returns them; None (default) for no codes.
            labels: one class, or a class for each row; None (default) for no labels.
            seed: 64-bit seed; default 0.

        Returns:
            Images, uint8 (n, C, H, W) or (n, steps, C, H, W).
        """
        return render(self, function, self._sources(images, codes, labels, seed), batch_size=self.tile, progress=False)

    def compute_tiles(
        self, function: TileFunction, *images: Tensor, codes: Tensor | None = None, labels: Labels = None, seed: int = 0
    ) -> Tensor:
        """Compute numbers from images or codes, such as codes or likelihoods: like `map_tiles`, without rounding.

        Args:
            function: as for `map_tiles`; it returns floating-point numbers (B, …).
            images: as for `map_tiles`.
            codes: as for `map_tiles`.
            labels: as for `map_tiles`.
            seed: 64-bit seed; default 0.

        Returns:
            The numbers, float32 (n, …), on the CPU.
        """
        request = replace(self._sources(images, codes, labels, seed), images=False)
        return render(self, function, request, batch_size=self.tile, progress=False)

    def _sources(self, images: tuple[Tensor, ...], codes: Tensor | None, labels: Labels, seed: int) -> SampleRequest:
        refuse_while_fitting(self)
        n = check_sources(images, codes, self.image_shape)
        classes = None if labels is None else check_labels(self.name, labels, n, 0, self.num_classes)
        sources = images if codes is None else (*images, codes)
        return SampleRequest(n, 0, check_seed(seed), classes, tuple(source.detach().cpu() for source in sources))

    def save(self, path: str | Path) -> None:
        """Write `config.json` and the state (safetensors) into a folder.

        Args:
            path: the folder, which is created if it does not exist. A checkpoint in it is replaced.
        """
        refuse_while_fitting(self)
        checkpoint.write(check_path("path", path), self.description(), self._checked_state())

    @classmethod
    def load(cls: type[GeneratorT], path: str | Path, *, device: torch.device | str = "cpu") -> GeneratorT:
        """Read a saved generator. Raises `CheckpointError`.

        Args:
            path: a folder that `save`, or `fit` with a `checkpoint_dir`, has written.
            device: a device, its name, or "auto"; default "cpu".
        """
        stored = checkpoint.Checkpoint.open(check_path("path", path))
        if stored.description.name != cls.name:
            raise CheckpointError(
                f"{path} holds a {stored.description.name!r} generator, not {cls.name!r}; use load_generator(path)"
            )
        with stored.explained(), usual_thread():
            generator = cls.configure(**stored.description.config)
            generator.receive(stored)
        return generator.to(device)

    def digest(self) -> str:
        """Return the SHA-256 of options and state, as `config.json` stores it: the provenance of samples."""
        refuse_while_fitting(self)
        return checkpoint.digest(self.description(), self._checked_state())

    # For fits and checkpoints ------------------------------------------------------------------------------------

    def receive(self, stored: checkpoint.Checkpoint) -> None:
        """Take options, kind of images and state from a checkpoint.

        Args:
            stored: the checkpoint, whose head was read.
        """
        about, described = stored.description, self._image_kind
        self.describe(about.image_shape, about.num_classes, about.class_names)
        if described is not None and not self.can_learn and str(described) != str(self.image_kind):
            raise CheckpointError(f"it drew {self.image_kind} when it was saved, and now draws {described}")
        with usual_process():
            self.restore(stored.weights())
        self.directions = stored.directions()
        self._has_learned = self.can_learn

    def forget(self) -> None:
        """Return to the state before `fit`."""
        self._image_kind, self._has_learned, self.directions = None, False, {}

    def description(self) -> Description:
        """Return the head of a checkpoint: everything except the state."""
        kind = type(self)
        return Description(
            name=self.name,
            class_path=f"{kind.__module__}:{kind.__qualname__}",
            api_version=self.api_version,
            config=dataclasses.asdict(self.config),
            image_shape=self.image_shape,
            num_classes=self.num_classes,
            class_names=self.class_names,
        )

    def _checked_state(self) -> Mapping[str, Tensor]:
        state = self.state()
        if not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()):
            raise PluginError(f"state() of {self.name!r} must give tensors by name")
        return {**state, **checkpoint.named_directions(self.directions)}
