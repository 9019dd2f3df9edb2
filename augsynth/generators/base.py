"""The `Generator` contract: what a plugin writes, and what it is given."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError
from augsynth.generators import checkpoint, training
from augsynth.generators.arguments import check_count, check_labels
from augsynth.generators.capabilities import OptionalMethods
from augsynth.generators.config import make_config
from augsynth.generators.dataset import read_images
from augsynth.generators.device import choose_device
from augsynth.generators.errors import NotFittedError
from augsynth.generators.samples import FitReport, Samples
from augsynth.generators.sampling import Draw, Request, render
from augsynth.generators.seeds import Noise, check_seed, derive_seed, isolated_torch_rng, reseed_torch

if TYPE_CHECKING:
    from typing_extensions import Self

    from augsynth.generators.training import Step

API_VERSION = 1
"""Version of this contract; a plugin declares the one it was written for as `api_version`."""


class Generator(OptionalMethods, ABC):
    """A model that is fitted on images and then draws new ones.

    A plugin subclasses it, sets the class attributes and writes the four abstract methods (and `averages`, if it
    samples from averaged weights). Everything else is shared: reading the data set, choosing the device, seeds,
    batches, the moving average of weights, checkpoints and exact resuming, progress bars, uint8 images and labels.
    `docs/generators.md` has a complete plugin.
    """

    name: ClassVar[str]
    """The name of the plugin's entry point."""
    api_version: ClassVar[int]
    """The `API_VERSION` that the plugin was written for, as a literal number."""
    Config: ClassVar[type[Any]]
    """A frozen dataclass of JSON-ready fields, all with defaults: the options of `create_generator`."""
    capabilities: ClassVar[frozenset[str]] = frozenset()
    """A subset of `augsynth.generators.CAPABILITIES`. "conditional": `labels` are used; "guide": `guidance` is
    used; the others: the method of that name is there."""
    tile: ClassVar[int] = 64
    """How many samples `generate` is given, always. A fixed number keeps the arithmetic of a sample apart from its
    neighbours and from the caller's `batch_size`; lower it if that many do not fit into memory."""

    # What a plugin writes ----------------------------------------------------------------------------------------

    @abstractmethod
    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        """Make the networks, by name, with fresh weights on the CPU; then found in `self.networks[name]`.

        `image_shape` is (C, H, W); `num_classes` is None unless "conditional" is declared. torch's global generator
        is seeded for this call. Whatever must survive a checkpoint has to be a parameter or a buffer of a network.
        """

    @abstractmethod
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Make the optimisers, by name, for `self.networks` (which are on their device); may be empty."""

    @abstractmethod
    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        """Take one step: compute losses, run backward and the optimisers in `step.optimizers`.

        `images` is float32 (B, C, H, W) in [−1, 1] and `labels` int64 (B,) or None, both on the device.
        Random numbers come from `step.normal`, `step.uniform` or torch's global generator, which is seeded for each
        step. Returns detached scalars for the progress bar and the report; a GPU tensor costs no synchronisation.
        """

    @abstractmethod
    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        """Draw `len(noise)` images, float (B, C, H, W) in [−1, 1]; beyond is clamped.

        Called without gradients and with networks in eval mode. All randomness comes from `noise`; `labels` is int64
        (B,) on the device, None unless "conditional" is declared; `guidance` None means the plugin's default.
        A sample may not depend on the others of the batch.
        """

    def averages(self) -> dict[str, float]:
        """The networks that sampling uses as exponential moving averages, by name, with the decay of each.

        After `fit` such a network *is* its average. The decay warms up as min(decay, (1 + step) / (10 + step)).
        """
        return {}

    # What it is given --------------------------------------------------------------------------------------------

    def __init__(self, config: Any = None) -> None:
        self.config = self.Config() if config is None else config
        if not isinstance(self.config, self.Config):
            raise ArgumentTypeError(
                f"config of {self.name!r} must be a {self.Config.__qualname__}, got {type(config).__name__}; "
                f"use create_generator({self.name!r}, option=value) or {type(self).__name__}.configure(option=value)"
            )
        self._networks: nn.ModuleDict | None = None
        self._image_shape: tuple[int, int, int] | None = None
        self._num_classes: int | None = None
        self._device = torch.device("cpu")

    @classmethod
    def configure(cls, **options: Any) -> Self:
        """Make a generator from options of its `Config`; a wrong one raises `ArgumentError` with suggestions."""
        return cls(make_config(cls.name, cls.Config, options))

    @property
    def networks(self) -> nn.ModuleDict:
        """What `build` made. Raises `NotFittedError` before `fit` or `load`."""
        if self._networks is None:
            raise NotFittedError(f"generator {self.name!r} is not fitted yet: call fit(dataset), or load(path)")
        return self._networks

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images it was fitted on."""
        self.networks  # noqa: B018 - raises before fit
        assert self._image_shape is not None
        return self._image_shape

    @property
    def num_classes(self) -> int | None:
        """The number of classes it was fitted on; None if it is not conditional."""
        self.networks  # noqa: B018
        return self._num_classes

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self._device

    def to(self, device: torch.device | str) -> Self:
        """Move the networks, and return self."""
        self._device = choose_device(device)
        self.networks.to(self._device)
        return self

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
        progress: bool = True,
    ) -> FitReport:
        """Fit on a data set, for a number of `steps` or of `epochs` (one of the two must be given).

        `dataset` is a map-style dataset of `(image, label)`, of dicts with "image" and "label", or of bare images;
        an image is uint8, or float in [0, 1]: a torch tensor (C, H, W) or (H, W), a NumPy array (H, W, C) or
        (H, W), or a PIL image. It is read once, into one uint8 tensor. Labels are 0…K−1, with no class empty.

        The batch of step i depends on (seed, i) alone. With `checkpoint_dir`, a checkpoint is written there every
        `checkpoint_every` steps, at the end, and on Ctrl-C once the step under way is done; `resume=True` goes on
        from it, and on a CPU ends with the very weights of an uninterrupted run. After Ctrl-C the generator is
        fitted as far as it came; after any other error it is not fitted.
        """
        if resume and checkpoint_dir is None:
            raise ArgumentError("resume=True needs checkpoint_dir: the folder of the run that is to go on")
        images = read_images(dataset, labelled="conditional" in self.capabilities, progress=progress)
        run = training.Run.plan(images, steps, epochs, batch_size, check_seed(seed), choose_device(device))
        store = None if checkpoint_dir is None else training.Store(Path(checkpoint_dir), checkpoint_every, resume)
        return training.train(self, run, store, progress)

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
        n, start = check_count("n", n, 0), check_count("start", start, 0)
        batch_size = check_count("batch_size", batch_size, 1)
        classes = check_labels(self.name, labels, n, start, self.num_classes)
        if device is not None:
            self.to(device)

        def draw(noise: Noise, labels: Tensor | None) -> Tensor:
            return self.generate(noise, labels, guidance)

        request = Request(n, start, check_seed(seed), classes)
        return Samples(render(self, draw, request, batch_size, progress), classes)

    def map_tiles(
        self, draw: Draw, *images: Tensor, labels: int | Sequence[int] | Tensor | None = None, seed: int = 0
    ) -> Tensor:
        """Run `draw(noise, labels, *images)` over uint8 (n, C, H, W) images, as `sample` runs `generate`.

        For image-to-image methods: `draw` is given float images in [−1, 1] and labels (None if none are given) and
        returns float (B, C, H, W), or (B, steps, C, H, W); comes back as uint8, with n in the place of B.
        """
        for source in images:
            if source.dtype != torch.uint8 or source.shape != (len(images[0]), *self.image_shape):
                expected = (len(images[0]), *self.image_shape)
                raise ArgumentTypeError(f"images must be uint8 {expected}, got {source.dtype} {tuple(source.shape)}")
        n = len(images[0])
        classes = None if labels is None else check_labels(self.name, labels, n, 0, self.num_classes)
        request = Request(n, 0, check_seed(seed), classes, tuple(source.cpu() for source in images))
        return render(self, draw, request, batch_size=self.tile, progress=False)

    def save(self, path: str | Path) -> None:
        """Write `config.json` and the weights (safetensors) into the folder `path`, which is made if need be."""
        checkpoint.write(Path(path), self.description(), self.networks.state_dict())

    @classmethod
    def load(cls, path: str | Path, *, device: torch.device | str = "cpu") -> Self:
        """Read what `save`, or `fit` with a `checkpoint_dir`, has written. Raises `CheckpointError`."""
        stored = checkpoint.read(Path(path))
        if stored.description.name != cls.name:
            raise CheckpointError(
                f"{path} holds a {stored.description.name!r} generator, not {cls.name!r}; use load_generator(path)"
            )
        try:
            generator = cls.configure(**stored.description.config)
            generator.prepare(stored.description.image_shape, stored.description.num_classes, torch.device("cpu"))
            generator.networks.load_state_dict(stored.weights)
        except (ArgumentError, ArgumentTypeError, RuntimeError) as cause:
            raise CheckpointError(f"{path} does not fit the installed {cls.name!r} generator: {cause}") from cause
        generator.networks.eval()
        return generator.to(device)

    def digest(self) -> str:
        """SHA-256 of configuration and weights, as it is stored in `config.json`: the provenance of samples."""
        return checkpoint.digest(self.description(), self.networks.state_dict())

    # For the training loop and checkpoints -----------------------------------------------------------------------

    def prepare(
        self, image_shape: tuple[int, int, int], num_classes: int | None, device: torch.device, seed: int = 0
    ) -> None:
        """Build fresh networks on `device`; the weights depend on `seed` alone."""
        with isolated_torch_rng(torch.device("cpu")):
            reseed_torch(torch.device("cpu"), derive_seed("weights", seed))
            networks = nn.ModuleDict(self.build(image_shape, num_classes))
        self._networks, self._device = networks.to(device), device
        self._image_shape, self._num_classes = image_shape, num_classes

    def forget(self) -> None:
        """Go back to the state before `fit`."""
        self._networks = self._image_shape = self._num_classes = None

    def description(self) -> checkpoint.Description:
        """What a checkpoint says beside the weights."""
        kind = type(self)
        return checkpoint.Description(
            name=self.name,
            class_path=f"{kind.__module__}:{kind.__qualname__}",
            api_version=self.api_version,
            config=dataclasses.asdict(self.config),
            image_shape=self.image_shape,
            num_classes=self.num_classes,
        )
