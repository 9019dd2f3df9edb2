"""`LatentMethods`: the optional methods of every generator that turns images into codes and codes into images."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augsynth.core.checks import check_choice, check_integer, check_number, suggestion
from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, shown
from augsynth.generators.contract.capabilities import PATHS, Labels
from augsynth.generators.contract.generator import Generator
from augsynth.generators.contract.latent_space import climb, effect, mean_of, on_the_way, shared_classes
from augsynth.generators.labels import check_labels
from augsynth.generators.samples import Samples, check_sources
from augsynth.generators.seeds import Noise


class LatentMethods(Generator):
    """`encode`, `decode`, `interpolate`, `blend`, `edit`, `translate` and `refine`, made from two methods of a plugin.

    A plugin derives from it and from its floor of the contract, `class MyVAE(LatentMethods, NetworkGenerator)`, writes
    `encode_tile` and `decode_tile`, and declares those of "invert", "interpolate", "edit", "translate" and "refine"
    that are to be offered. The results keep the guarantees of `sample`: an image does not depend on its neighbours.

    Args:
        config: options, an object of the class `Config`; None for the defaults.
    """

    # Methods that a plugin writes --------------------------------------------------------------------------------

    @abstractmethod
    def encode_tile(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        """Find the codes of images. The code of an image must not depend on the others.

        It is called without gradients. A method that descends on the codes computes in `torch.enable_grad()`.

        Args:
            images: float32 (B, C, H, W) in [−1, 1], on the device.
            labels: their classes, int64 (B,), or None if they are not known; `required(labels)` refuses None.
            noise: the only source of random numbers. Its seed is always 0.

        Returns:
            Codes, floating-point (B, …).
        """

    @abstractmethod
    def decode_tile(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        """Draw the images of codes, without random numbers. An image must not depend on the other codes.

        `refine` computes gradients through it.

        Args:
            codes: float32 (B, …), as `encode_tile` returned them, on the device.
            labels: classes to draw, int64 (B,), or None if they are not known; `required(labels)` refuses None.

        Returns:
            Floating-point images (B, C, H, W) in [−1, 1].
        """

    def required(self, labels: Tensor | None) -> Tensor:
        """Return the classes; raise `ArgumentError` if they are not known.

        Args:
            labels: classes, int64 (B,), or None.
        """
        if labels is None:
            raise ArgumentError(f"generator {self.name!r} needs the classes of the images: give labels=…")
        return labels

    # Methods that are made from them -----------------------------------------------------------------------------

    def encode(self, images: Tensor, *, labels: Labels = None) -> Tensor:
        self._require("invert")
        return self._encode(images, labels)

    def decode(self, codes: Tensor, *, labels: Labels = None) -> Samples:
        self._require("invert")
        try:
            return self._decode(codes, labels)
        except AugsynthError:
            raise
        except Exception as cause:
            self._explain(codes, labels, cause)
            raise

    def interpolate(
        self, a: Tensor, b: Tensor, steps: int, *, labels: Labels = None, path: str = "spherical"
    ) -> Tensor:
        self._require("interpolate")
        shares = np.linspace(0, 1, check_integer("steps", steps, 2)).tolist()
        spherical = check_choice("path", path, PATHS) == "spherical"
        check_sources((a, b), None, self.image_shape)
        ends = torch.stack([self._encode(a, labels), self._encode(b, labels)], dim=1)

        def walk(noise: Noise, labels: Tensor | None, ends: Tensor) -> Tensor:
            first, last = ends.unbind(1)
            # Each call decodes one row of each way, as `decode` does: other numbers of rows give other last bits.
            images = [self.decode_tile(on_the_way(first, last, share, spherical), labels) for share in shares]
            return torch.stack(images, dim=1)

        return self.map_tiles(walk, codes=ends, labels=labels)

    def blend(self, images: Tensor, weights: Sequence[float], *, labels: Labels = None) -> Samples:
        self._require("interpolate")
        shares = _shares(weights)
        if not isinstance(images, Tensor) or images.ndim != 5 or images.shape[1] != len(shares):
            got = tuple(images.shape) if isinstance(images, Tensor) else shown(images)
            raise ArgumentTypeError(f"images must be uint8 (n, {len(shares)}, C, H, W), one for each weight, got {got}")
        codes = torch.stack([self._encode(part, labels) for part in images.unbind(1)], dim=1)

        def draw(noise: Noise, labels: Tensor | None, codes: Tensor) -> Tensor:
            return self.decode_tile(mean_of(codes.unbind(1), shares), labels)

        return self._samples(self.map_tiles(draw, codes=codes, labels=labels), labels)

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(sorted(self.directions))

    def learn_attribute(self, attribute: str, images: Tensor, present: Any, *, labels: Labels = None) -> None:
        self._require("edit")
        if not isinstance(attribute, str) or not attribute:
            raise ArgumentTypeError(f"attribute must be a name, got {shown(attribute)}")
        n = check_sources((images,), None, self.image_shape)
        flags, classes = _flags(present, n), self._classes(labels, n)
        together = torch.zeros(n, dtype=torch.int64, device="cpu") if classes is None else classes
        if not len(shared_classes(flags, together)):  # before the time of encoding is spent
            raise ArgumentError("present must be True for some images and False for others of the same class")
        self.directions[attribute] = effect(self._encode(images, labels), flags, together)

    def edit(self, images: Tensor, attribute: str, strength: float, *, labels: Labels = None) -> Samples:
        self._require("edit")
        strength = check_number("strength", strength)
        if attribute not in self.directions:
            known = ", ".join(self.attributes) or "none yet: call learn_attribute"
            near = suggestion(attribute, self.attributes)
            raise ArgumentError(f"attribute must be one of {known}, got {shown(attribute)}{near}")
        direction, codes = self.directions[attribute], self._encode(images, labels)
        if direction.shape != codes.shape[1:]:
            found, expected = tuple(direction.shape), tuple(codes.shape[1:])
            raise ArgumentError(f"the direction of {attribute!r} is {found}, and codes are {expected}: learn it again")

        def draw(noise: Noise, labels: Tensor | None, codes: Tensor) -> Tensor:
            return self.decode_tile(codes + strength * direction.to(codes.device), labels)

        return self._samples(self.map_tiles(draw, codes=codes, labels=labels), labels)

    def translate(self, images: Tensor, to: int | Sequence[int] | Tensor, *, labels: Labels = None) -> Samples:
        self._require("translate")
        if to is None:
            raise ArgumentTypeError("to must be one class, or a class for each image, got None")
        classes = self._classes(to, check_sources((images,), None, self.image_shape))
        return self._decode(self._encode(images, labels), classes)

    def refine(
        self, images: Tensor, score: Callable[[Tensor], Tensor], steps: int, *, labels: Labels = None
    ) -> Samples:
        self._require("refine")
        steps = check_integer("steps", steps, 1)

        def draw(noise: Noise, labels: Tensor | None, codes: Tensor) -> Tensor:
            def height(codes: Tensor) -> Tensor:
                return _checked(score(self.decode_tile(codes, labels).clamp(-1, 1)), len(codes))

            return self.decode_tile(climb(height, codes, steps), labels)

        return self._samples(self.map_tiles(draw, codes=self._encode(images, labels), labels=labels), labels)

    # Between images and codes ------------------------------------------------------------------------------------

    def _encode(self, images: Tensor, labels: Labels) -> Tensor:
        return self.compute_tiles(
            lambda noise, labels, images: self.encode_tile(images, labels, noise), images, labels=labels
        )

    def _decode(self, codes: Tensor, labels: Labels) -> Samples:
        images = self.map_tiles(
            lambda noise, labels, codes: self.decode_tile(codes, labels), codes=codes, labels=labels
        )
        return self._samples(images, labels)

    def _explain(self, codes: Tensor, labels: Labels, cause: Exception) -> None:
        """Raise `ArgumentTypeError` if codes have another shape than those of images."""
        none = torch.empty((0, *self.image_shape), dtype=torch.uint8, device="cpu")
        form = self._encode(none, None if labels is None else []).shape[1:]
        if codes.shape[1:] != form:
            expected, got = ", ".join(map(str, ("n", *form))), tuple(codes.shape)
            raise ArgumentTypeError(f"codes must be float32 ({expected}), got float32 {got}") from cause

    def _samples(self, images: Tensor, labels: Labels) -> Samples:
        return Samples(images, self._classes(labels, len(images)))

    def _classes(self, labels: Labels, n: int) -> Tensor | None:
        return None if labels is None else check_labels(self.name, labels, n, 0, self.num_classes)


def _shares(weights: Sequence[float]) -> list[float]:
    """Return weights whose sum is 1."""
    numbers = [check_number("a weight", weight, 0) for weight in weights]
    total = sum(numbers)
    if not math.isfinite(total) or total <= 0:
        raise ArgumentError(f"weights must have a sum above 0, got {shown(weights)}")
    return [number / total for number in numbers]


def _flags(present: Any, n: int) -> Tensor:
    flags = np.asarray(present)
    if flags.dtype != np.bool_ or flags.shape != (n,):
        raise ArgumentTypeError(f"present must be bool ({n},), got {flags.dtype} {flags.shape}")
    return torch.from_numpy(flags.copy())


def _checked(scores: Any, n: int) -> Tensor:
    if not isinstance(scores, Tensor) or scores.shape != (n,) or not scores.requires_grad:
        got = f"shape {tuple(scores.shape)}" if isinstance(scores, Tensor) else shown(scores)
        raise ArgumentError(f"score must return a differentiable tensor ({n},) for {n} images, got {got}")
    return scores
