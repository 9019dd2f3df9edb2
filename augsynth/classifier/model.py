"""`Classifier`: a trained network that gives classes, probabilities and features of images."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from augsynth.classifier import saved
from augsynth.classifier.inputs import as_batch, as_float, check_shape
from augsynth.classifier.network import build_network
from augsynth.core.names import listed
from augsynth.core.torch_settings import usual_process, usual_thread
from augsynth.core.typing import Ints, Singles
from augsynth.errors import ArgumentError, CheckpointError, error_text


class Classifier:
    """Trained classifier, which predicts the class of an image.

    Args:
        network: layers that return scores (n, K) for float images. The input of the last one is `features`.
        image_shape: (C, H, W) of the images.
        num_classes: number K of classes.
        class_names: name of each class; None (default) if they are not known.
    """

    def __init__(
        self,
        network: nn.Sequential,
        image_shape: tuple[int, int, int],
        num_classes: int,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.image_shape = image_shape
        self.num_classes = num_classes
        self.class_names = None if class_names is None else tuple(class_names)
        if self.class_names is not None and len(set(self.class_names)) != num_classes:
            raise ArgumentError(f"class_names must be {num_classes} different names, got {listed(self.class_names)}")
        self._network = network.eval()

    @property
    def width(self) -> int:
        """Channels of the first block of the network."""
        return next(layer.out_channels for layer in self._network if isinstance(layer, nn.Conv2d))

    def weights(self) -> dict[str, Tensor]:
        """Return the weights of the network by name."""
        return self._network.state_dict()

    def digest(self) -> str:
        """Return the SHA-256 that identifies the classifier: its weights, its image shape and its class names."""
        digest = hashlib.sha256(saved.serialised(self.weights()))
        digest.update(json.dumps(self._description()).encode())
        return digest.hexdigest()

    def save(self, path: str | os.PathLike[str], *, class_names: Sequence[str] | None = None) -> None:
        """Write the classifier into a folder, as `config.json` and a safetensors file, for `load_classifier`.

        Args:
            path: the folder, which is created. A classifier that is in it is replaced.
            class_names: name of each class, such as `data.class_names`; default those that it has. With names, others
                need not number their classes alike.
        """
        named = Classifier(self._network, self.image_shape, self.num_classes, class_names or self.class_names)
        saved.write(Path(path), named._description(), self.weights())

    def for_classes(self, class_names: Sequence[str]) -> Classifier:
        """Return the classifier of some of its classes, in another order; raise `ArgumentError` if it lacks one.

        Args:
            class_names: names of the classes.
        """
        known = self.class_names or ()
        missing = [name for name in class_names if name not in known]
        if missing:
            raise ArgumentError(f"the classifier has no class {missing[0]!r}; it has {listed(known)}")
        rows = [known.index(name) for name in class_names]
        last = f"{len(self._network) - 1}."
        chosen = {name: value[rows] if name.startswith(last) else value for name, value in self.weights().items()}
        network = _network_of(chosen, self.image_shape, len(rows), self.width)
        return Classifier(network, self.image_shape, len(rows), class_names)

    def _description(self) -> dict[str, Any]:
        facts = {"image_shape": list(self.image_shape), "num_classes": self.num_classes, "width": self.width}
        return {**facts, "class_names": None if self.class_names is None else list(self.class_names)}

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


def load_classifier(path: str | os.PathLike[str]) -> Classifier:
    """Read a classifier that `Classifier.save` has written; raise `CheckpointError` for everything else.

    Args:
        path: the folder.
    """
    folder = Path(path)
    facts, weights = saved.read(folder)
    try:
        shape, classes = cast("tuple[int, int, int]", tuple(map(int, facts["image_shape"]))), facts["num_classes"]
        return Classifier(_network_of(weights, shape, classes, facts["width"]), shape, classes, facts["class_names"])
    except (KeyError, TypeError, ValueError, RuntimeError, ArgumentError) as cause:
        reason = error_text(cause).splitlines()[0]
        raise CheckpointError(f"the classifier in {folder} does not fit its description: {reason}") from cause


def _network_of(weights: dict[str, Tensor], shape: tuple[int, int, int], classes: int, width: int) -> nn.Sequential:
    # Layers without memory draw nothing at random, and numbers that do not fit the weights cost nothing.
    with torch.device("meta"):
        network = build_network(shape, classes, width)
    network.load_state_dict(weights, assign=True)
    return cast("nn.Sequential", cast("Any", network).to(memory_format=torch.channels_last).requires_grad_(True))
