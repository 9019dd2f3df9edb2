"""Do the libraries give our pictures on the device? Compared as the libraries of the CPU are, on smooth pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from harness import check
from harness.images import Image, ImageSet
from harness.ops import Ops
from harness.peers.base import Peer, Unsupported
from harness.timing import Way

Make = Callable[[Ops, torch.Tensor], Callable[[], Any]]
"""Work of a library: a function without arguments that applies `ops` to uint8 images (B, C, H, W) on their device."""

COUNT = 32
DETAILS = 6  # a picture's extrema along each side


class OnDevice(Peer):
    """Library on a device; `singly` gives it one image at a time, if it would draw once for a whole batch."""

    def __init__(self, name: str, make: Make, device: torch.device, singly: bool = False) -> None:
        self.name = name
        self.make = make
        self.device = device
        self.singly = singly

    def transform(self, ops: Ops) -> Callable[[Any], Any]:
        raise Unsupported("works on batches")

    def ways(self, ops: Ops, images: ImageSet, batch: int) -> list[Way]:
        stacked = torch.from_numpy(np.stack(images.images)).permute(0, 3, 1, 2).contiguous().to(self.device)
        parts = stacked.split(1 if self.singly else len(stacked))

        def run(start: int) -> Iterator[Any]:
            for part in parts:
                yield on_processor(self.make(ops, part)())

        return [run]


def differences(found: OnDevice, ours: OnDevice, ops: Ops, side: int) -> list[str]:
    """Return the differences of a library from augsynth, in words."""
    images = pictures(side)
    return check.differences(found, check.Pictures.of(ours, ops, images), ops, images)


def pictures(side: int, count: int = COUNT) -> list[Image]:
    """Smooth pictures (side, side, 3) of all colours, the same every time."""
    random = torch.rand((count, 3, DETAILS, DETAILS), generator=torch.Generator().manual_seed(0))
    smooth = interpolate(random, size=(side, side), mode="bilinear", align_corners=True)
    return list((255 * smooth).to(torch.uint8).permute(0, 2, 3, 1).numpy())


def on_processor(output: Any) -> Any:
    """Return a batch as an array: a tensor, or the output of a DALI pipeline."""
    if isinstance(output, torch.Tensor):
        return output.cpu().numpy()
    return output[0].as_cpu().as_array()
