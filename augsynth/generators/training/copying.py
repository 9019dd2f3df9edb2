"""Watching a fit for copies of its images, and keeping the weights from before they set in."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from augsynth.copies import CopyEvidence, CopyTest
from augsynth.core.checks import check_integer
from augsynth.generators.reading.halves import Halves
from augsynth.generators.samples import Samples
from augsynth.generators.seeds import derive_seed

SAMPLES = 1024
"""Samples that are drawn at each checkpoint."""
SIGNIFICANT = 0.05
"""P-value below which a checkpoint copies."""

_CLEAN = "clean."


class Sampler(Protocol):
    """Part of a generator that is watched."""

    @property
    def networks(self) -> nn.ModuleDict: ...
    def sample(self, n: int, *, seed: int) -> Samples: ...


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights after a step.

    Args:
        step: number of steps.
        tensors: tensors by name.
    """

    step: int
    tensors: Mapping[str, Tensor]


class CopyWatch:
    """A look at the samples of each checkpoint of a run.

    The clean weights are those of the last checkpoint whose samples copied nothing beyond chance. One checkpoint in 20
    seems to copy by mere chance. If a later one does not, it is forgotten. If all checkpoints copy, the clean weights
    are those of the first.

    Args:
        halves: images that the fit sees, and images that it does not see.
        seed: 64-bit seed of the run.
    """

    def __init__(self, halves: Halves, seed: int) -> None:
        self._test, self._seed = CopyTest(halves.fit, halves.held_out, seed=seed), seed
        self._scale = halves.total / len(halves.fit)
        self.clean: Weights | None = None
        self.since: int | None = None

    def look(self, step: int, generator: Sampler) -> dict[str, float]:
        """Test samples of a generator, and keep its weights if they are the clean ones.

        Args:
            step: number of steps so far.
            generator: the generator, whose networks are those that sampling uses.

        Returns:
            Share of samples that are copies beyond chance, and the p-value.
        """
        samples = generator.sample(SAMPLES, seed=derive_seed("copies", self._seed, step)).images
        evidence = self._test(samples)
        self._judge(step, evidence, generator.networks)
        return {"copies": min(1.0, self._scale * evidence.share), "copies_p": evidence.p_value}

    def _judge(self, step: int, evidence: CopyEvidence, networks: nn.Module) -> None:
        copies = evidence.p_value < SIGNIFICANT
        if not copies or self.clean is None:
            weights = {name: value.detach().clone() for name, value in networks.state_dict().items()}
            self.clean = Weights(step, weights)
        self.since = None if not copies else step if self.since is None else self.since

    @property
    def kept(self) -> Weights | None:
        """Weights that the run ends with instead of the last ones; None while nothing is copied."""
        return None if self.since is None else self.clean

    def pack(self, step: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what a resumed run needs beside the last and the kept weights, as JSON and tensors.

        Args:
            step: number of steps so far.
        """
        clean = self.clean
        as_json = {"since": self.since, "clean_step": None if clean is None else clean.step}
        stored_anyway = clean is None or clean.step == step or self.since is not None
        return as_json, {} if clean is None or stored_anyway else {_CLEAN + k: v for k, v in clean.tensors.items()}

    def unpack(self, as_json: Mapping[str, Any], tensors: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
        """Continue from what `pack` returned.

        Args:
            as_json: the JSON.
            tensors: the tensors; others are ignored.
            weights: weights of the checkpoint: the kept ones, or the last ones.
        """
        since, step = as_json["since"], as_json["clean_step"]
        self.since = None if since is None else check_integer("since", since, 1)
        if step is not None:
            apart = {k.removeprefix(_CLEAN): v for k, v in tensors.items() if k.startswith(_CLEAN)}
            self.clean = Weights(check_integer("clean_step", step, 1), apart or dict(weights))

    def warn(self, name: str, history: list[dict[str, float]]) -> None:
        """Warn that the run copied, and say which weights it ends with.

        Args:
            name: name of the generator.
            history: history of the run.
        """
        if self.since is None or self.clean is None:
            return
        share, p_value = next((e["copies"], e["copies_p"]) for e in reversed(history) if "copies" in e)
        kept = f"it keeps the weights of step {self.clean.step}, the last checkpoint before"
        if self.clean.step == self.since:
            kept = "it keeps the weights of this first checkpoint; a smaller checkpoint_every looks earlier"
        warnings.warn(
            f"generator {name!r} copies images of the fit from step {self.since} on ({share:.0%} of its last samples "
            f"beyond chance, p = {p_value:.2g}), so {kept}. More images, augmentation or dropout delay copying",
            stacklevel=2,
        )
