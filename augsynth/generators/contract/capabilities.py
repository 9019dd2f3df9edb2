"""The optional methods of a generator, each there only if its name is declared in `capabilities`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NoReturn

from torch import Tensor

from augsynth.generators.errors import CapabilityError
from augsynth.generators.samples import Samples

CAPABILITIES = frozenset({"conditional", "interpolate", "edit", "vary", "guide", "translate", "refine"})


class OptionalMethods:
    """Refuses what is not declared. A plugin that declares a capability overrides the method of that name.

    Images come and go as uint8 `(n, C, H, W)`; `Generator.map_tiles` helps to run networks on them.
    """

    name: ClassVar[str]
    capabilities: ClassVar[frozenset[str]] = frozenset()

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that `edit` knows."""
        return ()

    def interpolate(self, a: Tensor, b: Tensor, steps: int) -> Tensor:
        """Walk from the images `a` to the images `b`: uint8 `(n, steps, C, H, W)`, ends included."""
        self._refuse("interpolate")

    def edit(self, images: Tensor, attribute: str, strength: float) -> Samples:
        """Change one attribute of images; `strength` 0 leaves them as the generator reconstructs them."""
        self._refuse("edit")

    def vary(
        self, images: Tensor, strength: float, labels: int | Sequence[int] | Tensor | None = None, *, seed: int = 0
    ) -> Samples:
        """Draw variations of images; `strength` in (0, 1], at 1 nothing of the image need be left."""
        self._refuse("vary")

    def translate(self, images: Tensor, to: int | Sequence[int] | Tensor) -> Samples:
        """Carry images over into the classes `to`."""
        self._refuse("translate")

    def refine(self, images: Tensor, score: Callable[[Tensor], Tensor], steps: int) -> Samples:
        """Move images towards a higher `score`, a differentiable function of float images in [−1, 1]."""
        self._refuse("refine")

    def _refuse(self, capability: str) -> NoReturn:
        declared = ", ".join(sorted(self.capabilities)) or "nothing"
        raise CapabilityError(f"generator {self.name!r} does not offer {capability!r}; it declares {declared}")
