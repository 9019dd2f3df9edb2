"""`Classifier`: a trained network that gives classes, probabilities and features of images."""

from __future__ import annotations

from typing import cast

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from augsynth.classifier.inputs import as_batch, as_float, check_shape
from augsynth.core.torch_settings import usual_process, usual_thread
from augsynth.core.typing import Ints, Singles


class Classifier:
    """Trained classifier, which predicts the class of an image.

    Args:
        network: layers that return scores (n, K) for float images. The input of the last one is `features`.
        image_shape: (C, H, W) of the images.
        num_classes: number K of classes.
    """

    def __init__(self, network: nn.Sequential, image_shape: tuple[int, int, int], num_classes: int) -> None:
        self.image_shape = image_shape
        self.num_classes = num_classes
        self._network = network.eval()

    def predict(self, images: ArrayLike | Tensor, *, batch_size: int = 500) -> Ints:
        """Return the most probable class of each image, int64 `(n,)`.

        Args:
            images: `(n, C, H, W)`, or `(n, H, W)` for one channel. uint8 is divided by 255. Floats are not rescaled,
                so they must have the scale of the training images.
            batch_size: number of images in one call of the network; default 500.
        """
        scores = self._outputs(self._network, images, batch_size)
        return cast("Ints", scores.argmax(1).numpy())

    def probabilities(self, images: ArrayLike | Tensor, *, batch_size: int = 500) -> Singles:
        """Return the probability of each class for each image, float32 `(n, K)`; rows add up to 1.

        Args:
            images: as for `predict`.
            batch_size: number of images in one call of the network; default 500.
        """
        scores = self._outputs(self._network, images, batch_size)
        with usual_thread(gradients=False):
            return cast("Singles", scores.softmax(1).numpy())

    def features(self, images: ArrayLike | Tensor, *, batch_size: int = 500) -> Singles:
        """Return the inputs of the last layer for each image, float32 `(n, D)`.

        Args:
            images: as for `predict`.
            batch_size: number of images in one call of the network; default 500.
        """
        body = self._network[:-1]
        return cast("Singles", self._outputs(body, images, batch_size).numpy())

    def _outputs(self, network: nn.Module, images: ArrayLike | Tensor, batch_size: int) -> Tensor:
        batch = as_batch(images)
        check_shape(tuple(batch.shape[1:]), self.image_shape)
        with usual_thread(gradients=False), usual_process():
            # Without images there is one empty part, so that the result has its columns.
            return torch.cat([network(as_float(part)) for part in torch.split(batch, batch_size)])
