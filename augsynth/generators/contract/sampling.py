"""Computing samples in tiles, so that a sample does not depend on its batch.

Libraries choose another kernel for another number of rows. The last bits of a matrix product or a convolution therefore
depend on it, and one such bit can change the rounding to uint8. So networks always compute tiles: `generator.tile`
rows, cut at multiples of `tile` from sample 0. Sample k has the same row in a batch of the same shape in every call.
Rows that are not asked for are computed and dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from augsynth.core.torch_settings import deterministic_cudnn, usual_process, usual_thread
from augsynth.errors import PluginError
from augsynth.generators.samples import to_signed, to_uint8
from augsynth.generators.seeds import Noise
from augsynth.progress import progress_bar


class Renderer(Protocol):
    """Part of a `Generator` that sampling needs."""

    @property
    def name(self) -> str: ...
    @property
    def tile(self) -> int: ...
    @property
    def image_shape(self) -> tuple[int, int, int]: ...
    @property
    def device(self) -> torch.device: ...
    def sampling_mode(self) -> AbstractContextManager[None]: ...


TileFunction = Callable[..., Tensor]
"""Function (noise, labels, *sources) of a tile. It returns floating-point images in [-1, 1], or other numbers, with a
row for each row of the tile."""


@dataclass(frozen=True, eq=False)
class SampleRequest:
    """Samples `start` … `start + n - 1` of a seed.

    Args:
        n: number of samples, at least 0.
        start: number of the first sample, at least 0.
        seed: 64-bit seed.
        labels: classes, int64 (n,), or None.
        sources: images, uint8 (n, C, H, W), or codes, float32 (n, …), on the CPU; by default none.
        images: True (default) if images are drawn, False if other numbers are computed.
    """

    n: int
    start: int
    seed: int
    labels: Tensor | None
    sources: tuple[Tensor, ...] = ()
    images: bool = True

    @property
    def stop(self) -> int:
        """Number of the last sample plus one."""
        return self.start + self.n


def render(
    generator: Renderer, function: TileFunction, request: SampleRequest, batch_size: int, progress: bool
) -> Tensor:
    """Compute samples: images, uint8 (n, …, C, H, W), or other numbers, float32 (n, …), on the CPU.

    Args:
        generator: the generator that computes them.
        function: the function that computes one tile.
        request: the samples.
        batch_size: about how many samples are computed between two transfers to the host.
        progress: True for a progress bar.
    """
    if request.n == 0 and not request.sources:
        return torch.empty((0, *generator.image_shape), dtype=torch.uint8, device="cpu")
    # No source takes a tile as well: the shape of the results is not known before.
    tiles = range(request.start // generator.tile, max(1, -(-request.stop // generator.tile)))
    at_once = max(1, batch_size // generator.tile)
    done, samples = 0, torch.empty(0)
    with progress_bar("sampling", request.n, progress) as advance, usual_thread(generator.device, gradients=False):
        for first in range(0, len(tiles), at_once):
            parts = [_render_tile(generator, function, request, index) for index in tiles[first : first + at_once]]
            batch = torch.cat(parts).cpu()
            if first == 0:  # one memory for all: batches that are joined at the end would take twice as much
                samples = torch.empty((request.n, *batch.shape[1:]), dtype=batch.dtype, device="cpu")
            samples[done : done + len(batch)] = batch
            done += len(batch)
            advance(len(batch))
    return samples


def _render_tile(generator: Renderer, function: TileFunction, request: SampleRequest, index: int) -> Tensor:
    """Compute all rows of a tile, and return those that are asked for."""
    begin = index * generator.tile
    rows = slice(max(request.start - begin, 0), min(request.stop - begin, generator.tile))
    wanted = slice(begin + rows.start - request.start, begin + rows.stop - request.start)

    def tiled(values: Tensor) -> Tensor:
        filled = torch.zeros((generator.tile, *values.shape[1:]), dtype=values.dtype)
        filled[rows] = values[wanted]
        return filled.to(generator.device)

    with usual_process(), deterministic_cudnn(), generator.sampling_mode():
        labels = None if request.labels is None else tiled(request.labels)
        tiles = map(tiled, request.sources)
        sources = [to_signed(tile) if tile.dtype == torch.uint8 else tile for tile in tiles]
        noise = Noise(request.seed, range(begin, begin + generator.tile), generator.device)
        drawn = function(noise, labels, *sources)
    shape = generator.image_shape if request.images else ()
    if len(drawn) != generator.tile or drawn.shape[drawn.ndim - len(shape) :] != shape or not drawn.is_floating_point():
        expected = ", ".join(map(str, (generator.tile, *(shape or "…"))))
        raise PluginError(
            f"generator {generator.name!r} must draw float ({expected}); it gave {drawn.dtype} {tuple(drawn.shape)}"
        )
    if not bool(drawn[rows].isfinite().all()):
        raise PluginError(f"generator {generator.name!r} drew values that are not finite; was its fit sound?")
    return to_uint8(drawn[rows]) if request.images else drawn[rows].float()


@contextmanager
def eval_mode(networks: nn.ModuleDict) -> Iterator[None]:
    """Put all modules into eval mode for a block, and back into their own mode afterwards.

    Args:
        networks: the networks of a generator.
    """
    training = [module for module in networks.modules() if module.training]
    if training:
        networks.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
