"""Nearest images, and pairs of near images, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from augsynth.copies.alignment import Alignment
from augsynth.core.checks import check_integer, check_number
from augsynth.core.torch_settings import usual_thread
from augsynth.errors import ArgumentError, ArgumentTypeError, shown

_BLOCK = 1024
"""Images on each side of a block: its distances are 4 MiB."""
_DEFAULT = Alignment()


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Nearest references of each query, the nearest first.

    Args:
        distances: float32 (n, k), each in [0, 2]; infinite where there are fewer references.
        indices: positions of the references, int64 (n, k); −1 where there are fewer.
    """

    distances: Tensor
    indices: Tensor


def nearest(
    queries: Tensor,
    references: Tensor,
    k: int = 2,
    *,
    apart: Tensor | None = None,
    alignment: Alignment = _DEFAULT,
) -> Neighbours:
    """Find the nearest references of each query.

    Args:
        queries: images, uint8 (n, C, H, W).
        references: images of the same shape, uint8 (m, C, H, W). Their device computes.
        k: number of neighbours, at least 1; default 2.
        apart: for each query, the position of a reference that does not count, int64 (n,): the query itself, if it is
            one of the references. None (default) excludes nothing.
        alignment: changes that images are compared under; default `Alignment()`.

    >>> images = torch.randint(0, 256, (5, 1, 8, 8), dtype=torch.uint8)
    >>> nearest(images[2:3].flip(3), images).indices[0, 0]
    tensor(2)
    """
    k = check_integer("k", k, 1)
    if apart is not None and apart.shape != queries.shape[:1]:
        raise ArgumentError(f"apart must have a position for each of {len(queries)} queries, got {tuple(apart.shape)}")
    distances = torch.full((len(queries), k), torch.inf, dtype=torch.float32, device="cpu")
    indices = torch.full((len(queries), k), -1, dtype=torch.int64, device="cpu")
    for rows, columns, block in _blocks(queries, references, alignment):
        if apart is not None:
            _exclude(block, apart[rows] - columns.start)
        found, positions = block.topk(min(k, block.shape[1]), largest=False)
        both = torch.cat([distances[rows], found.cpu()], dim=1)
        distances[rows], order = both.topk(k, largest=False)
        indices[rows] = torch.cat([indices[rows], positions.cpu() + columns.start], dim=1).gather(1, order)
    return Neighbours(distances, indices.where(distances.isfinite(), -1))


def pairs_within(
    queries: Tensor, references: Tensor, radius: float, *, alignment: Alignment = _DEFAULT
) -> tuple[Tensor, Tensor]:
    """Find all pairs of a query and a reference at a distance of at most `radius`.

    Args:
        queries: images, uint8 (n, C, H, W).
        references: images of the same shape, uint8 (m, C, H, W). Their device computes.
        radius: largest distance, at least 0.
        alignment: changes that images are compared under; default `Alignment()`.

    Returns:
        Positions of the queries in rising order, and of the references, each int64 (pairs,).
    """
    if check_number("radius", radius) < 0:
        raise ArgumentError(f"radius must be at least 0, got {radius}")
    found = [torch.empty((0, 2), dtype=torch.int64, device="cpu")]
    for rows, columns, block in _blocks(queries, references, alignment):
        found.append((block <= radius).nonzero().cpu() + torch.tensor([rows.start, columns.start], device="cpu"))
    pairs = torch.cat(found)
    order = pairs[:, 0].argsort(stable=True)
    return pairs[order, 0], pairs[order, 1]


def check_images(name: str, images: Tensor, like: Tensor | None = None) -> Tensor:
    """Return images, uint8 (n, C, H, W); raise `ArgumentError` or `ArgumentTypeError` for everything else.

    Args:
        name: name of the argument, for messages.
        images: images, of which there is at least one.
        like: images whose shape and number of channels they must have; None (default) for any.
    """
    if not isinstance(images, Tensor) or images.dtype != torch.uint8 or images.ndim != 4:
        form = f"{images.dtype} {tuple(images.shape)}" if isinstance(images, Tensor) else shown(images)
        raise ArgumentTypeError(f"{name} must be a uint8 tensor (n, C, H, W), got {form}")
    if images.numel() == 0:
        raise ArgumentError(f"{name} must hold images, got the shape {tuple(images.shape)}")
    if like is not None and images.shape[1:] != like.shape[1:]:
        raise ArgumentError(
            f"{name} must be images of {tuple(like.shape[1:])} as (channels, height, width), got "
            f"{tuple(images.shape[1:])}"
        )
    return images


def _blocks(queries: Tensor, references: Tensor, alignment: Alignment) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield distances (at most 1024, at most 1024) with the slices of queries and references that they are of."""
    check_images("references", references)
    check_images("queries", queries, like=references)
    for rows in _slices(len(queries)):
        for columns in _slices(len(references)):
            with usual_thread(references.device, gradients=False):
                block = _distances(queries[rows].to(references.device), references[columns], alignment)
            yield rows, columns, block


def _slices(n: int) -> list[slice]:
    return [slice(begin, min(begin + _BLOCK, n)) for begin in range(0, n, _BLOCK)]


def _distances(queries: Tensor, references: Tensor, alignment: Alignment) -> Tensor:
    least = torch.full((len(queries), len(references)), torch.inf, dtype=torch.float32, device=references.device)
    for query, reference in alignment.views(queries, references):
        # |q − r|² = |q|² + |r|² − 2 q·r; lengths are 1, or less for images without contrast.
        squares = torch.addmm(reference.square().sum(1), query, reference.T, alpha=-2.0)
        squares += query.square().sum(1)[:, None]
        torch.minimum(least, squares, out=least)
    return least.clamp_(min=0.0).sqrt_()


def _exclude(block: Tensor, columns: Tensor) -> None:
    """Make one distance of each row infinite, where the column lies in the block."""
    rows = ((columns >= 0) & (columns < block.shape[1])).nonzero()[:, 0]
    block[rows.to(block.device), columns[rows].to(block.device)] = torch.inf
