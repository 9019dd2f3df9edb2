"""Segmentation: models of torchvision or of the user, scored by intersection by union."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth.evaluate.sweeping.networks import Build, model_of
from augsynth.evaluate.sweeping.tasks import Task
from augsynth.evaluate.sweeping.updates import trained


@dataclass(frozen=True)
class Segmentation(Task):
    """Segmentation with a model that returns scores of each pixel, (n, K, H, W), or a dict that has them as "out".

    Args:
        model: "torchvision:lraspp_mobilenet_v3_large", "module:function", or a function of the number of classes.
        num_classes: number K of classes of pixels.
        steps: number of updates; default 600.
        batch_size: images of an update; default 4.
        learning_rate: rate of AdamW; default 0.001.
        device: device of torch; default "cpu".
        metric: "mIoU" (default), the mean over classes of intersection by union of all test pixels.

    `training` and `test` of `score` are data sets of `(float32 image (C, H, W), mask (H, W))` with classes of pixels.
    """

    model: str | Build
    num_classes: int
    steps: int = 600
    batch_size: int = 4
    learning_rate: float = 1e-3
    device: str = "cpu"
    metric: str = "mIoU"

    def score(self, training: Any, test: Any, *, seed: int) -> dict[str, float]:
        device = torch.device(self.device)

        def loss(model: nn.Module, items: Sequence[tuple[Tensor, Any]]) -> Tensor:
            images = torch.stack([image for image, _ in items]).to(device)
            masks = torch.stack([torch.as_tensor(np.asarray(mask)) for _, mask in items]).to(device)
            return F.cross_entropy(_scores(model, images), masks.long())

        model = trained(lambda: model_of(self.model, self.num_classes), training, loss, self, seed)
        counts = np.zeros((self.num_classes, self.num_classes))
        with torch.inference_mode():
            for k in range(len(test)):
                image, mask = test[k]
                predicted = _scores(model, image[None].to(device)).argmax(1)[0].cpu().numpy()
                np.add.at(counts, (np.asarray(mask).ravel().astype(np.int64), predicted.ravel()), 1)
        return mean_iou(counts)


def mean_iou(counts: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean of intersection by union over the classes that occur ("mIoU"), and the share of right pixels.

    Args:
        counts: number of pixels of each class that are taken for each class, (K, K).

    >>> mean_iou(np.array([[3.0, 1.0], [0.0, 4.0]]))
    {'mIoU': 0.775, 'pixel accuracy': 0.875}
    """
    both = np.diag(counts)
    union = counts.sum(0) + counts.sum(1) - both
    occurs = union > 0
    return {
        "mIoU": float(np.mean(both[occurs] / union[occurs])),
        "pixel accuracy": float(both.sum() / counts.sum()),
    }


def _scores(model: nn.Module, images: Tensor) -> Tensor:
    found = model(images)
    return cast("Tensor", found["out"] if isinstance(found, Mapping) else found)
