"""Features of images for selections: of a classifier, of a function of the user, or of a model of timm."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from augsynth.core.torch_settings import usual_thread
from augsynth.core.typing import Floats, Singles
from augsynth.errors import ArgumentError, ArgumentTypeError, error_text

Features = Callable[[Tensor], Any]
"""Function of images, uint8 (n, C, H, W), that returns features (n, D) as a tensor or an array."""

_BATCH = 256


def features_of(features: Features, images: Tensor) -> Floats:
    """Return the features of images, finite float64 (n, D).

    Args:
        features: function of uint8 (n, C, H, W); it gets at most 256 images at once.
        images: uint8 (n, C, H, W).
    """
    if not callable(features):
        raise ArgumentTypeError(f"features must be a function of images or None, got {type(features).__name__}")
    parts = [_as_rows(features(part), len(part)) for part in torch.split(images, _BATCH)]
    return np.concatenate(parts)


def _as_rows(values: Any, n: int) -> Floats:
    array = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values, np.float64)
    if array.ndim != 2 or len(array) != n or array.shape[1] == 0:
        raise ArgumentError(f"features must return (n, D) for {n} images, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ArgumentError("features returned values that are not finite")
    return array


class TimmFeatures:
    """Features of a model of timm, DINOv2 by default, whose weights are in a local file. Nothing is downloaded.

    Args:
        weights: file of the weights, as timm reads it (`.safetensors`, `.pth`).
        model: name of the model in timm; default DINOv2, ViT-S/14.
        side: height and width in pixels that images are resized to, a multiple of the model's patches; default 224.

    Needs the package timm: `pip install "augsynth[features]"`.
    """

    def __init__(
        self, weights: str | os.PathLike[str], model: str = "vit_small_patch14_dinov2.lvd142m", side: int = 224
    ) -> None:
        self.weights = Path(weights).absolute()
        if not self.weights.is_file():
            raise ArgumentError(f"there are no weights at {self.weights}: give the file of a model, downloaded before")
        self.model = model
        self.side = side

    def __call__(self, images: Tensor) -> Singles:
        """Return the features of images, float32 (n, D).

        Args:
            images: uint8 (n, 1 or 3, H, W).
        """
        if images.shape[1] not in (1, 3):
            raise ArgumentError(f"models of timm take images of 1 or 3 channels, got {images.shape[1]}")
        with usual_thread(gradients=False):
            pixels = images.float().div(255).expand(-1, 3, -1, -1)
            sized = F.interpolate(pixels, (self.side, self.side), mode="bicubic", antialias=True).clamp(0, 1)
            network, mean, spread = self._network
            features: Tensor = network((sized - mean) / spread)
        return features.numpy()

    def __reduce__(self) -> tuple[type[TimmFeatures], tuple[Path, str, int]]:
        return type(self), (self.weights, self.model, self.side)

    @cached_property
    def _network(self) -> tuple[Any, Tensor, Tensor]:
        try:
            import timm
        except ImportError as cause:
            raise ArgumentError('TimmFeatures needs timm: pip install "augsynth[features]"') from cause
        sizes = {"img_size": self.side} if "vit" in self.model else {}
        try:
            network = timm.create_model(
                self.model, pretrained=False, num_classes=0, checkpoint_path=str(self.weights), **sizes
            )
        except Exception as cause:  # timm and its models raise nearly anything for another file
            raise ArgumentError(f"{self.weights} gives no model {self.model!r}: {error_text(cause)}") from cause
        config = timm.data.resolve_data_config(model=network)
        mean, spread = (torch.tensor(config[key])[:, None, None] for key in ("mean", "std"))
        return network.eval(), mean, spread
