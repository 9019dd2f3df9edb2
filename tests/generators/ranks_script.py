"""Script that torchrun starts: fit generators, and store what this process has at the end."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from generators.toy import TinyDecoder
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from augsynth.errors import AugsynthError
from augsynth.generators import Step
from augsynth.generators.toolkit import TrainingOptions, option


class Clipped(TinyDecoder):
    """A decoder that takes its steps through `descend`, always clips its gradients, and keeps statistics."""

    @dataclasses.dataclass(frozen=True)
    class Config(TrainingOptions):
        latent: int = option(4, at_least=1)
        max_norm: float | None = option(0.05, above=0)
        learning_rate: float = option(1e-2, above=0)
        decay: float = option(0.9, at_least=0)

    name = "clipped"
    config: Config  # type: ignore[assignment]

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        pixels, latent = image_shape[0] * image_shape[1] * image_shape[2], self.config.latent
        return {
            "decoder": nn.Sequential(
                nn.Linear(latent, 16), nn.SiLU(), nn.Linear(16, pixels), nn.Unflatten(1, image_shape)
            ),
            "statistics": nn.BatchNorm1d(1, affine=False),
            "embedding": nn.Embedding(num_classes, latent),
            "unused": nn.Linear(2, 2),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": self.config.make_optimizer(self.networks.parameters())}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        self.networks["statistics"](images.mean((1, 2, 3))[:, None])
        latent = step.normal(len(images), self.config.latent) + self.networks["embedding"](labels)
        loss = (self.networks["decoder"](latent) - images).square().mean()
        if int(os.environ.get("RANK", "0")) == 1 and step.index == 2:  # one process has gradients that others lack
            loss = loss + 1e-9 * self.networks["unused"](torch.ones(1, 2)).sum()
        self.config.descend(step, "main", loss)
        return {"loss": loss.detach()}


class Stepping(TinyDecoder):
    """A decoder without dropout that calls `optimizer.step()` itself."""

    name = "stepping"

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        networks = super().build(image_shape, num_classes)
        decoder = [layer for layer in networks["decoder"].children() if not isinstance(layer, nn.Dropout)]
        return {**networks, "decoder": nn.Sequential(*decoder)}


class Wilful(Stepping):
    """A decoder whose weights are changed without an optimiser, in another way in each process."""

    name = "wilful"

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        with torch.no_grad():
            self.networks["embedding"].weight.add_(images.mean())  # type: ignore[operator]
        return {"loss": 0.0}


def run(out: Path) -> None:
    """Fit each generator, and write weights and reports of this process.

    Args:
        out: folder of the results.
    """
    torch.set_num_threads(1)
    rank = int(os.environ.get("RANK", "0"))
    labels = torch.arange(30) % 3
    pixels = torch.randint(0, 100, (30, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    images = TensorDataset(pixels + (70 * labels).to(torch.uint8)[:, None, None, None], labels)
    fit: dict[str, Any] = {"batch_size": 8, "device": "cpu", "progress": True}
    facts: dict[str, Any] = {"seen": 0}

    def count(report: Any) -> None:
        facts["seen"] += 1

    for kind in (Clipped, Stepping):
        folder = out / f"{kind.name}-model"
        generator = kind()
        report = generator.fit(images, steps=20, checkpoint_dir=folder, callbacks=[count], **fit)
        state = generator.state()
        save_file({name: value.contiguous() for name, value in state.items()}, out / f"{kind.name}-{rank}.safetensors")
        facts[kind.name] = report.history
        facts[f"{kind.name} digest"] = generator.digest() == kind.load(folder).digest()
    refused: dict[str, tuple[type[TinyDecoder], dict[str, Any]]] = {
        "odd": (Stepping, {"batch_size": 7}),
        "wilful": (Wilful, {"checkpoint_dir": out / "w"}),
    }
    for name, (kind, options) in refused.items():
        try:
            kind().fit(images, steps=2, **{**fit, **options})
        except AugsynthError as error:
            facts[name] = str(error)
    (out / f"facts-{rank}.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    from generators import ranks_script  # whose classes are not named after __main__

    ranks_script.run(Path(sys.argv[1]))
