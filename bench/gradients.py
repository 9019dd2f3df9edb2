"""Time of augmentation with gradients, beside torch's own operations: forward, and forward with backward.

    python bench/gradients.py [--rounds 40] [--write]

One thread, batches of 64 float32 images of 3x64x64, CPU time by turns. "warp" is one affine map an image: `linear_pass`
beside `affine_grid` and `grid_sample`. "DiffAugment" is translation, brightness, saturation, contrast and cutout: in
one operation, and as a chain of torch's. Both are checked to give the same pictures first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from harness import machine
from harness.script import print_table
from harness.timing import Contender, Timing, measure
from torch import Tensor
from torch.nn import functional as F

from augsynth import transforms as T
from augsynth._native.layout import Border
from augsynth.differentiable import linear_pass

BATCH, SIDE = 64, 64
RESULTS = Path(__file__).parent / "results" / "gradients.md"
PADDINGS = {"border": Border.REPLICATE, "zeros": Border.CONSTANT, "reflection": Border.REFLECT}
WORKS = ("forward", "forward and backward")


def torch_warp(images: Tensor, theta: Tensor, padding: str) -> Tensor:
    """Apply one affine map an image with torch; `theta` (B, 2, 3) is in its coordinates."""
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode=padding, align_corners=False)


def in_pixels(theta: Tensor) -> Tensor:
    """Return the same maps for `linear_pass`, (B, 3, 3)."""
    half = torch.tensor([[SIDE / 2, 0, SIDE / 2], [0, SIDE / 2, SIDE / 2], [0, 0, 1]], dtype=torch.float64)
    last = torch.tensor([[[0.0, 0, 1]]], dtype=torch.float64).expand(len(theta), 1, 3)
    return half @ torch.cat([theta.double(), last], 1) @ half.inverse()


class Chain:
    """Policies "translation", "color" and "cutout" of DiffAugment, as a chain of torch operations."""

    def __init__(self, seed: int = 0) -> None:
        rng = torch.Generator().manual_seed(seed)
        self.uniform = torch.rand(BATCH, T.DiffAugment.numbers, generator=rng, dtype=torch.float64)
        move, colours, cut = (self.uniform[:, part].float() for part in (slice(6, 8), slice(8, 11), slice(11, 13)))
        self.brightness, self.saturation, self.contrast = (factor.view(-1, 1, 1, 1) for factor in colours.unbind(1))
        reach, extent = int(SIDE / 8 + 0.5), int(SIDE / 2 + 0.5)
        shift = (move * (2 * reach + 1)).floor().long() - reach
        line = torch.arange(SIDE)
        self.x, self.y = ((line - shift[:, axis, None] + 1).clamp(0, SIDE + 1) for axis in (0, 1))
        first = (cut * (SIDE + 1 - extent % 2)).floor() - extent // 2
        across, down = ((line >= edge[:, None]) & (line < edge[:, None] + extent) for edge in first.unbind(1))
        self.kept = (~(down[:, None, :, None] & across[:, None, None, :])).float()
        self.sample = torch.arange(BATCH)[:, None, None]

    def __call__(self, images: Tensor) -> Tensor:
        padded = F.pad(images, (1, 1, 1, 1)).permute(0, 2, 3, 1)
        images = padded[self.sample, self.y[:, :, None], self.x[:, None, :]].permute(0, 3, 1, 2)
        images = images + (self.brightness - 0.5)
        mean = images.mean(1, keepdim=True)
        images = (images - mean) * (2 * self.saturation) + mean
        mean = images.mean((1, 2, 3), keepdim=True)
        images = (images - mean) * (self.contrast + 0.5) + mean
        return images * self.kept


def works() -> dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]]:
    """Return the work of each case, for augsynth and for torch."""
    theta = torch.eye(2, 3) + 0.1 * torch.randn(BATCH, 2, 3, generator=torch.Generator().manual_seed(0))
    inverse, chain, augment = in_pixels(theta), Chain(), T.DiffAugment()
    found: dict[str, Any] = {
        f"warp, {padding} outside": (
            lambda x, border=border: linear_pass(x, inverse, border=border),
            lambda x, padding=padding: torch_warp(x, theta, padding),
        )
        for padding, border in PADDINGS.items()
    }
    found["DiffAugment, the paper's policies"] = lambda x: augment(x, uniform=chain.uniform), chain
    return found


def run(function: Callable[[Tensor], Tensor], images: Tensor, work: str) -> Callable[[int], Iterator[Any]]:
    """Return a way that sends one batch through a function, for `measure`."""
    ones = torch.ones(images.shape)

    def once(start: int) -> Iterator[Any]:
        yield function(images.detach()) if work == "forward" else torch.autograd.grad(function(images), images, ones)

    return once


def measure_all(rounds: int) -> dict[tuple[str, str], dict[str, Timing]]:
    """Return the time an image by case and work, for augsynth and for torch."""
    images = torch.rand(BATCH, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    images.requires_grad_()
    measured = {}
    for case, (ours, theirs) in works().items():
        torch.testing.assert_close(ours(images), theirs(images), rtol=0, atol=1e-4)
        for work in WORKS:
            contenders = [
                Contender(name, run(function, images, work), time.thread_time, BATCH, BATCH)
                for name, function in (("augsynth", ours), ("torch", theirs))
            ]
            measured[case, work] = measure(contenders, rounds, lambda: None)
    return measured


def report(measured: dict[tuple[str, str], dict[str, Timing]]) -> str:
    """Return the table in Markdown."""
    where = machine.describe()
    lines = [
        f"# Gradients: {BATCH} float32 images of 3x{SIDE}x{SIDE}, one thread",
        "",
        "Microseconds an image (CPU time: median, and the least of all rounds), and how many times as long torch took.",
        "",
        "| | | augsynth | torch's operations | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (case, work), timings in measured.items():
        cells = [f"{timing.median:.0f} ({timing.low:.0f})" for timing in (timings["augsynth"], timings["torch"])]
        ratio = timings["torch"].median / timings["augsynth"].median
        lines.append(f"| {case} | {work} | {cells[0]} | {cells[1]} | {ratio:.2f} |")
    about = f"{where['processor']}, torch {torch.__version__}, {where['date']}, load {machine.load()}"
    return "\n".join([*lines, "", f"{about}. Written by bench/gradients.py.", ""])


def main() -> None:
    """Measure, print, and store the table with --write."""
    print_table(__doc__, RESULTS, 40, lambda rounds: report(measure_all(rounds)))


if __name__ == "__main__":
    main()
