"""The `Generator` contract: what a plugin writes, and what it is given."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from augsynth.core.checks import check_integer, check_number, check_path, check_seed, require_memory
from augsynth.core.torch_settings import seeded, usual_process, usual_thread
from augsynth.errors import ArgumentTypeError, CheckpointError, PluginError
from augsynth.generators import checkpoint, learning
from augsynth.generators.arguments import check_labels
from augsynth.generators.capabilities import OptionalMethods
from augsynth.generators.concurrency import fitting, refuse_while_fitting
from augsynth.generators.config import NoOptions, make_config
from augsynth.generators.dataset import read_images
from augsynth.generators.device import choose_device
from augsynth.generators.errors import NotFittedError
from augsynth.generators.kinds import ImageKind
from augsynth.generators.samples import FitReport, Samples
from augsynth.generators.sampling import Draw, Request, render
from augsynth.generators.seeds import Noise
from augsynth.generators.steps import Callback, check_callbacks

if TYPE_CHECKING:
    from typing_extensions import Self

API_VERSION = 1
"""Version of this contract; a plugin declares the one it was written for as `api_version`."""


class Generator(OptionalMethods, ABC):
    """A source of new images: the first floor of the contract, all that pools, mixes and evaluation need.

    A plugin subclasses it, sets `name` and writes `generate`. One that is fitted also writes `learn`, `state` and
    `restore`; one that is never fitted calls `describe` in its `__init__`. Everything else is shared: reading the data
    set, seeds, tiles of samples, checkpoints, uint8 images and labels. Networks that are trained step by step derive
    from `NetworkGenerator`. `docs/generators.md` has complete plugins.
    """

    name: ClassVar[str]
    """The name of the plugin's entry point."""
    api_version: ClassVar[int] = 1
    """The `API_VERSION` that the plugin was written for. The default stays 1 when a later augsynth has another."""
    Config: ClassVar[type[Any]] = NoOptions
    """A frozen dataclass of JSON-ready fields, all with defaults: the options of `create_generator`."""
    capabilities: ClassVar[frozenset[str]] = frozenset()
    """A subset of `augsynth.generators.CAPABILITIES`. "conditional": `labels` are used; "guide": `guidance` is
    used; the others: the method of that name is there."""
    tile: ClassVar[int] = 64
    """How many samples `generate` is given, always. A fixed number keeps the arithmetic of a sample apart from its
    neighbours and from the caller's `batch_size`; lower it if that many do not fit into memory."""

    # What a plugin writes ----------------------------------------------------------------------------------------

    @abstractmethod
    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        """Draw `len(noise)` images, float (B, C, H, W) in [−1, 1]; beyond is clamped.

        Called without gradients (networks are in eval mode). All randomness comes from `noise`; `labels` is int64
        (B,) on the device, None unless "conditional" is declared; `guidance` None means the plugin's default.
        A sample may not depend on the others of the batch.
        """

    def learn(self, images: Tensor, labels: Tensor | None, *, seed: int, progress: bool) -> FitReport | None:
        """Learn from all images, uint8 (n, C, H, W), and labels, int64 (n,) or None. Without it, nothing is fitted.

        The kind of the images is described already. torch's global generator is seeded for this call. Returns None, or
        a report of its own.
        """
        learning.require_learn(self)
        return None

    def state(self) -> Mapping[str, Tensor]:
        """Give what a checkpoint keeps: tensors by name. By default there is nothing to keep."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave. Options and the kind of images are there already."""
        if state:
            raise PluginError(f"generator {self.name!r} has no restore() for {', '.join(sorted(state))}")

    # What it is given --------------------------------------------------------------------------------------------

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

    @classmethod
    def configure(cls, **options: Any) -> Self:
        """Make a generator from options of its `Config`; a wrong one raises `ArgumentError` with suggestions."""
        config = make_config(cls.name, cls.Config, options)
        with seeded(torch.device("cpu"), 0):  # for what __init__ makes
            return cls(config)

    def describe(
        self,
        image_shape: Sequence[int],
        num_classes: int | None = None,
        class_names: Iterable[str] | None = None,
    ) -> None:
        """Say what is drawn; a generator that is described can be sampled from.

        `fit` and `load` describe the data set's images. `__init__` calls it if nothing is to be fitted, `learn` if it
        draws images of another shape. Class names that are known stay where None is given for as many classes.
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
            raise NotFittedError(f"generator {self.name!r} is not fitted yet: call fit(dataset), or load(path)")
        return self._image_kind

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images that it draws."""
        return self.image_kind.image_shape

    @property
    def num_classes(self) -> int | None:
        """The number of classes that it draws; None if it is not conditional."""
        return self.image_kind.num_classes

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes, where the data set told them."""
        return self.image_kind.class_names

    @property
    def can_learn(self) -> bool:
        """True if there is something to fit: the class has its own `learn`."""
        return type(self).learn is not Generator.learn

    @property
    def device(self) -> torch.device:
        """The device on which it computes; `noise` and `labels` are there."""
        return self._device

    def to(self, device: torch.device | str) -> Self:
        """Compute on another device, and return self. A plugin that holds tensors moves them here."""
        refuse_while_fitting(self)
        self.image_kind  # noqa: B018 - raises before fit
        self._device = choose_device(device)
        return self

    def sampling_mode(self) -> AbstractContextManager[None]:
        """Enclose each call of `generate`."""
        return nullcontext()

    def fit(
        self,
        dataset: Any,
        *,
        steps: int | None = None,
        epochs: float | None = None,
        batch_size: int = 64,
        device: torch.device | str = "auto",
        seed: int = 0,
        checkpoint_dir: str | Path | None = None,
        checkpoint_every: int = 1000,
        resume: bool = False,
        start_from: Generator | str | Path | None = None,
        callbacks: Iterable[Callback] = (),
        progress: bool = True,
    ) -> FitReport:
        """Fit on a data set, and save into `checkpoint_dir` if one is given.

        `dataset` is a map-style dataset of `(image, label)`, of dicts with "image" and "label", or of bare images;
        an image is uint8, or float in [0, 1]: a torch tensor (C, H, W) or (H, W), a NumPy array (H, W, C) or
        (H, W), or a PIL image. It is read once, into one uint8 tensor. Labels are 0…K−1, with no class empty.

        A generator without `learn` raises `CapabilityError`: nothing is to be fitted. `steps`, `epochs`, `resume`,
        `start_from` and `callbacks` are for a `NetworkGenerator`, and are refused here; `batch_size` and
        `checkpoint_every` make no difference. A generator that was fitted before warns that it starts anew. After an
        error it is not fitted.
        """
        learning.require_learn(self)
        told = check_callbacks(callbacks) or None
        learning.refuse_steps(
            self.name, steps=steps, epochs=epochs, resume=resume, start_from=start_from, callbacks=told
        )
        folder = None if checkpoint_dir is None else check_path("checkpoint_dir", checkpoint_dir)
        if folder is not None:
            learning.require_new(folder)
        chosen, seed = choose_device(device), check_seed(seed)
        with fitting(self):
            images = read_images(dataset, labelled="conditional" in self.capabilities, progress=progress, copied=True)
            if self._has_learned:
                learning.say_that_it_starts_anew(self.name)
            report = learning.learn_once(self, images, chosen, seed, folder, progress)
            self._has_learned = True
            return report

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
        """Draw `n` images: uint8 (n, C, H, W), and their labels.

        Sample k depends on (seed, k) and its label alone, so the first samples of a longer call are those of a
        shorter one, and `start=s` gives samples s … s+n−1. `labels` is one class or one for each sample; by default
        a conditional generator goes round its classes: sample k is of class k mod K. `batch_size` is the number of
        samples computed between two transfers to the host; no result depends on it. `device` None keeps the
        networks where they are. `guidance` needs the capability "guide".
        """
        if guidance is not None and "guide" not in self.capabilities:
            self._refuse("guide")
        refuse_while_fitting(self)
        n, start = check_integer("n", n, 0), check_integer("start", start, 0)
        check_integer("start + n", start + n, 0)
        batch_size, seed = check_integer("batch_size", batch_size, 1), check_seed(seed)
        guided = None if guidance is None else check_number("guidance", guidance)
        values = math.prod(self.image_shape)
        # Drawn in tiles of float32, and kept as bytes.
        require_memory(f"{n:,} images of {self.image_shape}", max(n, 4 * self.tile * bool(n)) * values)
        classes = check_labels(self.name, labels, n, start, self.num_classes)
        if device is not None:
            self.to(device)

        def draw(noise: Noise, labels: Tensor | None) -> Tensor:
            return self.generate(noise, labels, guided)

        request = Request(n, start, seed, classes)
        return Samples(render(self, draw, request, batch_size, progress), classes)

    def map_tiles(
        self, draw: Draw, *images: Tensor, labels: int | Sequence[int] | Tensor | None = None, seed: int = 0
    ) -> Tensor:
        """Run `draw(noise, labels, *images)` over uint8 (n, C, H, W) images, as `sample` runs `generate`.

        For image-to-image methods: `draw` is given float images in [−1, 1] and labels (None if none are given) and
        returns float (B, C, H, W), or (B, steps, C, H, W); comes back as uint8, with n in the place of B.
        """
        refuse_while_fitting(self)
        for source in images:
            if source.dtype != torch.uint8 or source.shape != (len(images[0]), *self.image_shape):
                expected = (len(images[0]), *self.image_shape)
                raise ArgumentTypeError(f"images must be uint8 {expected}, got {source.dtype} {tuple(source.shape)}")
        n = len(images[0])
        classes = None if labels is None else check_labels(self.name, labels, n, 0, self.num_classes)
        request = Request(n, 0, check_seed(seed), classes, tuple(source.cpu() for source in images))
        return render(self, draw, request, batch_size=self.tile, progress=False)

    def save(self, path: str | Path) -> None:
        """Write `config.json` and the state (safetensors) into the folder `path`, which is made if need be."""
        refuse_while_fitting(self)
        checkpoint.write(check_path("path", path), self.description(), self._checked_state())

    @classmethod
    def load(cls, path: str | Path, *, device: torch.device | str = "cpu") -> Self:
        """Read what `save`, or `fit` with a `checkpoint_dir`, has written. Raises `CheckpointError`."""
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
        """SHA-256 of configuration and state, as it is stored in `config.json`: the provenance of samples."""
        refuse_while_fitting(self)
        return checkpoint.digest(self.description(), self._checked_state())

    # For fits and checkpoints ------------------------------------------------------------------------------------

    def receive(self, stored: checkpoint.Checkpoint) -> None:
        """Become what a checkpoint holds."""
        about, described = stored.description, self._image_kind
        self.describe(about.image_shape, about.num_classes, about.class_names)
        if described is not None and not self.can_learn and str(described) != str(self.image_kind):
            raise CheckpointError(f"it drew {self.image_kind}, and now draws {described}")
        with usual_process():
            self.restore(stored.weights())
        self._has_learned = self.can_learn

    def forget(self) -> None:
        """Go back to the state before `fit`."""
        self._image_kind, self._has_learned = None, False

    def description(self) -> checkpoint.Description:
        """The head of a checkpoint: all that it says beside the state."""
        kind = type(self)
        return checkpoint.Description(
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
        return state
