"""One small convolutional classifier, with which all comparisons of real and synthetic data are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from augsynth._native.layout import MAX_CHANNELS
from augsynth.core.checks import check_integer, check_seed
from augsynth.core.torch_settings import seeded, usual_process, usual_thread
from augsynth.errors import ArgumentError, ArgumentTypeError

DEFAULT_STEPS = 600
SMALLEST_SIDE = 8
LARGEST_SIDE = 64
_MOST_CLASSES = 2**16


class _Sized(Protocol):
    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


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

    def predict(self, images: ArrayLike | Tensor, *, batch_size: int = 500) -> NDArray[np.int64]:
        """Return the most probable class of each image, int64 `(n,)`.

        Args:
            images: `(n, C, H, W)`, or `(n, H, W)` for one channel. uint8 is divided by 255. Floats are not rescaled,
                so they must have the scale of the training images.
            batch_size: number of images in one call of the network; default 500.
        """
        scores = self._outputs(self._network, images, batch_size)
        return cast("NDArray[np.int64]", scores.argmax(1).numpy())

    def features(self, images: ArrayLike | Tensor, *, batch_size: int = 500) -> NDArray[np.float32]:
        """Return the inputs of the last layer for each image, float32 `(n, D)`.

        Args:
            images: as for `predict`.
            batch_size: number of images in one call of the network; default 500.
        """
        body = self._network[:-1]
        return cast("NDArray[np.float32]", self._outputs(body, images, batch_size).numpy())

    def _outputs(self, network: nn.Module, images: ArrayLike | Tensor, batch_size: int) -> Tensor:
        batch = _as_batch(images)
        _check_shape(tuple(batch.shape[1:]), self.image_shape)
        with usual_thread(gradients=False), usual_process():
            # Without images there is one empty part, so that the result has its columns.
            return torch.cat([network(_as_float(part)) for part in torch.split(batch, batch_size)])


def train_classifier(
    images: ArrayLike | Tensor | Dataset[Any],
    labels: ArrayLike | Tensor | None = None,
    *,
    num_classes: int | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    width: int = 16,
    seed: int = 0,
    threads: int | None = None,
) -> Classifier:
    """Train a small convolutional network for the shape of the images, with AdamW and a one-cycle schedule.

    The result depends only on the arguments; `threads` changes it through the order of float additions. The global
    random state stays as it was. Settings of torch (default device and dtype, autocast, inference mode) have no effect.
    Raises `ArgumentError` or `ArgumentTypeError` for input that cannot be used.

    Args:
        images: uint8 or float `(n, C, H, W)` or `(n, H, W)`, with sides of 8 to 64 pixels and 1 to 16 channels; or,
            without `labels`, a map-style dataset of `(CHW tensor, label)`. Its `set_epoch`, if it has one, is called
            before each epoch.
        labels: integers `(n,)`; default None, for a dataset.
        num_classes: number of classes; required for a dataset, otherwise by default the largest label plus one.
        steps: number of updates, at least 1; default 600.
        epochs: number of epochs, instead of `steps`.
        batch_size: number of images in an update, at least 1; default 64.
        learning_rate: largest rate of the schedule; default 0.003.
        width: channels of the first block; default 16.
        seed: 64-bit integer, default 0.
        threads: number of threads of torch; by default torch's setting.

    >>> images = np.zeros((20, 8, 8), np.uint8)
    >>> images[10:] = 255
    >>> classifier = train_classifier(images, [0] * 10 + [1] * 10, steps=20)
    >>> classifier.predict(images[[0, 19]]).tolist()
    [0, 1]
    """
    dataset, num_classes = _as_dataset(images, labels, num_classes)
    shape, seed = _first_shape(dataset), check_seed(seed)
    batch_size = min(check_integer("batch_size", batch_size, 1), len(dataset))
    with usual_thread(), _torch_threads(threads):
        # A smaller last batch would give its images more weight; each epoch leaves out other images.
        shuffle = torch.Generator().manual_seed(seed)
        loader: DataLoader[Any] = DataLoader(
            cast("Dataset[Any]", dataset), batch_size, shuffle=True, drop_last=True, generator=shuffle
        )
        total = _total_steps(steps, epochs, len(loader))
        with seeded(torch.device("cpu"), seed):
            network = build_network(shape, num_classes, width).train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=total + 1)
        for batch, target in _cycle(loader, total):
            _check_shape(tuple(batch.shape[1:]), shape)
            with usual_process():
                loss = F.cross_entropy(network(_as_float(batch)), target.long())
                optimiser.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
    return Classifier(network, shape, num_classes)


def build_network(shape: tuple[int, int, int], num_classes: int, width: int) -> nn.Sequential:
    """Return a network with blocks of convolution, batch norm and ReLU, and a linear layer.

    Sides are halved after each block while both are at least 8. The first batch norm standardises the input, so the
    scale of float images does not matter.

    Args:
        shape: (C, H, W) of the images.
        num_classes: number of classes.
        width: channels of the first block; they double in each block, up to 128.
    """
    channels, rows, columns = shape
    layers: list[nn.Module] = [nn.BatchNorm2d(channels, affine=False), *_block(channels, width)]
    while min(rows, columns) >= SMALLEST_SIDE:
        wider = min(2 * width, 128)
        layers += [nn.MaxPool2d(2), *_block(width, wider)]
        width, rows, columns = wider, rows // 2, columns // 2
    layers += [nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Linear(4 * width, num_classes)]
    # torch's stubs have no memory_format; this layout makes training a third faster on a CPU.
    network: nn.Sequential = cast("Any", nn.Sequential(*layers)).to(memory_format=torch.channels_last)
    return network


def _block(before: int, after: int) -> list[nn.Module]:
    block: list[nn.Module] = []
    for channels in (before, after):
        convolution = nn.Conv2d(channels, after, 3, padding=1, bias=False)
        block += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
    return block


def _cycle(loader: DataLoader[Any], steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield exactly `steps` batches, epoch after epoch, and set the epoch of the data set."""
    epoch = 0
    while steps > 0:
        if hasattr(loader.dataset, "set_epoch"):
            loader.dataset.set_epoch(epoch)
        yield from islice(loader, steps)
        steps -= len(loader)
        epoch += 1


