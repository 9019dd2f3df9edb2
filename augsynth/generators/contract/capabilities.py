"""Optional methods of a generator. Each needs its name in `capabilities`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NoReturn

from torch import Tensor

from augsynth.generators.errors import CapabilityError
from augsynth.generators.samples import Samples

CAPABILITIES = frozenset({"conditional", "interpolate", "edit", "vary", "guide", "translate", "refine"})
"""Names that a generator may declare."""


class OptionalMethods:
    """Optional methods, which raise `CapabilityError`. A plugin that declares a capability overrides its method.

    Images are uint8 (n, C, H, W), as arguments and as results. `Generator.map_tiles` runs networks on them.
    """

    name: ClassVar[str]
    capabilities: ClassVar[frozenset[str]] = frozenset()

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attributes that `edit` can change."""
        return ()

    def interpolate(self, a: Tensor, b: Tensor, steps: int) -> Tensor:
        """Draw images on the way between two images.

        Args:
            a: first images, uint8 (n, C, H, W).
            b: last images, of the same shape.
            steps: number of images on each way, both ends included, at least 2.

        Returns:
            uint8 (n, steps, C, H, W).
        """
        self._refuse("interpolate")

    def edit(self, images: Tensor, attribute: str, strength: float) -> Samples:
        """Change an attribute of images.

        Args:
            images: uint8 (n, C, H, W).
            attribute: one of `attributes`.
            strength: strength of the change; at 0, images are as the generator reconstructs them.
        """
        self._refuse("edit")

    def vary(
        self, images: Tensor, strength: float, labels: int | Sequence[int] | Tensor | None = None, *, seed: int = 0
    ) -> Samples:
        """Draw variations of images.

        Args:
            images: uint8 (n, C, H, W).
            strength: strength of the change, in (0, 1]; at 1, a variation may have nothing in common with its image.
            labels: one class, or a class for each image; None (default) if the classes are not known.
            seed: 64-bit seed; default 0.
        """
        self._refuse("vary")

    def translate(self, images: Tensor, to: int | Sequence[int] | Tensor) -> Samples:
        """Translate images into other classes.

        Args:
            images: uint8 (n, C, H, W).
            to: one class, or a class for each image.
        """
        self._refuse("translate")

    def refine(self, images: Tensor, score: Callable[[Tensor], Tensor], steps: int) -> Samples:
        """Change images so that a score rises.

        Args:
            images: uint8 (n, C, H, W).
            score: a differentiable function of floating-point images (n, C, H, W) in [−1, 1]; it returns (n,).
            steps: number of steps, at least 1.
        """
        self._refuse("refine")

    def _refuse(self, capability: str) -> NoReturn:
        declared = ", ".join(sorted(self.capabilities)) or "nothing"
        raise CapabilityError(f"generator {self.name!r} does not offer {capability!r}; it declares {declared}")
