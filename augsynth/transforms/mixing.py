"""Mixing of the images of a batch, and of their labels.

A batch is images (B, C, H, W) and labels, class numbers (B,) or soft labels (B, num_classes). The results are images of
the same dtype, and soft labels in float32. Each sample is mixed with the one before it, and the first with the last, by
a share that is drawn for each sample. `keys` (B, 3) decide all random numbers; without them, keys are drawn from
torch's generator.

With `targets`, boxes, masks and keypoints are mixed as the pixels are. All random choices are a `Composition`, which
can be stored and replayed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, overload

import numpy as np
import torch

from augsynth._native.layout import DType
from augsynth.core import rng
from augsynth.core.arrays import readable, to_numpy
from augsynth.core.images import TORCH_DTYPES
from augsynth.core.rng import Keys, KeysLike
from augsynth.core.typing import Floats, Ints, Mask
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan import OUTPUTS_ONLY, Composition
from augsynth.transforms.beta import UNIFORMS, symmetric_beta
from augsynth.transforms.params import frozen, integer, positive
from augsynth.transforms.pipeline import keys_for
from augsynth.transforms.several.pairs import Pairs, placed_pairs

# The last position of a pipeline, which none reaches: mixing shares no bits with what was done to each image before.
_OP = 2**16 - 1


@dataclass(frozen=True)
class BatchMixing(ABC):
    """Base of `MixUp` and `CutMix`: the share of each sample is drawn from Beta(alpha, alpha).

    Args:
        num_classes: the number of classes, at least 1.
        alpha: the parameter of the Beta distribution, above 0; 1 by default, which makes shares uniform.
    """

    num_classes: int
    alpha: float = 1.0

    def __post_init__(self) -> None:
        for name in ("num_classes", "alpha"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        integer(self.num_classes, "num_classes", 1)
        positive(self.alpha, "alpha")

    @overload
    def __call__(
        self, images: Any, labels: Any = None, *, keys: KeysLike | None = None, targets: None = None
    ) -> tuple[torch.Tensor, torch.Tensor]: ...

    @overload
    def __call__(
        self, images: Any, labels: Any = None, *, keys: KeysLike | None = None, targets: Sequence[Any]
    ) -> tuple[torch.Tensor, torch.Tensor | None, list[Any]]: ...

    def __call__(
        self, images: Any, labels: Any = None, *, keys: KeysLike | None = None, targets: Sequence[Any] | None = None
    ) -> Any:
        """Mix images and labels; returns (images, soft labels), with `targets` (images, soft labels, targets).

        Args:
            images: (B, C, H, W); or a pair of images and labels, or a batch that `augsynth.collate` takes.
            labels: class numbers (B,) or soft labels (B, num_classes); None if `images` holds them, or if there are
                only targets.
            keys: one (seed, epoch, index) for each image; drawn from torch's generator by default.
            targets: one for each image: dicts with any of `boxes`, `labels`, `masks`, `keypoints`, or masks; None (the
                default) for images without.
        """
        if labels is None and (targets is None or not isinstance(images, torch.Tensor)):
            images, labels = _pair(images)
        images = _as_images(images)
        given = keys_for(keys, len(images))
        return self._applied(images, labels, targets, self._drawn(given, images.shape[-2:]))

    def compose(self, images: torch.Tensor, *, keys: KeysLike | None = None) -> Composition:
        """Draw the composition of a batch without mixing it: all random choices as data, to be stored and replayed.

        Args:
            images: (B, C, H, W). Their pixels are not looked at.
            keys: one (seed, epoch, index) for each image; drawn from torch's generator by default.
        """
        images = _as_images(images)
        return _composition(self._drawn(keys_for(keys, len(images)), images.shape[-2:]), images)

    def replay(
        self,
        images: torch.Tensor,
        composition: Composition,
        labels: Any = None,
        targets: Sequence[Any] | None = None,
    ) -> Any:
        """Mix a batch by a composition that was drawn before, or loaded; the result is that of a call, bit for bit.

        Args:
            images: (B, C, H, W), the images for which the composition was drawn.
            composition: the composition.
            labels: class numbers (B,) or soft labels (B, num_classes); None if there are only targets.
            targets: one for each image; None (the default) for images without.
        """
        images = _as_images(images)
        pairs = Pairs.of(composition, (int(images.shape[2]), int(images.shape[3])))
        if len(pairs.boxes) != len(images):
            raise ArgumentError(f"the composition is for {len(pairs.boxes)} images, got {len(images)}")
        return self._applied(images, labels, targets, pairs)

    def _applied(self, images: torch.Tensor, labels: Any, targets: Sequence[Any] | None, pairs: Pairs) -> Any:
        soft = None if labels is None else self._mixed_labels(labels, pairs, images)
        moved = None
        if targets is not None:
            moved = placed_pairs(targets, _composition(pairs, images), self._weights_objects)
        mixed = self._mixed(images, images.roll(1, 0), pairs)
        return (mixed, soft) if moved is None else (mixed, soft, moved)

    def _mixed_labels(self, labels: Any, pairs: Pairs, images: torch.Tensor) -> torch.Tensor:
        soft = soft_labels(labels, self.num_classes)
        if len(soft) != len(images):
            raise ArgumentError(f"there must be one label an image: got {len(soft)} labels for {len(images)} images")
        height, width = images.shape[-2:]
        kept = torch.from_numpy(self._share(pairs, height * width)).to(soft)[:, None]
        return soft * kept + soft.roll(1, 0) * (1 - kept)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready description; `from_dict` of the same class builds it again."""
        return {"type": type(self).__name__, **asdict(self)}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> BatchMixing:
        """Build the object that `to_dict` described; `ArgumentError` names an entry that does not belong there.

        >>> CutMix.from_dict({"type": "CutMix", "num_classes": 10})
        CutMix(num_classes=10, alpha=1.0)
        """
        values = dict(description) if isinstance(description, Mapping) else {}
        if values.pop("type", None) != cls.__name__ or not {"num_classes"} <= values.keys() <= {"num_classes", "alpha"}:
            raise ArgumentError(
                f"a description of {cls.__name__} has this type, num_classes and perhaps alpha, got "
                f"{shown(description)}"
            )
        return cls(**values)

    _weights_objects: ClassVar[bool]

    @abstractmethod
    def _drawn(self, keys: Keys, size: Sequence[int]) -> Pairs:
        """The part that the image before it gets in each image of `size` (H, W)."""

    @abstractmethod
    def _mixed(self, images: torch.Tensor, others: torch.Tensor, pairs: Pairs) -> torch.Tensor:
        """The mixed images."""

    @abstractmethod
    def _share(self, pairs: Pairs, area: int) -> Floats:
        """The share (B,) of each image in its result, of `area` pixels."""


