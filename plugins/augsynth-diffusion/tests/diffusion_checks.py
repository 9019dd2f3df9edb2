"""Measurements of the tests of diffusion models."""

from __future__ import annotations

from torch import Tensor

from augsynth.generators import Samples


def share_of_class(images: Tensor, labels: Tensor) -> float:
    """Return the share of images of bars that vary more across their bar than along it."""
    pictures = images.float()
    along_rows = pictures.var(3).mean((1, 2)) < pictures.var(2).mean((1, 2))
    return ((~along_rows).long() == labels).float().mean().item()


def rows_of(samples: Samples) -> int:
    """Return the number of different rows of the bars along rows, which have the class 0."""
    assert samples.labels is not None
    return len(samples.images[samples.labels == 0].float().mean((1, 3)).argmax(1).unique())
