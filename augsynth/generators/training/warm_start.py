"""Weights that a fit starts from: those of a generator, or of a saved one."""

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
    """Weights, and facts that are known before they are read.

    Args:
        source: the generator or the folder, for messages.
        name: name of the generator.
        kind: kind of the images that it was fitted on.
        digest: SHA-256 of the generator.
        layout: dtypes and shapes of the weights.
        size: size of the weights, in bytes.
        weights: function that returns the weights, by name.
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
        """Read the head of a saved generator. Raises `CheckpointError`.

        Args:
            path: folder of the saved generator.
        """
        stored = Checkpoint.open(path)
        about = stored.description
        kind = ImageKind(about.image_shape, about.num_classes, about.class_names)
        layout, size = stored.layout()
        return cls(str(path), about.name, kind, stored.content["digest"], layout, size, stored.weights)

    def require_match(self, name: str, kind: ImageKind, build: Callable[[], nn.Module]) -> None:
        """Raise `ArgumentError` unless the weights fit the networks.

        Args:
            name: name of the generator to fit.
            kind: kind of the images of the data set.
            build: function that makes the networks for this kind of images.
        """
        if self.name != name:
            raise ArgumentError(f"start_from ({self.source}) is a {self.name!r} generator, not {name!r}")
        try:
            require_claim(build, self.layout, self.size)
        except CheckpointError as cause:
            raise ArgumentError(
                f"start_from ({self.source}) was fitted on {self.kind}, and its weights do not fit networks for "
                f"{kind}: {cause}"
            ) from cause
