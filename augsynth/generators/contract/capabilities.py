"""Optional methods of a generator. Each needs its name in `capabilities`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn

from torch import Tensor

from augsynth.generators.errors import CapabilityError
from augsynth.generators.samples import FitReport, Samples

CAPABILITIES = frozenset(
    {
        "conditional",
        "edit",
        "guide",
        "interpolate",
        "invert",
        "likelihood",
        "refine",
        "steer",
        "translate",
        "tune",
        "vary",
    }
)
"""Names that a generator may declare."""

PATHS = ("spherical", "linear")
"""Ways between two codes. The spherical one keeps the length that Gaussian codes have: White, "Sampling generative
networks", 2016."""

Labels = int | Sequence[int] | Tensor | None
"""One class, a class for each image, or None if the classes are not known."""


class OptionalMethods:
    """Optional methods, which raise `CapabilityError`. A plugin that declares a capability overrides its methods.

    Images are uint8 (n, C, H, W), as arguments and as results. `Generator.map_tiles` runs networks on them. `labels`
    are the classes of the images that are given; a conditional generator may need them.
    """

    name: ClassVar[str]
    capabilities: ClassVar[frozenset[str]] = frozenset()

    # "invert": between images and codes --------------------------------------------------------------------------

    def encode(self, images: Tensor, *, labels: Labels = None) -> Tensor:
        """Find codes of images.

        Args:
            images: uint8 (n, C, H, W).
            labels: their classes; default None.

        Returns:
            Codes, float32 (n, …), on the CPU.
        """
        self._refuse("invert")

    def decode(self, codes: Tensor, *, labels: Labels = None) -> Samples:
        """Draw the images of codes: for those of `encode`, the reconstructions of its images.

        Args:
            codes: float32 (n, …), as `encode` returns them.
            labels: classes to draw; default None.
        """
        self._refuse("invert")

    # "interpolate": images between images ------------------------------------------------------------------------

    def interpolate(
        self, a: Tensor, b: Tensor, steps: int, *, labels: Labels = None, path: str = "spherical"
    ) -> Tensor:
        """Draw images on the way between two images. The ends are the reconstructions of both images.

        Args:
            a: first images, uint8 (n, C, H, W).
            b: last images, of the same shape.
            steps: number of images on each way, both ends included, at least 2.
            labels: classes of both images; default None.
            path: "spherical" (default) or "linear".

        Returns:
            uint8 (n, steps, C, H, W).
        """
        self._refuse("interpolate")

    def blend(self, images: Tensor, weights: Sequence[float], *, labels: Labels = None) -> Samples:
        """Draw one image of each group of images, from the weighted mean of their codes.

        Args:
            images: uint8 (n, k, C, H, W).
            weights: k weights, each at least 0, whose sum is above 0; they are divided by it.
            labels: classes of the groups; default None.
        """
        self._refuse("interpolate")

    # "edit": attributes ------------------------------------------------------------------------------------------

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attributes that `edit` can change."""
        return ()

    def learn_attribute(self, attribute: str, images: Tensor, present: Any, *, labels: Labels = None) -> None:
        """Find the direction of an attribute among the codes. `save` stores it.

        Args:
            attribute: name of the attribute.
            images: uint8 (n, C, H, W), with and without the attribute.
            present: bool (n,), True for an image that has it.
            labels: classes of the images, so that the direction does not change the class; default None.
        """
        self._refuse("edit")

    def edit(self, images: Tensor, attribute: str, strength: float, *, labels: Labels = None) -> Samples:
        """Change an attribute of images.

        Args:
            images: uint8 (n, C, H, W).
            attribute: one of `attributes`.
            strength: strength of the change. At 0, images are as the generator reconstructs them; at 1, the code moves
                from the mean of images without the attribute to the mean of those with it; at −1 the other way.
            labels: their classes; default None.
        """
        self._refuse("edit")

    # Other methods -----------------------------------------------------------------------------------------------

    def vary(
        self,
        images: Tensor,
        strength: float | None = None,
        labels: Labels = None,
        *,
        sigma: float | None = None,
        guidance: float | None = None,
        seed: int = 0,
    ) -> Samples:
        """Draw variations of images. Give `strength` or, for a diffusion model, `sigma`.

        Args:
            images: uint8 (n, C, H, W).
            strength: strength of the change, in (0, 1]; at 1, a variation may have nothing in common with its image.
            labels: their classes; default None.
            sigma: standard deviation of the noise that is added, on the scale −1 to 1 of the images, above 0.
            guidance: strength of guidance; None (default) for none.
            seed: 64-bit seed; default 0.
        """
        self._refuse("vary")

    def translate(self, images: Tensor, to: int | Sequence[int] | Tensor, *, labels: Labels = None) -> Samples:
        """Translate images into other classes.

        Args:
            images: uint8 (n, C, H, W).
            to: one class, or a class for each image.
            labels: classes of the images; default None.
        """
        self._refuse("translate")

    def refine(
        self, images: Tensor, score: Callable[[Tensor], Tensor], steps: int, *, labels: Labels = None
    ) -> Samples:
        """Change images, step by step, so that a score rises.

        Args:
            images: uint8 (n, C, H, W).
            score: a differentiable function of floating-point images (B, C, H, W) in [−1, 1]; it returns (B,). It gets
                the images in tiles, and the score of an image must not depend on the others.
            steps: number of steps, at least 1.
            labels: their classes; default None.
        """
        self._refuse("refine")

    def steer(
        self,
        n: int,
        score: Callable[[Tensor, Tensor | None], Tensor],
        strength: float,
        *,
        labels: Labels = None,
        seed: int = 0,
    ) -> Samples:
        """Draw images for which a score is high. With the log-probability of the class as score, it is the classifier
        guidance of Dhariwal & Nichol, NeurIPS 2021.

        Args:
            n: number of images, at least 0.
            score: a differentiable function of images (B, C, H, W) in [−1, 1] and their labels (B,); it returns (B,).
            strength: weight of the score's gradient, at least 0; at 0, the samples are those of `sample`.
            labels: classes to draw; by default as for `sample`.
            seed: 64-bit seed; default 0.
        """
        self._refuse("steer")

    def bits_per_dim(self, images: Tensor, *, labels: Labels = None, seed: int = 0) -> Tensor:
        """Compute an upper bound of the negative log-likelihood, in bits for each value of an image.

        Args:
            images: uint8 (n, C, H, W).
            labels: their classes; default None.
            seed: 64-bit seed of the codes that are drawn; default 0.

        Returns:
            float32 (n,).
        """
        self._refuse("likelihood")

    def tune(self, dataset: Any, *, steps: int, seed: int = 0, progress: bool = True) -> FitReport:
        """Train a fitted generator further, so that its samples need few evaluations of its network.

        Args:
            dataset: data set that it was fitted on, as for `fit`.
            steps: number of training steps, at least 1.
            seed: 64-bit seed of all random numbers; default 0.
            progress: True (default) shows a progress bar.
        """
        self._refuse("tune")

    def _require(self, capability: str) -> None:
        if capability not in self.capabilities:
            self._refuse(capability)

    def _refuse(self, capability: str) -> NoReturn:
        declared = ", ".join(sorted(self.capabilities)) or "nothing"
        raise CapabilityError(f"generator {self.name!r} does not offer {capability!r}; it declares {declared}")
