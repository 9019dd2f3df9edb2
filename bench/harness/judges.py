"""Classifiers that judge generated images: augsynth's small network for digits, and a small ResNet for photographs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth.evaluate import Classifier, train_classifier
from augsynth.progress import progress_bar

Judge = Callable[[Tensor, Tensor, int], Classifier]
"""Function of images uint8 (n, C, H, W), labels (n,) and a seed. It returns a trained classifier."""


class Residual(nn.Module):
    """Pre-activation block of He et al., "Identity mappings in deep residual networks", ECCV 2016."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(before), nn.BatchNorm2d(after)])
        self.first = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        activated = F.relu(self.norms[0](x))
        inner = self.second(F.relu(self.norms[1](self.first(activated))))
        result: Tensor = inner + self.shortcut(activated if isinstance(self.shortcut, nn.Conv2d) else x)
        return result


def resnet(images: Tensor, labels: Tensor, seed: int, *, images_seen: int = 15_000) -> Classifier:
    """Train a ResNet of eight layers with flips and shifts, for a fixed number of images."""
    torch.manual_seed(seed)
    channels, classes = images.shape[1], int(labels.max()) + 1
    network = nn.Sequential(
        nn.BatchNorm2d(channels, affine=False),
        nn.Conv2d(channels, 16, 3, padding=1, bias=False),
        Residual(16, 16, 1),
        Residual(16, 32, 2),
        Residual(32, 64, 2),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, classes),
    ).to(memory_format=torch.channels_last)
    steps, size = images_seen // 64, 64
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps + 1)
    order = torch.cat([torch.randperm(len(images)) for _ in range(-(-steps * size // len(images)))])
    with progress_bar("training the judge", steps, True) as advance:
        for rows in order[: steps * size].split(size):
            batch = _shifted(images[rows].float() / 255).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(network(batch), labels[rows], label_smoothing=0.05)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            advance(1)
    return Classifier(network, tuple(images.shape[1:]), classes)


def _shifted(batch: Tensor) -> Tensor:
    """Flip half of a batch, and shift all of it by up to 3 pixels."""
    batch = torch.where(torch.rand(len(batch), 1, 1, 1) < 0.5, batch.flip(3), batch)
    (down, right), (height, width) = torch.randint(0, 7, (2,)).tolist(), batch.shape[2:]
    return F.pad(batch, (3, 3, 3, 3), mode="reflect")[:, :, down : down + height, right : right + width]


JUDGES: dict[str, Judge] = {
    "mnist10k": lambda images, labels, seed: train_classifier(images, labels, seed=seed),
    "cifar10": resnet,
}
"""Judges by the name of the data set."""
