"""Running a generator's networks so that a sample does not depend on its batch.

The last bits of a matrix product or convolution depend on the number of rows, because libraries choose another
kernel, and one such bit can flip the rounding to uint8. So networks always see tiles: `generator.tile` rows, cut at
multiples of `tile` from sample 0. Sample k lies in the same row of a batch of the same shape, whatever is asked for;
surplus rows are computed and dropped.
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
    """The part of a `Generator` that sampling needs."""

    @property
    def name(self) -> str: ...
    @property
    def tile(self) -> int: ...
    @property
    def image_shape(self) -> tuple[int, int, int]: ...
    @property
    def device(self) -> torch.device: ...
    def sampling_mode(self) -> AbstractContextManager[None]: ...


Draw = Callable[..., Tensor]
"""`draw(noise, labels, *images)` for one tile: float images in [-1, 1], or rows of several images."""


@dataclass(frozen=True, eq=False)
class Request:
    """Which samples are asked for: `start` … `start + n - 1` of a seed.

    `labels` is int64 `(n,)` or None; `images` are the uint8 `(n, C, H, W)` sources of image-to-image methods.
    """

    n: int
    start: int
    seed: int
    labels: Tensor | None
    images: tuple[Tensor, ...] = ()

    @property
    def stop(self) -> int:
        """One past the last sample."""
        return self.start + self.n


def render(generator: Renderer, draw: Draw, request: Request, batch_size: int, progress: bool) -> Tensor:
    """Compute the samples of a request, uint8 `(n, …, C, H, W)` on the CPU, about `batch_size` at a time."""
    if request.n == 0:
        return torch.empty((0, *generator.image_shape), dtype=torch.uint8, device="cpu")
    tiles = range(request.start // generator.tile, -(-request.stop // generator.tile))
    at_once = max(1, batch_size // generator.tile)
    batches = []
    with progress_bar("sampling", request.n, progress) as advance, usual_thread(generator.device, gradients=False):
        for first in range(0, len(tiles), at_once):
            parts = [_render_tile(generator, draw, request, index) for index in tiles[first : first + at_once]]
            batches.append(torch.cat(parts).cpu())
            advance(len(batches[-1]))
    return torch.cat(batches)


def _render_tile(generator: Renderer, draw: Draw, request: Request, index: int) -> Tensor:
    """Run all rows of a tile, and return those that are asked for."""
    begin = index * generator.tile
    rows = slice(max(request.start - begin, 0), min(request.stop - begin, generator.tile))
    wanted = slice(begin + rows.start - request.start, begin + rows.stop - request.start)

    def tiled(values: Tensor) -> Tensor:
        filled = torch.zeros((generator.tile, *values.shape[1:]), dtype=values.dtype)
        filled[rows] = values[wanted]
        return filled.to(generator.device)

    with usual_process(), deterministic_cudnn(), generator.sampling_mode():
        labels = None if request.labels is None else tiled(request.labels)
        sources = [to_signed(tiled(images)) for images in request.images]
        noise = Noise(request.seed, range(begin, begin + generator.tile), generator.device)
        drawn = draw(noise, labels, *sources)
    shape = generator.image_shape
    if len(drawn) != generator.tile or tuple(drawn.shape[-3:]) != shape or not drawn.is_floating_point():
        raise PluginError(
            f"generator {generator.name!r} must draw float ({generator.tile}, {', '.join(map(str, shape))}); "
            f"it gave {drawn.dtype} {tuple(drawn.shape)}"
        )
    if not bool(drawn[rows].isfinite().all()):
        raise PluginError(f"generator {generator.name!r} drew values that are not finite; was its fit sound?")
    return to_uint8(drawn[rows])


@contextmanager
def eval_mode(networks: nn.ModuleDict) -> Iterator[None]:
    """Put all modules into eval mode, and each back into its own afterwards."""
    training = [module for module in networks.modules() if module.training]
    if training:
        networks.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
