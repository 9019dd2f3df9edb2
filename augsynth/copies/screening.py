"""Nearest images in large sets: small grids choose candidates, and the full distance decides among them.

A copy is near its original on small, blurred grids too, even if it was moved by a pixel less or more. So grids of at
most 8x8 choose the candidates of each image, and only their full distances are computed. Larger images are moved by
every second shift for that.
"""

from __future__ import annotations

import torch
from torch import Tensor

from augsynth.copies.alignment import Alignment
from augsynth.copies.distances import Neighbours, check_images
from augsynth.core.checks import check_integer
from augsynth.core.torch_settings import usual_thread

_SIDE = 8
_REFERENCES, _QUERIES, _MEASURED = 4096, 1024, 256


def likely_nearest(
    queries: Tensor,
    references: Tensor,
    k: int = 16,
    *,
    apart: Tensor | None = None,
    alignment: Alignment | None = None,
    within: float = 2.0,
) -> Neighbours:
    """Find near references of each query, as `nearest` does, in a fraction of its time.

    A near reference may be missed if k others are nearer on small grids. Memory is bounded, whatever n and m are.

    Args:
        queries: images, uint8 (n, C, H, W).
        references: images of the same shape, uint8 (m, C, H, W). Their device computes.
        k: number of neighbours, at least 1; default 16.
        apart: for each query, the position of a reference that does not count, int64 (n,); None (default) for nothing.
        alignment: changes that images are compared under; default `Alignment()`.
        within: distance of interest: a query whose candidates are all further away on small grids keeps the distances
            on these grids; default 2, which measures all.

    >>> images = torch.randint(0, 256, (5, 1, 8, 8), dtype=torch.uint8)
    >>> likely_nearest(images[2:3].flip(3), images).indices[0, 0]
    tensor(2)
    """
    check_images("queries", queries, like=check_images("references", references))
    alignment, k = alignment or Alignment(), min(check_integer("k", k, 1), len(references))
    with usual_thread(references.device, gradients=False):
        found = _candidates(queries, references, k, apart, alignment)
        for rows in torch.split(found.distances[:, 0].le(within).nonzero()[:, 0], _MEASURED):
            exact = _measured(queries[rows], references, found.indices[rows], alignment)
            found.distances[rows], order = exact.where(found.indices[rows] >= 0, torch.inf).sort(dim=1)
            found.indices[rows] = found.indices[rows].gather(1, order)
    return found


def _candidates(queries: Tensor, references: Tensor, k: int, apart: Tensor | None, alignment: Alignment) -> Neighbours:
    squares = torch.full((len(queries), k), torch.inf, dtype=torch.float32, device="cpu")
    indices = torch.full((len(queries), k), -1, dtype=torch.int64, device="cpu")
    for start in range(0, len(references), _REFERENCES):
        part = references[start : start + _REFERENCES]
        grids = list(alignment.reference_views(part, side=_SIDE, step=_step(part)))
        for rows in torch.split(torch.arange(len(queries), device="cpu"), _QUERIES):
            block = _least_squares(queries[rows].to(part.device), grids, alignment)
            if apart is not None:
                inside = ((apart[rows] >= start) & (apart[rows] < start + len(part))).nonzero()[:, 0]
                block[inside.to(part.device), (apart[rows][inside] - start).to(part.device)] = torch.inf
            near, positions = block.topk(min(k, block.shape[1]), largest=False)
            both = torch.cat([squares[rows], near.cpu()], dim=1)
            squares[rows], order = both.topk(k, largest=False)
            indices[rows] = torch.cat([indices[rows], positions.cpu() + start], dim=1).gather(1, order)
    return Neighbours(squares.clamp_(min=0).sqrt_(), indices.where(squares.isfinite(), -1))


def _least_squares(queries: Tensor, grids: list[Tensor], alignment: Alignment) -> Tensor:
    """Return the least squared distance over all views, (n, m)."""
    least: Tensor | None = None
    for query, reference in zip(alignment.query_views(queries, side=_SIDE, step=_step(queries)), grids, strict=True):
        # |q − r|² as one product: (q, |q|², 1) · (−2 r, 1, |r|²).
        one, norms = torch.ones_like(query[:, :1]), reference.square().sum(1, keepdim=True)
        left = torch.cat([query, query.square().sum(1, keepdim=True), one], dim=1)
        squares = left @ torch.cat([-2 * reference, torch.ones_like(norms), norms], dim=1).T
        least = squares if least is None else torch.minimum(least, squares, out=least)
    assert least is not None
    return least


def _step(images: Tensor) -> int:
    """Return 2 where a pixel is at most half a cell of the grid."""
    return 2 if min(images.shape[2:]) > 2 * _SIDE else 1


def _measured(queries: Tensor, references: Tensor, candidates: Tensor, alignment: Alignment) -> Tensor:
    """Return the full distances of queries and their candidates, (n, k)."""
    used, positions = torch.unique(candidates.clamp(min=0), return_inverse=True)
    positions = positions.to(references.device)
    least = torch.full(candidates.shape, torch.inf, dtype=torch.float32, device=references.device)
    for query, reference in alignment.views(queries.to(references.device), references[used.to(references.device)]):
        dots = torch.bmm(reference[positions], query[:, :, None])[:, :, 0]
        squares = query.square().sum(1, keepdim=True) + reference.square().sum(1)[positions] - 2 * dots
        torch.minimum(least, squares, out=least)
    return least.clamp_(min=0).sqrt_().cpu()
