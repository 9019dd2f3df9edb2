"""Mixing of the images of a batch, and of their labels.

A batch is images (B, C, H, W) and labels, class numbers (B,) or soft labels (B, num_classes). The results are images of
the same dtype, and soft labels in float32. Each sample is mixed with the one before it, and the first with the last, by
a share that is drawn for each sample. `keys` (B, 3) decide all random numbers; without them, keys are drawn from
torch's generator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth.core import rng
from augsynth.core.arrays import readable, to_numpy
from augsynth.core.rng import Keys, KeysLike, as_keys, keys_from_torch
from augsynth.core.typing import Floats
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.transforms.beta import UNIFORMS, symmetric_beta
from augsynth.transforms.params import frozen, integer, positive

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

    def __call__(
        self, images: Any, labels: Any = None, *, keys: KeysLike | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mix images and labels; returns (images, soft labels).

        Args:
            images: (B, C, H, W); or a pair of images and labels, or a batch that `augsynth.collate` takes.
            labels: class numbers (B,) or soft labels (B, num_classes); None if `images` holds them.
            keys: one (seed, epoch, index) for each image; drawn from torch's generator by default.
        """
        images, labels = _pair(images) if labels is None else (images, labels)
        images, soft = _as_images(images), soft_labels(labels, self.num_classes)
        if len(soft) != len(images):
            raise ArgumentError(f"there must be one label an image: got {len(soft)} labels for {len(images)} images")
        given = keys_from_torch(len(images)) if keys is None else as_keys(keys)
        if len(given) != len(images):
            raise ArgumentError(f"there must be one key an image: got {len(given)} keys for {len(images)} images")
        mixed, share = self._mixed(images, images.roll(1, 0), given)
        kept = torch.from_numpy(share).to(soft)[:, None]
        return mixed, soft * kept + soft.roll(1, 0) * (1 - kept)

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

    @abstractmethod
    def _mixed(self, images: torch.Tensor, others: torch.Tensor, keys: Keys) -> tuple[torch.Tensor, Floats]:
        """The mixed images, and the share (B,) of each image in its result."""


class MixUp(BatchMixing):
    """Blend each image with another one: share * image + (1 - share) * other; labels are blended alike.

    Images must be floats: end the transform before with `ToDtype("float32", scale=True)` or `Normalize`. Shares are
    drawn for each sample; the paper draws one for a batch. Zhang et al., "mixup: Beyond Empirical Risk Minimization",
    ICLR 2018.

    Args:
        num_classes: the number of classes, at least 1.
        alpha: shares are drawn from Beta(alpha, alpha), alpha above 0; 1 by default, which makes them uniform.

    >>> images, labels = MixUp(num_classes=2)(torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 1, 0]))
    >>> images.shape, labels.sum(dim=1).tolist()
    (torch.Size([4, 3, 8, 8]), [1.0, 1.0, 1.0, 1.0])
    """

    def _mixed(self, images: torch.Tensor, others: torch.Tensor, keys: Keys) -> tuple[torch.Tensor, Floats]:
        if not images.is_floating_point():
            raise ArgumentTypeError(
                f"MixUp blends float images, got {images.dtype}: end the transform before it with "
                'ToDtype("float32", scale=True) or Normalize'
            )
        share = symmetric_beta(rng.uniform(keys, _OP, UNIFORMS), self.alpha)
        kept = torch.from_numpy(share).to(images)[:, None, None, None]
        return images * kept + others * (1 - kept), share


class CutMix(BatchMixing):
    """Paste a rectangle of another image into each, at the same position; labels are mixed by area. For any dtype.

    The sides of the rectangle are sqrt(1 - share) of the image's, and its centre is uniform over the image. The part
    outside is cut off, and labels count the rest. Rectangles are drawn for each sample; the paper draws one for a
    batch. Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV
    2019.

    Args:
        num_classes: the number of classes, at least 1.
        alpha: shares are drawn from Beta(alpha, alpha), alpha above 0; 1 by default, which makes them uniform.

    >>> images, labels = CutMix(num_classes=2)(torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 1, 0]))
    >>> images.shape, labels.sum(dim=1).tolist()
    (torch.Size([4, 3, 8, 8]), [1.0, 1.0, 1.0, 1.0])
    """

    def _mixed(self, images: torch.Tensor, others: torch.Tensor, keys: Keys) -> tuple[torch.Tensor, Floats]:
        u = rng.uniform(keys, _OP, 2 + UNIFORMS)
        share = symmetric_beta(u[:, 2:], self.alpha)
        height, width = images.shape[-2:]
        rows, columns = _cut(u[:, 0], share, height), _cut(u[:, 1], share, width)
        pasted = torch.from_numpy(rows[:, None, :, None] & columns[:, None, None, :]).to(images.device)
        area = rows.sum(axis=1) * columns.sum(axis=1)
        return torch.where(pasted, others, images), 1.0 - area / (height * width)


def _cut(centre: Floats, share: Floats, length: int) -> npt.NDArray[np.bool_]:
    """A mask of the `length` pixels that are pasted, for each sample."""
    middle = np.floor(centre * length)
    half = np.floor(np.sqrt(1.0 - share) * length / 2)
    pixels = np.arange(length)
    inside: npt.NDArray[np.bool_] = (pixels >= (middle - half)[:, None]) & (pixels < (middle + half)[:, None])
    return inside


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