class MixUp(BatchMixing):
    """Blend each image with another one: share * image + (1 - share) * other; labels are blended alike.

    Images must be floats: end the transform before with `ToDtype("float32", scale=True)` or `Normalize`. Shares are
    drawn for each sample; the paper draws one for a batch. Zhang et al., "mixup: Beyond Empirical Risk Minimization",
    ICLR 2018.

    With `targets`, an output has the objects of both images, with their shares as `weights`. Float masks of the
    picture, one for each class, are blended; masks that number classes are refused.

    Args:
        num_classes: the number of classes, at least 1.
        alpha: shares are drawn from Beta(alpha, alpha), alpha above 0; 1 by default, which makes them uniform.

    >>> images, labels = MixUp(num_classes=2)(torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 1, 0]))
    >>> images.shape, labels.sum(dim=1).tolist()
    (torch.Size([4, 3, 8, 8]), [1.0, 1.0, 1.0, 1.0])
    """

    _weights_objects: ClassVar[bool] = True

    def _drawn(self, keys: Keys, size: Sequence[int]) -> Pairs:
        share = symmetric_beta(rng.uniform(keys, _OP, UNIFORMS), self.alpha)
        return Pairs(np.tile(np.array([0, 0, *size], np.int64), (len(keys), 1)), share)

    def _mixed(self, images: torch.Tensor, others: torch.Tensor, pairs: Pairs) -> torch.Tensor:
        if not images.is_floating_point():
            raise ArgumentTypeError(
                f"MixUp blends float images, got {images.dtype}: end the transform before it with "
                'ToDtype("float32", scale=True) or Normalize'
            )
        kept = torch.from_numpy(pairs.keeps).to(images)[:, None, None, None]
        return images * kept + others * (1 - kept)

    def _share(self, pairs: Pairs, area: int) -> Floats:
        return pairs.keeps


