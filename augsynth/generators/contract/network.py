"""`NetworkGenerator`: the second floor of the contract, for networks that are trained step by step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from augsynth.core.checks import check_path
from augsynth.core.torch_settings import seeded, usual_process, usual_thread
from augsynth.errors import ArgumentError
from augsynth.generators.checkpoints import checkpoint
from augsynth.generators.checkpoints.layouts import layout_of, require_claim
from augsynth.generators.concurrency import fitting, refuse_while_fitting
from augsynth.generators.contract.generator import Generator
from augsynth.generators.contract.sampling import eval_mode
from augsynth.generators.device import choose_device
from augsynth.generators.image_kind import ImageKind
from augsynth.generators.reading.halves import Halves
from augsynth.generators.reading.images import ImageSet, read_frugally, require_contrast
from augsynth.generators.reading.lazy import LazyImageSet
from augsynth.generators.samples import FitReport
from augsynth.generators.seeds import derive_seed
from augsynth.generators.training import learning
from augsynth.generators.training.loop import train
from augsynth.generators.training.ranks import Ranks
from augsynth.generators.training.request import FitRequest
from augsynth.generators.training.run import Run
from augsynth.generators.training.steps import Step
from augsynth.generators.training.warm_start import WarmStart

NetworkGeneratorT = TypeVar("NetworkGeneratorT", bound="NetworkGenerator")


class NetworkGenerator(Generator):
    """A generator whose networks are trained step by step.

    A plugin writes `build`, `optimizers`, `training_step` and `generate`, and `averages` if it samples from averaged
    weights. The training loop provides batches, seeds, moving averages of weights, checkpoints, exact resuming,
    fine-tuning, callbacks and progress bars.

    Args:
        config: options, an object of the class `Config`; None for the defaults.
    """

    # Methods that a plugin writes, and `generate` ----------------------------------------------------------------

    @abstractmethod
    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        """Make the networks on the CPU, with fresh weights. `self.networks[name]` then holds each of them.

        torch's global generator is seeded for this call. Everything that a checkpoint must keep is a parameter or a
        buffer of a network.

        Args:
            image_shape: (C, H, W).
            num_classes: number of classes; None unless "conditional" is declared.

        Returns:
            Networks by name.
        """

    @abstractmethod
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Make the optimisers of `self.networks`, by name. The networks are on their device. There may be none."""

    @abstractmethod
    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        """Take one training step: compute losses and gradients, and run the optimisers in `step.optimizers`.

        Random numbers come from `step.normal`, `step.uniform`, or torch's global generator, which is seeded for each
        step.

        Args:
            images: float32 (B, C, H, W) in [−1, 1], on the device.
            labels: classes, int64 (B,), on the device; None unless "conditional" is declared.
            step: number of the step, optimisers and random numbers.

        Returns:
            Detached scalars by name, for the progress bar and the report. A tensor on a GPU costs no synchronisation.
        """

    def averages(self) -> dict[str, float]:
        """Return the networks that sampling uses as exponential moving averages: the decay of each, by name.

        After `fit`, such a network is its average. The decay rises as min(decay, (1 + step) / (10 + step)).
        """
        return {}

    # Methods that all plugins share -------------------------------------------------------------------------------

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self._networks: nn.ModuleDict | None = None

    @property
    def networks(self) -> nn.ModuleDict:
        """Networks that `build` made. Raises `NotFittedError` before `fit` or `load`."""
        if self._networks is None:
            raise self._not_fitted()
        return self._networks

    def to(self: NetworkGeneratorT, device: torch.device | str) -> NetworkGeneratorT:
        """Move the networks to another device.

        Args:
            device: a device, its name, or "auto".

        Returns:
            The generator itself.
        """
        refuse_while_fitting(self)
        networks, chosen = self.networks, choose_device(device)
        with usual_thread(), usual_process():
            networks.to(chosen)
            self._device = chosen
        return self

    def sampling_mode(self) -> AbstractContextManager[None]:
        """Return a context manager that puts the networks into eval mode for a call of `generate`."""
        return eval_mode(self.networks)

    def _fit(self, dataset: Any, request: FitRequest) -> FitReport:
        request.require_loop_options(self.name, self.capabilities)
        request.require_free_folder()
        ranks = Ranks.joined(request.device, request.batch_size)
        start = self._warm_start(request.start_from)
        with fitting(self):
            images = self._read_for_steps(dataset, request)
            request.require_room(images.image_shape)
            if start is not None:
                self._require_match(start, images)
            elif self._networks is not None and not request.resumes:
                learning.warn_of_fresh_start(self.name)
            if not ranks.first:
                request = replace(request, progress=False, callbacks=(), log_dir=None)
            halves = None if request.held_out is None else Halves.read(request.held_out, images, request.seed)
            run = Run(images, request, start, ranks, halves)
            run.require_one_fit()
            if isinstance(images, LazyImageSet):
                return train(self, run)
            return self.learn(images.images, images.labels, seed=run.seed, progress=request.progress, run=run)

    def learn(
        self, images: Tensor, labels: Tensor | None, *, seed: int, progress: bool, run: Run | None = None
    ) -> FitReport:
        """Run the training loop. A plugin may override it, to prepare the images or to look at them first.

        Args:
            images: all images, uint8 (n, C, H, W).
            labels: their classes, int64 (n,), or None.
            seed: 64-bit seed of all random numbers.
            progress: True for a progress bar.
            run: the fit that `fit` has planned. An override passes it on unchanged.
        """
        if run is None:
            raise ArgumentError(f"the networks of {self.name!r} learn in steps: call fit(dataset, steps=…)")
        data = ImageSet(images, labels, run.images.class_names)
        return train(self, replace(run, images=data, request=replace(run.request, seed=seed, progress=progress)))

    def state(self) -> Mapping[str, Tensor]:
        """Return the weights of all networks."""
        return self.networks.state_dict()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Load weights into the networks, which are then ready for sampling.

        Args:
            state: tensors by name, as `state` returned them.
        """
        self.networks.load_state_dict(state)
        self.networks.eval()

    # For the training loop and checkpoints -----------------------------------------------------------------------

    def prepare(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int | None,
        device: torch.device,
        seed: int = 0,
        class_names: Iterable[str] | None = None,
    ) -> None:
        """Build networks with fresh weights, which depend on the seed alone.

        Args:
            image_shape: (C, H, W).
            num_classes: number of classes, or None.
            device: device of the networks.
            seed: 64-bit seed of the weights; default 0.
            class_names: one name for each class, or None.
        """
        self._image_kind, self.directions = None, {}
        self.describe(image_shape, num_classes, class_names)
        with seeded(torch.device("cpu"), derive_seed("weights", seed)):
            networks = self._build(image_shape, num_classes)
            self._networks, self._device = networks.to(device), device

    def receive(self, stored: checkpoint.Checkpoint) -> None:
        """Build the networks of a checkpoint, and load its weights.

        First the networks are built without memory, and compared with the tensors in the file. A damaged file can
        therefore not claim more memory than it has.

        Args:
            stored: the checkpoint, whose head was read.
        """
        about = stored.description
        self.describe(about.image_shape, about.num_classes, about.class_names)
        with seeded(torch.device("cpu"), 0):
            require_claim(self._builder(self.image_kind), *stored.layout())
        self.prepare(about.image_shape, about.num_classes, torch.device("cpu"), class_names=about.class_names)
        self.restore(stored.weights())
        self.directions = stored.directions()

    def forget(self) -> None:
        """Return to the state before `fit`."""
        super().forget()
        self._networks = None

    def _builder(self, kind: ImageKind) -> partial[nn.ModuleDict]:
        return partial(self._build, kind.image_shape, kind.num_classes)

    def _build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> nn.ModuleDict:
        return nn.ModuleDict(self.build(image_shape, num_classes))

    def _warm_start(self, start_from: Generator | str | Path | None) -> WarmStart | None:
        if start_from is None:
            return None
        if not isinstance(start_from, Generator):
            return WarmStart.open(check_path("start_from", start_from))
        if not isinstance(start_from, NetworkGenerator):
            raise ArgumentError(f"start_from is the generator {start_from.name!r}, which has no networks to start from")
        state = start_from.state()
        size = sum(value.numel() * value.element_size() for value in state.values())
        source = "this generator" if start_from is self else f"a generator {start_from.name!r}"
        digest = start_from.digest()
        return WarmStart(source, start_from.name, start_from.image_kind, digest, layout_of(state), size, lambda: state)

    def _read_for_steps(self, dataset: Any, request: FitRequest) -> ImageSet | LazyImageSet:
        if type(self).learn is not NetworkGenerator.learn:
            return self._read(dataset, request)  # the plugin's own `learn` gets all images
        images = read_frugally(dataset, labelled="conditional" in self.capabilities, progress=request.progress)
        require_contrast(images)
        return images

    def _require_match(self, start: WarmStart, images: ImageSet | LazyImageSet) -> None:
        kind = ImageKind(images.image_shape, images.num_classes, images.class_names)
        with seeded(torch.device("cpu"), 0):
            start.require_match(self.name, kind, self._builder(kind))
