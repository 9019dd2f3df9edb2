"""Networks of `nvae`: a tower from the image up to coarse features, and one from latent groups down.

Both have the levels of `Grid`. Latent groups lie at the coarsest levels, a few at each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth_vae.likelihood import Likelihood
from augsynth_vae.networks import EMBEDDING, Classes, Grid, he, make_normalization

SOFT_LIMIT = 5.0
"""Limit of means and log deviations, which tanh approaches smoothly."""


@dataclass(frozen=True)
class Plan:
    """Sizes of both towers.

    Args:
        grid: folding and sides.
        num_classes: number of classes, at least 1.
        width: channels at the finest level, at least 1; they double, up to four times.
        latent: channels of a latent group, at least 1.
        groups: latent groups at each level that has them, at least 1.
        levels: number of the coarsest levels that have latent groups, at least 1.
        expansion: channels of a depthwise convolution, in multiples of the cell's channels, at least 1.
        normalization: one of `NORMALIZATIONS`.
        dropout: share of the features that cells drop in training, in [0, 1).
    """

    grid: Grid
    num_classes: int
    width: int
    latent: int
    groups: int
    levels: int
    expansion: int
    normalization: str
    dropout: float

    def channels(self, level: int) -> int:
        """Number of channels at a level; 0 is the finest."""
        return min(self.width << level, 4 * self.width)

    def groups_at(self, level: int) -> int:
        """Number of latent groups at a level; 0 is the finest."""
        return self.groups if level >= len(self.grid.sides) - self.levels else 0

    @property
    def group_shapes(self) -> list[tuple[int, int, int]]:
        """Shapes (channels, rows, columns) of the latent groups, from coarse to fine."""
        coarse_to_fine = reversed(range(len(self.grid.sides)))
        return [
            (self.latent, *self.grid.sides[level]) for level in coarse_to_fine for _ in range(self.groups_at(level))
        ]


class Conv(nn.Conv2d):
    """Convolution that knows its largest singular value, by one power iteration in each training step.

    The value is that of the weights as a matrix (outputs, inputs · kernel). The iteration's vector is a buffer, so that
    a resumed fit continues it. Yoshida & Miyato, "Spectral norm regularization for improving the generalizability of
    deep learning", 2017.

    Args:
        before: channels of the input, at least 1.
        after: channels of the output, at least 1.
        kernel: side of the kernel, odd; default 1.
        groups: groups of channels that do not mix; default 1.
        gain: as in `he`; default 2.
    """

    direction: Tensor

    def __init__(self, before: int, after: int, kernel: int = 1, groups: int = 1, gain: float = 2) -> None:
        super().__init__(before, after, kernel, padding=kernel // 2, groups=groups)
        he(self, gain)
        self.register_buffer("direction", F.normalize(torch.randn(after), dim=0))

    def singular_value(self) -> Tensor:
        """Improve the estimate by one power iteration, and return it, a scalar."""
        matrix = self.weight.flatten(1)
        with torch.no_grad():
            right = F.normalize(matrix.T @ self.direction, dim=0)
            left = F.normalize(matrix @ right, dim=0)
            # A branch that starts at zero has no direction yet.
            self.direction.copy_(torch.where(left.any(), left, self.direction))
        return torch.dot(self.direction, matrix @ right)


class SqueezeExcitation(nn.Module):
    """Scales channels by what the whole image shows. Hu, Shen & Sun, "Squeeze-and-excitation networks", CVPR 2018.

    Args:
        channels: channels of the features, at least 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(4, channels // 8)
        self.gate = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        gate: Tensor = self.gate(features.mean((2, 3)))
        return features * gate[:, :, None, None]


class EncoderCell(nn.Module):
    """Residual cell of two 3 × 3 convolutions, each after normalisation and SiLU, and squeeze-and-excitation.

    Args:
        channels: channels of the features, at least 1.
        plan: sizes.
    """

    def __init__(self, channels: int, plan: Plan) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            make_normalization(plan.normalization, channels),
            nn.SiLU(),
            Conv(channels, channels, 3),
            make_normalization(plan.normalization, channels),
            nn.SiLU(),
            nn.Dropout(plan.dropout),
            Conv(channels, channels, 3, gain=0),
            SqueezeExcitation(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = features + self.branch(features)
        return result


class DecoderCell(nn.Module):
    """Residual cell of a depthwise convolution between 1 × 1 ones that widen and narrow, and squeeze-and-excitation.

    The class is added to the features before the cell. The depthwise convolution is 3 × 3, where the paper has 5 × 5:
    it costs a third on a CPU, and the coarse levels have few positions.

    Args:
        channels: channels of the features, at least 1.
        plan: sizes.
    """

    def __init__(self, channels: int, plan: Plan) -> None:
        super().__init__()
        wide = plan.expansion * channels
        self.classes = he(nn.Linear(EMBEDDING, channels), gain=1)
        self.branch = nn.Sequential(
            make_normalization(plan.normalization, channels),
            Conv(channels, wide),
            make_normalization(plan.normalization, wide),
            nn.SiLU(),
            Conv(wide, wide, 3, groups=wide),
            make_normalization(plan.normalization, wide),
            nn.SiLU(),
            nn.Dropout(plan.dropout),
            Conv(wide, channels, gain=0),
            SqueezeExcitation(channels),
        )

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        features = features + self.classes(embedding)[:, :, None, None]
        result: Tensor = features + self.branch(features)
        return result


class BottomUp(nn.Module):
    """Tower from the image to features for each latent group.

    Args:
        plan: sizes.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.grid = plan.grid
        levels = range(len(plan.grid.sides))
        entries = [plan.grid.patches.channels, *(plan.channels(level) for level in levels)]
        self.entries = nn.ModuleList(Conv(entries[level], plan.channels(level), 3, gain=1) for level in levels)
        self.cells = nn.ModuleList(
            nn.ModuleList(EncoderCell(plan.channels(level), plan) for _ in range(max(1, plan.groups_at(level))))
            for level in levels
        )
        self.has_groups = [plan.groups_at(level) > 0 for level in levels]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return features (B, channels, rows, columns) for each latent group, from coarse to fine.

        Args:
            images: (B, C, H, W) in [−1, 1].
        """
        features, found = self.grid.patches.fold(images), []
        for level, (entry, cells) in enumerate(zip(self.entries, self.cells, strict=True)):
            features = entry(F.avg_pool2d(features, 2, ceil_mode=True) if level else features)
            for cell in cast("Any", cells):
                features = cell(features)
                if self.has_groups[level]:
                    found.append(features)
        return found[::-1]


@dataclass(frozen=True, eq=False)
class Residual:
    """A latent group with its prior N(μ, σ) and, relative to it, the posterior N(μ + Δμ, σ · Δσ).

    Args:
        mean: Δμ / σ, the posterior's mean in deviations of the prior, (B, channels, rows, columns).
        log_deviation: log Δσ.
    """

    mean: Tensor
    log_deviation: Tensor


class Group(nn.Module):
    """One step down: a cell, the prior of a latent group, its posterior, and the group's way into the features.

    Args:
        channels: channels of the features, at least 1.
        plan: sizes.
    """

    def __init__(self, channels: int, plan: Plan) -> None:
        super().__init__()
        self.cell = DecoderCell(channels, plan)
        self.prior = Conv(channels, 2 * plan.latent, gain=0.01)
        self.below = Conv(channels, channels, gain=1)
        self.posterior = Conv(channels, 2 * plan.latent, 3, gain=0.05)
        self.join = Conv(channels + plan.latent, channels, gain=1)

    def look(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log deviation of the prior p(z | coarser groups, class)."""
        mean, log_deviation = soft_limit(self.prior(F.elu(features)).float()).chunk(2, dim=1)
        return mean, log_deviation

    def infer(self, features: Tensor, found: Tensor, log_deviation: Tensor) -> Residual:
        """Return the posterior q(z | coarser groups, image, class) relative to the prior.

        Args:
            features: features of the way down, (B, channels, rows, columns).
            found: features of the way up, of the same shape.
            log_deviation: log σ of the prior, (B, latent, rows, columns).
        """
        output = self.posterior(F.elu(found + self.below(features))).float()
        shift, log_ratio = soft_limit(output).chunk(2, dim=1)
        return Residual(shift * torch.exp(-log_deviation), log_ratio)

    def add(self, features: Tensor, latent: Tensor) -> Tensor:
        """Return features that know the latent group."""
        joined: Tensor = self.join(torch.cat([features, latent], dim=1))
        return features + joined


class TopDown(nn.Module):
    """Tower from a learned constant and the latent groups down to the output that a likelihood reads.

    Args:
        plan: sizes.
        likelihood: likelihood of an image under the output.
    """

    likelihood: Likelihood

    def __init__(self, plan: Plan, likelihood: Likelihood) -> None:
        super().__init__()
        self.plan, self.likelihood = plan, likelihood
        top = len(plan.grid.sides) - 1
        self.classes = Classes(plan.num_classes, deviation=1)
        self.start = nn.Parameter(torch.randn(1, plan.channels(top), *plan.grid.sides[top]))
        levels = range(top, -1, -1)
        self.groups = nn.ModuleList(
            nn.ModuleList(Group(plan.channels(level), plan) for _ in range(plan.groups_at(level))) for level in levels
        )
        self.cells = nn.ModuleList(DecoderCell(plan.channels(level), plan) for level in levels)
        entries = [plan.channels(level) for level in (top, *levels)]
        self.entries = nn.ModuleList(Conv(before, after, gain=1) for before, after in pairwise(entries))
        self.head = Conv(plan.channels(0), likelihood.outputs * plan.grid.patches.channels, 3, gain=0.1)

    def forward(self, labels: Tensor, found: list[Tensor] | None, numbers: Iterator[Tensor]) -> Descent:
        """Walk down. With features of the way up, `numbers` draws from the posterior, else from the prior.

        Args:
            labels: int64 (B,).
            found: features for each group, from coarse to fine, or None.
            numbers: standard normal numbers of each group, (B, latent, rows, columns).
        """
        embedding = self.classes(labels)
        features = self.start.expand(len(labels), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        residuals, codes, index = [], [], 0
        for groups, cell, entry, sides in zip(
            self.groups, self.cells, self.entries, reversed(self.plan.grid.sides), strict=True
        ):
            features = entry(F.interpolate(features, size=sides))
            for group in cast("list[Group]", groups):
                features = group.cell(features, embedding)
                mean, log_deviation = group.look(features)
                code = next(numbers)
                if found is not None:
                    residual = group.infer(features, found[index], log_deviation)
                    code = residual.mean + torch.exp(residual.log_deviation) * code
                    residuals.append(residual)
                codes.append(code)
                index += 1
                features = group.add(features, mean + torch.exp(log_deviation) * code)
            features = cell(features, embedding)
        output = self.plan.grid.patches.unfold(self.head(F.elu(features))).float()
        return Descent(output, codes, residuals)


@dataclass(frozen=True, eq=False)
class Descent:
    """Result of a walk down.

    Args:
        output: what the likelihood reads, (B, outputs · C, H, W).
        codes: (z − μ) / σ of each group, (B, latent, rows, columns).
        residuals: posterior of each group; empty where codes were drawn from the prior.
    """

    output: Tensor
    codes: list[Tensor]
    residuals: list[Residual]


def soft_limit(values: Tensor) -> Tensor:
    """Limit values to ±`SOFT_LIMIT` smoothly."""
    return SOFT_LIMIT * torch.tanh(values / SOFT_LIMIT)
