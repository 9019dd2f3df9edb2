"""Running a generator's networks so that a sample does not depend on its batch.

The last bits of a matrix product or convolution depend on the number of rows, because libraries choose another
kernel, and one such bit can flip the rounding to uint8. So networks always see tiles: `generator.tile` rows, cut at
multiples of `tile` from sample 0. Sample k lies in the same row of a batch of the same shape, whatever is asked for;
surplus rows are computed and dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentError, PluginError
from augsynth.generators.samples import to_uint8
from augsynth.generators.seeds import Noise
from augsynth.progress import progress_bar


class Renderer(Protocol):
    """The part of a `Generator` that sampling needs."""

    @property
    def name(self) -> str: ...
    @property
    def tile(self) -> int: ...
    @property
    def networks(self) -> nn.ModuleDict: ...
    @property
    def image_shape(self) -> tuple[int, int, int]: ...
    @property
    def device(self) -> torch.device: ...
    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Request:
    """Which samples are asked for: `start` … `start + n - 1` of a seed, with int64 `(n,)` labels or None."""

    n: int
    start: int
    seed: int
    labels: Tensor | None
    guidance: float | None

    def __post_init__(self) -> None:
        for argument, value in (("n", self.n), ("start", self.start)):
            if value < 0:
                raise ArgumentError(f"{argument} must be at least 0, got {value}")

    @property
    def stop(self) -> int:
        """One past the last sample."""
        return self.start + self.n


def render(generator: Renderer, request: Request, batch_size: int, progress: bool) -> Tensor:
    """Compute the samples of a request as uint8 `(n, C, H, W)` on the CPU, about `batch_size` at a time."""
    if batch_size < 1:
        raise ArgumentError(f"batch_size must be at least 1, got {batch_size}")
    tiles = range(request.start // generator.tile, -(-request.stop // generator.tile))
    at_once = max(1, batch_size // generator.tile)
    batches = [torch.empty((0, *generator.image_shape), dtype=torch.uint8)]
    with progress_bar("sampling", request.n, progress) as advance, _sampling_mode(generator.networks):
        for first in range(0, len(tiles) if request.n else 0, at_once):
            parts = [_render_tile(generator, request, index) for index in tiles[first : first + at_once]]
            batches.append(torch.cat(parts).cpu())
            advance(len(batches[-1]))
    return torch.cat(batches)


def _render_tile(generator: Renderer, request: Request, index: int) -> Tensor:
    """Run all rows of a tile, and return those that are asked for."""
    begin = index * generator.tile
    rows = slice(max(request.start - begin, 0), min(request.stop - begin, generator.tile))
    labels = None
    if request.labels is not None:
        labels = torch.zeros(generator.tile, dtype=torch.int64)
        labels[rows] = request.labels[begin + rows.start - request.start : begin + rows.stop - request.start]
        labels = labels.to(generator.device)
    noise = Noise(request.seed, range(begin, begin + generator.tile), generator.device)
    images = generator.generate(noise, labels, request.guidance)
    expected = (generator.tile, *generator.image_shape)
    if tuple(images.shape) != expected or not images.is_floating_point():
        found = f"{images.dtype} {tuple(images.shape)}"
        raise PluginError(f"generate of {generator.name!r} must return float {expected}, it returned {found}")
    if not bool(images[rows].isfinite().all()):
        raise PluginError(f"generate of {generator.name!r} returned values that are not finite; was its fit sound?")
    return to_uint8(images[rows])


@contextmanager
def _sampling_mode(networks: nn.ModuleDict) -> Iterator[None]:
    """No gradients, eval mode, and on CUDA only deterministic convolutions; all restored afterwards."""
    training = networks.training
    networks.eval()
    try:
        with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            yield
    finally:
        networks.train(training)