@contextmanager
def _torch_threads(threads: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _as_dataset(
    images: ArrayLike | Tensor | Dataset[Any], labels: ArrayLike | Tensor | None, num_classes: int | None
) -> tuple[_Sized, int]:
    if labels is None:
        return _check_dataset(images, num_classes)
    batch = _as_batch(images)
    targets = torch.as_tensor(np.asarray(labels), device="cpu")
    if targets.shape != batch.shape[:1] or targets.is_floating_point() or len(targets) == 0:
        raise ArgumentError(
            f"labels must be one integer per image and at least one: got {targets.dtype} of shape "
            f"{tuple(targets.shape)} for {len(batch)} images"
        )
    num_classes = classes_in(targets) if num_classes is None else check_integer("num_classes", num_classes, 1)
    if int(targets.min()) < 0 or int(targets.max()) >= num_classes:
        raise ArgumentError(f"labels must lie in 0..{num_classes - 1}: got {int(targets.min())}..{int(targets.max())}")
    return cast("_Sized", TensorDataset(batch, targets)), num_classes


def classes_in(*labels: ArrayLike | Tensor) -> int:
    """Return the largest label plus one; raise `ArgumentError` above 65,536, where labels are probably no classes."""
    classes = 1 + max(int(np.max(np.asarray(part))) for part in labels)
    if classes > _MOST_CLASSES:
        raise ArgumentError(
            f"the largest label is {classes - 1}, for which the classifier would need as many classes; number the "
            "classes 0…K-1, or state num_classes"
        )
    return classes


def _check_dataset(dataset: Any, num_classes: int | None) -> tuple[_Sized, int]:
    if not hasattr(dataset, "__getitem__") or isinstance(dataset, (np.ndarray, Tensor)):
        raise ArgumentTypeError(
            f"without labels, expected a map-style dataset of (image, label): got {type(dataset).__name__}"
        )
    if num_classes is None:
        raise ArgumentError("num_classes is needed to train on a dataset: its labels are not read in advance")
    if len(dataset) == 0:
        raise ArgumentError("the dataset is empty: nothing to train on")
    return dataset, num_classes


def _total_steps(steps: int | None, epochs: int | None, steps_per_epoch: int) -> int:
    if steps is not None and epochs is not None:
        raise ArgumentError(f"give steps or epochs, not both: got steps={steps} and epochs={epochs}")
    if epochs is not None:
        return check_integer("epochs", epochs, 1) * steps_per_epoch
    return DEFAULT_STEPS if steps is None else check_integer("steps", steps, 1)


def _first_shape(dataset: _Sized) -> tuple[int, int, int]:
    shape = tuple(dataset[0][0].shape)
    if len(shape) != 3 or not 1 <= shape[0] <= MAX_CHANNELS or not _sides_fit(shape[1:]):
        raise ArgumentError(
            f"the classifier takes (C, H, W) images of 1 to {MAX_CHANNELS} channels and sides of "
            f"{SMALLEST_SIDE} to {LARGEST_SIDE} pixels: got shape {shape}; resize the images first"
        )
    return cast("tuple[int, int, int]", shape)


def _sides_fit(sides: Sequence[int]) -> bool:
    return all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in sides)


def _check_shape(found: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    if found != expected:
        raise ArgumentError(f"the classifier takes images of shape {expected}: got {found}")


def _as_batch(images: Any) -> Tensor:
    batch = images if isinstance(images, Tensor) else torch.as_tensor(np.asarray(images), device="cpu")
    batch = batch[:, None] if batch.ndim == 3 else batch
    if batch.ndim != 4:
        raise ArgumentError(f"images must be (n, C, H, W) or (n, H, W): got shape {tuple(batch.shape)}")
    if batch.dtype != torch.uint8 and not batch.is_floating_point():
        raise ArgumentTypeError(f"images must be uint8 or float: got {batch.dtype}; convert them first")
    return batch


def _as_float(batch: Tensor) -> Tensor:
    scaled = batch / 255 if batch.dtype == torch.uint8 else batch.float()
    return scaled.contiguous(memory_format=torch.channels_last)
