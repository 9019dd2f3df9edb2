"""Classification with networks of torchvision, of timm, or of the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from augsynth.classifier.training import train_network
from augsynth.core.torch_settings import seeded
from augsynth.evaluate.sweeping.networks import Build, classifier_of
from augsynth.evaluate.sweeping.tasks import ClassificationTask, Predict

_PREDICTED_AT_ONCE = 64


@dataclass(frozen=True)
class TorchModel(ClassificationTask):
    """Classification with a network of torchvision, of timm, or of the user, without trained weights.

    Args:
        model: "torchvision:resnet18", "timm:resnet18", "module:function", or a function that takes the numbers of
            classes and of channels, and returns a network. The network takes float32 images (n, C, H, W) in [0, 1] and
            returns scores (n, K). Only a function can give trained weights.
        steps: number of updates, at least 1; default 600.
        batch_size: images of an update; default 64.
        learning_rate: largest rate of the schedule (AdamW, one cycle); default 0.001.
        side: height and width in pixels that images are resized to; default None, as they are.
        device: device of torch; default "cpu".
        metric: name of the score that decides; default "accuracy".
    """

    model: str | Build
    steps: int = 600
    batch_size: int = 64
    learning_rate: float = 1e-3
    side: int | None = None
    device: str = "cpu"
    metric: str = "accuracy"

    def train(self, training: Any, *, num_classes: int, seed: int) -> Predict:
        device = torch.device(self.device)
        with seeded(device, seed):
            network = classifier_of(self.model, num_classes, training[0][0].shape[0])
            whole = network if self.side is None else nn.Sequential(nn.Upsample((self.side, self.side)), network)
            train_network(
                whole.to(device),
                training,
                steps=self.steps,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                seed=seed,
            )
        return lambda images: _probabilities(whole.eval(), images, device)

    def epochs_for(self, items: int) -> int:
        """Return the number of epochs over a training set, for schedules.

        Args:
            items: number of items of an epoch.
        """
        return -(-self.steps // max(1, items // self.batch_size))


def _probabilities(network: nn.Module, images: NDArray[np.uint8], device: torch.device) -> NDArray[np.float32]:
    with torch.inference_mode():
        parts = torch.split(torch.from_numpy(np.ascontiguousarray(images)), _PREDICTED_AT_ONCE)
        scores = [network(part.to(device) / 255).softmax(1).cpu() for part in parts]
    return cast("NDArray[np.float32]", torch.cat(scores).numpy())
