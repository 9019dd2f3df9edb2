"""Weights that a fit goes on from: those of a generator, or of a saved one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from augsynth.errors import ArgumentError, CheckpointError
from augsynth.generators.checkpoints.checkpoint import Checkpoint
from augsynth.generators.checkpoints.layouts import Layout, require_claim
from augsynth.generators.image_kind import ImageKind


@dataclass(frozen=True, eq=False)
class WarmStart:
    """Weights, and what is known of them before they are read.

    `source` names them in messages; `digest` is that of the generator they belong to.
    """

    source: str
    name: str
    kind: ImageKind
    digest: str
    layout: Layout
    size: int
    weights: Callable[[], Mapping[str, Tensor]]

    @classmethod
    def open(cls, path: Path) -> WarmStart:
        """Read the head of a saved generator. Raises `CheckpointError`."""
        stored = Checkpoint.open(path)
        about = stored.description
        kind = ImageKind(about.image_shape, about.num_classes, about.class_names)
        layout, size = stored.layout()
        return cls(str(path), about.name, kind, stored.content["digest"], layout, size, stored.weights)

    def require_match(self, name: str, kind: ImageKind, build: Callable[[], nn.Module]) -> None:
        """Raise `ArgumentError` unless the networks that `build` makes for this kind of images take these weights."""
        if self.name != name:
            raise ArgumentError(f"start_from ({self.source}) is a {self.name!r} generator, not {name!r}")
        try:
            require_claim(build, self.layout, self.size)
        except CheckpointError as cause:
            raise ArgumentError(
                f"start_from ({self.source}) was fitted on {self.kind}, and its weights do not fit networks for "
                f"{kind}: {cause}"
            ) from cause
