"""Cases on a GPU: four kinds of work, on large images and on small ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from augsynth.plan import Plan
from harness.cases import CIFAR, IMAGENET
from harness.ops import Affine, Crop, Flip, Jitter, Noise, Ops, ResizedCrop

AFFINE = Affine((-15.0, 15.0), 0.1, (0.8, 1.2), 10.0)
JITTER = Jitter((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.1, 0.1))


@dataclass(frozen=True)
class GpuCase:
    """`ops` over `batch` uint8 images of `side` x `side` with three channels; `aim` is a share of copy bandwidth."""

    name: str
    ops: Ops
    batch: int
    side: int
    aim: float | None = None

    def images(self, device: torch.device) -> torch.Tensor:
        """Return the images (B, C, H, W), always the same."""
        generator = torch.Generator().manual_seed(0)
        shape = (self.batch, 3, self.side, self.side)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator).to(device)


_CASES = (
    GpuCase("crop + flip + normalise, 224", (Crop(224), Flip(), IMAGENET), 256, 256, aim=0.7),
    GpuCase("affine + noise + normalise, 224", (AFFINE, Noise(0.02), IMAGENET), 256, 224, aim=0.5),
    GpuCase("antialiased resized crop + flip + normalise, 224", (ResizedCrop(224, True), Flip(), IMAGENET), 256, 256),
    GpuCase("colour + normalise, 224", (JITTER, IMAGENET), 256, 224),
    GpuCase("crop + flip + normalise, 32", (Crop(32, 4), Flip(), CIFAR), 4096, 32, aim=0.7),
    GpuCase("affine + noise + normalise, 32", (AFFINE, Noise(0.02), CIFAR), 4096, 32, aim=0.5),
    GpuCase("antialiased resized crop + flip + normalise, 32", (ResizedCrop(32, True), Flip(), CIFAR), 4096, 32),
    GpuCase("colour + normalise, 32", (JITTER, CIFAR), 4096, 32),
)
CASES = {case.name: case for case in _CASES}


def bytes_moved(plan: Plan, output: torch.Tensor) -> int:
    """Return the bytes that a plan of one pass reads and writes: the used part of each source, and the output.

    That part is the area of the output in the source, and the whole source at most.
    """
    rows = plan.passes[0].rows
    inverse = rows["inverse"]
    scale = np.abs(inverse[:, 0, 0] * inverse[:, 1, 1] - inverse[:, 0, 1] * inverse[:, 1, 0])
    looked_at = scale * rows["output_size"].astype(np.float64).prod(axis=1)
    whole = rows["source_size"].astype(np.float64).prod(axis=1)
    read = np.minimum(looked_at, whole) * rows["channels"]
    return int(read.sum()) + output.numel() * output.element_size()