class CutMix(BatchMixing):
    """Paste a rectangle of another image into each, at the same position; labels are mixed by area. For any dtype.

    The sides of the rectangle are sqrt(1 - share) of the image's, and its centre is uniform over the image. The part
    outside is cut off, and labels count the rest. Rectangles are drawn for each sample; the paper draws one for a
    batch. Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV
    2019.

    With `targets`, objects are cut to the part that is shown: the rectangle clips those that are pasted, and hides
    parts of those below. An object of which nothing is left is dropped. In the rectangle, masks of the picture are
    those of the pasted image.

    Args:
        num_classes: the number of classes, at least 1.
        alpha: shares are drawn from Beta(alpha, alpha), alpha above 0; 1 by default, which makes them uniform.

    >>> images, labels = CutMix(num_classes=2)(torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 1, 0]))
    >>> images.shape, labels.sum(dim=1).tolist()
    (torch.Size([4, 3, 8, 8]), [1.0, 1.0, 1.0, 1.0])
    """

    _weights_objects: ClassVar[bool] = False

    def _drawn(self, keys: Keys, size: Sequence[int]) -> Pairs:
        u = rng.uniform(keys, _OP, 2 + UNIFORMS)
        share = symmetric_beta(u[:, 2:], self.alpha)
        cuts = [_cut(u[:, axis], share, length) for axis, length in enumerate(size)]
        boxes = np.stack([cuts[0][0], cuts[1][0], cuts[0][1], cuts[1][1]], axis=1)
        return Pairs(boxes, np.zeros(len(keys)))

    def _mixed(self, images: torch.Tensor, others: torch.Tensor, pairs: Pairs) -> torch.Tensor:
        height, width = images.shape[-2:]
        rows = _within(pairs.boxes[:, 0], pairs.boxes[:, 2], height)
        columns = _within(pairs.boxes[:, 1], pairs.boxes[:, 3], width)
        pasted = torch.from_numpy(rows[:, None, :, None] & columns[:, None, None, :]).to(images.device)
        return torch.where(pasted, others, images)

    def _share(self, pairs: Pairs, area: int) -> Floats:
        share: Floats = 1.0 - (pairs.boxes[:, 2:] - pairs.boxes[:, :2]).prod(axis=1) / area
        return share


def _cut(centre: Floats, share: Floats, length: int) -> tuple[Ints, Ints]:
    """The first pixels that are pasted, and those behind the last ones, for each sample."""
    middle = np.floor(centre * length)
    half = np.floor(np.sqrt(1.0 - share) * length / 2)
    first, behind = (np.clip(edge, 0, length).astype(np.int64) for edge in (middle - half, middle + half))
    return first, behind


def _within(first: Ints, behind: Ints, length: int) -> Mask:
    """A mask (n, length) of the pixels from `first` up to `behind`."""
    pixels = np.arange(length)
    inside: Mask = (pixels >= first[:, None]) & (pixels < behind[:, None])
    return inside


def _composition(pairs: Pairs, images: torch.Tensor) -> Composition:
    # The engine has no plans for the other dtypes that torch mixes; what they hold is the same.
    dtype = next((kind for kind, name in TORCH_DTYPES.items() if name == images.dtype), DType.FLOAT32)
    channels, height, width = images.shape[1:]
    return pairs.composition((height, width, channels), DType.FLOAT32 if dtype in OUTPUTS_ONLY else dtype)


def soft_labels(labels: Any, num_classes: int) -> torch.Tensor:
    """Class numbers (B,) as one-hot float32 (B, num_classes); soft labels of that shape as they are.

    >>> soft_labels([1, 0], 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    given = readable(labels, "labels") if isinstance(labels, torch.Tensor) else _numbers(labels)
    if given.ndim == 2 and given.is_floating_point():
        if given.shape[1] != num_classes:
            raise ArgumentError(f"soft labels must be (B, {num_classes}), got {tuple(given.shape)}")
        return given.float()
    if given.ndim != 1 or given.is_floating_point() or given.dtype == torch.bool:
        raise ArgumentTypeError(
            f"labels must be class numbers (B,) or soft labels (B, {num_classes}), got {given.dtype} "
            f"{tuple(given.shape)}"
        )
    if len(given) and not 0 <= int(given.min()) <= int(given.max()) < num_classes:
        raise ArgumentError(f"labels must be in [0, {num_classes}), got {int(given.min())} to {int(given.max())}")
    return torch.nn.functional.one_hot(given.long(), num_classes).float()


def _numbers(labels: Any) -> torch.Tensor:
    array = to_numpy(labels, "labels")
    if array.dtype.kind not in "biuf":
        raise ArgumentTypeError(f"labels must be numbers, got {shown(labels)}")
    return torch.from_numpy(array.astype({"f": np.float64, "b": np.bool_}.get(array.dtype.kind, np.int64)))


def _pair(batch: Any) -> Sequence[Any]:
    """The images and the labels of a batch that is one object."""
    collated = batch.collated() if hasattr(batch, "collated") else batch
    if not isinstance(collated, (tuple, list)) or len(collated) != 2:
        raise ArgumentTypeError(f"a batch to mix must be (images, labels), got {type(collated).__name__}")
    return collated


def _as_images(images: Any) -> torch.Tensor:
    if not isinstance(images, torch.Tensor) or images.ndim != 4:
        shape = tuple(images.shape) if isinstance(images, (np.ndarray, torch.Tensor)) else type(images).__name__
        raise ArgumentTypeError(f"images must be a tensor (B, C, H, W), got {shape}")
    return images
