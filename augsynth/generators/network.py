"""`NetworkGenerator`: the second floor of the contract, for networks that are trained step by step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from augsynth.core.checks import check_path, check_seed
from augsynth.core.torch_settings import seeded, usual_process, usual_thread
from augsynth.errors import ArgumentError
from augsynth.generators import checkpoint, learning, training
from augsynth.generators.base import Generator
from augsynth.generators.claims import layout_of, require_claim
from augsynth.generators.concurrency import fitting, refuse_while_fitting
from augsynth.generators.dataset import ImageSet, read_images
from augsynth.generators.device import choose_device
from augsynth.generators.errors import NotFittedError
from augsynth.generators.kinds import ImageKind
from augsynth.generators.samples import FitReport
from augsynth.generators.sampling import eval_mode
from augsynth.generators.seeds import derive_seed
from augsynth.generators.steps import Callback, Step, check_callbacks
from augsynth.generators.warm_start import WarmStart

if TYPE_CHECKING:
    from typing_extensions import Self


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

    def to(self, device: torch.device | str) -> Self:
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
        """Fit on a data set (see `Generator.fit`), for a number of `steps` or of `epochs`: one of the two is given.

        The batch of step i depends on (seed, i) alone. With `checkpoint_dir`, a checkpoint is written there every
        `checkpoint_every` steps, at the end, and on Ctrl-C once the step under way is done; `resume=True` goes on
        from it, and on a CPU ends with the very weights of an uninterrupted run. After Ctrl-C the generator is
        fitted as far as it came; after any other error it is not fitted.

        Weights are fresh, also in a second fit, which says so in a warning; `start_from` is a fitted generator of the
        same name, or the folder of a saved one, from whose weights the fit goes on (fine-tuning). Optimisers, averages
        and schedules begin anew. Where the shapes of its tensors differ it is refused, before anything is changed.

        After each step, each of `callbacks` is called with a `StepReport`: `step`, `total` and `metrics`. What one
        raises ends the fit.
        """
        if resume and checkpoint_dir is None:
            raise ArgumentError("resume=True needs checkpoint_dir: the folder of the run that is to go on")
        folder = None if checkpoint_dir is None else check_path("checkpoint_dir", checkpoint_dir)
        told, start = check_callbacks(callbacks), self._warm_start(start_from)
        with fitting(self):
            images = read_images(dataset, labelled="conditional" in self.capabilities, progress=progress)
            run = training.Run.plan(images, steps, epochs, batch_size, check_seed(seed), choose_device(device))
            store = None if folder is None else training.Store(folder, checkpoint_every, resume)
            if start is not None:
                self._require_match(start, images)
            elif self._networks is not None and not (store and store.resumes):
                learning.say_that_it_starts_anew(self.name)
            run = replace(run, start=start, callbacks=told)
            return self.learn(images.images, images.labels, seed=run.seed, progress=progress, run=run, store=store)

    def learn(
        self,
        images: Tensor,
        labels: Tensor | None,
        *,
        seed: int,
        progress: bool,
        run: training.Run | None = None,
        store: training.Store | None = None,
    ) -> FitReport:
        """Run the training loop; `fit` plans the run. Override it to prepare the images or to look at them first."""
        if run is None:
            raise ArgumentError(f"the networks of {self.name!r} learn in steps: call fit(dataset, steps=…)")
        shown = ImageSet(images, labels, run.images.class_names)
        return training.train(self, replace(run, images=shown, seed=seed), store, progress)

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
