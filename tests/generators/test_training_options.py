"""Options that all fits share: each optimiser does what its name says, clips, decays, and is resumed exactly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from generators.toy import TinyDecoder
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from augsynth.errors import CheckpointError
from augsynth.generators import Step
from augsynth.generators.toolkit import OPTIMIZERS, TrainingOptions
from augsynth.generators.training.optimizer_state import pack_optimizers, unpack_optimizers

FIT: dict[str, Any] = {"batch_size": 8, "device": "cpu", "progress": False}
PLAIN: dict[str, Any] = {
    "adam": lambda weights, lr: torch.optim.AdamW(weights, lr, betas=(0.9, 0.99), weight_decay=0.1),
    "radam": lambda weights, lr: torch.optim.RAdam(
        weights, lr, betas=(0.9, 0.99), weight_decay=0.1, decoupled_weight_decay=True
    ),
    "rmsprop": lambda weights, lr: torch.optim.RMSprop(weights, lr, alpha=0.99, weight_decay=0.1),
    "sgd": lambda weights, lr: torch.optim.SGD(weights, lr, momentum=0.9, weight_decay=0.1),
}


class Optioned(TinyDecoder):
    """A decoder with the shared options and no others."""

    name = "optioned"
    Config = TrainingOptions  # type: ignore[assignment]
    config: TrainingOptions  # type: ignore[assignment]

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        return {"decoder": nn.Embedding(num_classes, 64)}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": self.config.make_optimizer(self.networks.parameters())}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        loss = (self.networks["decoder"](labels) - images.flatten(1)).square().mean()
        self.config.descend(step, "main", loss)
        return {"loss": loss.detach()}


def _weights() -> list[nn.Parameter]:
    numbers = torch.randn(6, generator=torch.Generator().manual_seed(0))
    return [nn.Parameter(numbers[:4].view(2, 2).clone()), nn.Parameter(numbers[4:].clone())]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_torchs_plain_optimiser(name: str) -> None:
    ours, theirs = _weights(), _weights()
    made = TrainingOptions(optimizer=name, learning_rate=0.01, weight_decay=0.1).make_optimizer(ours)
    for weights, optimizer in ((ours, made), (theirs, PLAIN[name](theirs, 0.01))):
        for step in range(8):
            optimizer.zero_grad()
            sum((weight - step).square().sum() for weight in weights).backward()  # type: ignore[union-attr]
            optimizer.step()
    for mine, plain in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, plain)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_with_any_optimiser_is_resumed_exactly(name: str, images: TensorDataset, tmp_path: Path) -> None:
    options = {"optimizer": name, "weight_decay": 0.01, "max_norm": 0.1}
    whole, part, resumed = (Optioned.configure(**options) for _ in range(3))
    whole.fit(images, steps=8, **FIT)
    with pytest.raises(RuntimeError, match="stop"):
        part.fit(images, steps=8, checkpoint_dir=tmp_path, checkpoint_every=3, callbacks=[_stop_after(4)], **FIT)
    assert resumed.fit(images, steps=8, checkpoint_dir=tmp_path, resume=True, **FIT).resumed_at == 3
    assert resumed.digest() == whole.digest()


def _stop_after(steps: int) -> Any:
    def stop(report: Any) -> None:
        if report.step == steps:
            raise RuntimeError("stop")

    return stop


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_state_of_another_shape_is_refused(name: str) -> None:
    weights = _weights()
    optimizer = TrainingOptions(optimizer=name).make_optimizer(weights)
    sum(weight.sum() for weight in weights).backward()  # type: ignore[union-attr]
    optimizer.step()
    as_json, tensors = pack_optimizers({"main": optimizer})
    unpack_optimizers({"main": optimizer}, as_json, tensors)
    largest = max(tensors, key=lambda key: tensors[key].numel())
    with pytest.raises(CheckpointError):
        unpack_optimizers({"main": optimizer}, as_json, {**tensors, largest: torch.zeros(3, 3)})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_makes_weights_smaller(name: str) -> None:
    shrunk = []
    for decay in (0.0, 0.5):
        (weight,) = [nn.Parameter(torch.ones(4))]
        optimizer = TrainingOptions(optimizer=name, learning_rate=0.1, weight_decay=decay).make_optimizer([weight])
        for _ in range(8):
            weight.grad = torch.zeros(4)
            optimizer.step()
        shrunk.append(float(weight.detach().mean()))
    assert shrunk[0] == 1.0
    assert shrunk[1] < 0.9


@pytest.mark.parametrize("max_norm", [None, 0.5])
def test_gradients_are_clipped_and_rates_follow_the_schedule(max_norm: float | None) -> None:
    config = TrainingOptions(optimizer="sgd", learning_rate=1.0, max_norm=max_norm)
    weight = nn.Parameter(torch.zeros(4))
    optimizer = config.make_optimizer([weight])
    step = Step(3, 10, {"main": optimizer}, torch.device("cpu"), torch.Generator())
    config.descend(step, "main", 3 * weight.sum())
    norm = 6.0 if max_norm is None else max_norm
    assert float(weight.detach().norm()) == pytest.approx(norm * config.schedule(3, 10), rel=1e-5)
