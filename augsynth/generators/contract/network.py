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
from augsynth.generators.errors import NotFittedError
from augsynth.generators.image_kind import ImageKind
from augsynth.generators.reading.images import ImageSet
from augsynth.generators.samples import FitReport
from augsynth.generators.seeds import derive_seed
from augsynth.generators.training import learning
from augsynth.generators.training.loop import Run, train
from augsynth.generators.training.request import FitRequest
from augsynth.generators.training.steps import Step
from augsynth.generators.training.warm_start import WarmStart

NetworkGeneratorT = TypeVar("NetworkGeneratorT", bound="NetworkGenerator")


class NetworkGenerator(Generator):
    """A generator whose networks are trained by the shared loop.

    A plugin writes `build`, `optimizers`, `training_step` and `generate` (and `averages`, if it samples from averaged
    weights). The loop gives it batches, seeds, the moving average of weights, checkpoints, exact resuming, fine-tuning,
    callbacks and progress bars.
    """

    # What a plugin writes, beside `generate` ---------------------------------------------------------------------

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

    def averages(self) -> dict[str, float]:
        """The networks that sampling uses as exponential moving averages, by name, with the decay of each.

        After `fit` such a network *is* its average. The decay warms up as min(decay, (1 + step) / (10 + step)).
        """
        return {}

    # What it is given --------------------------------------------------------------------------------------------

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self._networks: nn.ModuleDict | None = None

    @property
    def networks(self) -> nn.ModuleDict:
        """The networks that `build` made. Raises `NotFittedError` before `fit` or `load`."""
        if self._networks is None:
            raise NotFittedError(f"generator {self.name!r} is not fitted yet: call fit(dataset), or load(path)")
        return self._networks

    def to(self: NetworkGeneratorT, device: torch.device | str) -> NetworkGeneratorT:
        """Move the networks, and return self."""
        refuse_while_fitting(self)
        networks, chosen = self.networks, choose_device(device)
        with usual_thread(), usual_process():
            networks.to(chosen)
            self._device = chosen
        return self

    def sampling_mode(self) -> AbstractContextManager[None]:
        """Put the networks into eval mode for a call of `generate`."""
        return eval_mode(self.networks)

    def _fit(self, dataset: Any, request: FitRequest) -> FitReport:
        request.require_loop_options()
        request.require_free_folder()
        start = self._warm_start(request.start_from)
        with fitting(self):
            images = self._read(dataset, request)
            if start is not None:
                self._require_match(start, images)
            elif self._networks is not None and not request.resumes:
                learning.warn_of_fresh_start(self.name)
            run = Run(images, request, start)
            return self.learn(images.images, images.labels, seed=run.seed, progress=request.progress, run=run)

    def learn(
        self, images: Tensor, labels: Tensor | None, *, seed: int, progress: bool, run: Run | None = None
    ) -> FitReport:
        """Run the training loop. Override it to prepare the images or to look at them first.

        Args:
            images: all images, uint8 (n, C, H, W).
            labels: their classes, int64 (n,), or None.
            seed: seed of all random numbers.
            progress: True for a progress bar.
            run: the fit that `fit` has planned; hand it on unchanged.
        """
        if run is None:
            raise ArgumentError(f"the networks of {self.name!r} learn in steps: call fit(dataset, steps=…)")
        data = ImageSet(images, labels, run.images.class_names)
        return train(self, replace(run, images=data, request=replace(run.request, seed=seed, progress=progress)))

    def state(self) -> Mapping[str, Tensor]:
        """Give the weights of all networks."""
        return self.networks.state_dict()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put weights into the networks, which are then ready to sample."""
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
        """Build fresh networks on `device`; the weights depend on `seed` alone."""
        self._image_kind = None
        self.describe(image_shape, num_classes, class_names)
        with seeded(torch.device("cpu"), derive_seed("weights", seed)):
            networks = self._build(image_shape, num_classes)
            self._networks, self._device = networks.to(device), device

    def receive(self, stored: checkpoint.Checkpoint) -> None:
        """Build the networks of a checkpoint, and take its weights.

        Options, image shape and number of classes are believed only once the networks they describe, built without
        memory, have the tensors that the file holds.
        """
        about = stored.description
        self.describe(about.image_shape, about.num_classes, about.class_names)
        with seeded(torch.device("cpu"), 0):
            require_claim(self._builder(self.image_kind), *stored.layout())
        self.prepare(about.image_shape, about.num_classes, torch.device("cpu"), class_names=about.class_names)
        self.restore(stored.weights())

    def forget(self) -> None:
        """Go back to the state before `fit`."""
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
            raise ArgumentError(f"start_from is the generator {start_from.name!r}, which has no networks to go on from")
        state = start_from.state()
        size = sum(value.numel() * value.element_size() for value in state.values())
        source = "this generator" if start_from is self else f"a generator {start_from.name!r}"
        digest = start_from.digest()
        return WarmStart(source, start_from.name, start_from.image_kind, digest, layout_of(state), size, lambda: state)

    def _require_match(self, start: WarmStart, images: ImageSet) -> None:
        kind = ImageKind(images.image_shape, images.num_classes, images.class_names)
        with seeded(torch.device("cpu"), 0):
            start.require_match(self.name, kind, self._builder(kind))
