"""Training of the small classifier: AdamW, a one-cycle schedule, and a result that repeats."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from augsynth.classifier.inputs import as_dataset, as_float, check_shape, first_shape
from augsynth.classifier.losses import WeightedItems, prior_scores, training_loss, weights_among
from augsynth.classifier.model import Classifier
from augsynth.classifier.network import build_network
from augsynth.core.checks import check_integer, check_seed
from augsynth.core.torch_settings import seeded, usual_process, usual_thread
from augsynth.errors import ArgumentError, ArgumentTypeError

DEFAULT_STEPS = 600
DEFAULT_WIDTH = 16


def train_classifier(
    images: ArrayLike | Tensor | Dataset[Any],
    labels: ArrayLike | Tensor | None = None,
    *,
    num_classes: int | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    width: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    item_weights: ArrayLike | Tensor | None = None,
    sampler: Any = None,
    logit_adjust: float = 0.0,
    class_counts: ArrayLike | Tensor | None = None,
    start: Classifier | None = None,
) -> Classifier:
    """Train a small convolutional network for the shape of the images, with AdamW and a one-cycle schedule.

    The result depends only on the arguments; `threads` changes it through the order of float additions. The global
    random state stays as it was. Settings of torch (default device and dtype, autocast, inference mode) have no effect.
    Raises `ArgumentError` or `ArgumentTypeError` for input that cannot be used.

    Args:
        images: uint8 or float `(n, C, H, W)` or `(n, H, W)`, of any height and width and 1 to 16 channels; or, without
            `labels`, a map-style dataset of `(CHW tensor, label)`, or of `(CHW tensor, label, weight)` with a float by
            which the loss of the item is multiplied. Its `set_epoch`, if it has one, is called before each epoch. Sides
            above 64 pixels are halved at once, and training takes longer.
        labels: integers `(n,)`; default None, for a dataset.
        num_classes: number of classes; required for a dataset, otherwise by default the largest label plus one.
        steps: number of updates, at least 1; default 600.
        epochs: number of epochs, instead of `steps`.
        batch_size: number of images in an update, at least 1; default 64.
        learning_rate: largest rate of the schedule; default 0.003.
        width: channels of the first block; default 16, or that of `start`.
        seed: 64-bit integer, default 0.
        threads: number of threads of torch; by default torch's setting.
        item_weights: weight of the loss of each item, `(n,)`, at least 0; they are divided by their mean. Default 1
            for all.
        sampler: iterable of positions with a length, such as one of `torch.utils.data`; its `set_epoch`, if it has
            one, is called before each epoch. Default a shuffle by `seed`.
        logit_adjust: strength τ of the adjustment for rare classes, at least 0: τ · log(share of the class) is added
            to the scores in training (Menon et al., ICLR 2021). Default 0; 1 is usual.
        class_counts: number of items of each class, for `logit_adjust`; default counted from `labels`.
        start: classifier of images of the same shape, whose weights the training begins with. If it has another number
            of classes, the last layer is new. A smaller `learning_rate` suits it, such as 0.0003. Default None.

    >>> images = np.zeros((20, 8, 8), np.uint8)
    >>> images[10:] = 255
    >>> classifier = train_classifier(images, [0] * 10 + [1] * 10, steps=20)
    >>> classifier.predict(images[[0, 19]]).tolist()
    [0, 1]
    """
    dataset, num_classes = as_dataset(images, labels, num_classes)
    shape, seed = first_shape(dataset), check_seed(seed)
    if class_counts is None and labels is not None:
        class_counts = np.bincount(np.asarray(labels), minlength=num_classes)
    prior = prior_scores(logit_adjust, class_counts, num_classes)
    items = dataset if item_weights is None else WeightedItems(dataset, item_weights)
    batch_size = check_integer("batch_size", batch_size, 1)
    with usual_thread(), _torch_threads(threads):
        loader = _loader(items, batch_size, sampler, seed)
        total = _total_steps(steps, epochs, len(loader))
        with seeded(torch.device("cpu"), seed):
            network = _first_network(shape, num_classes, width, start)
        _train(network, loader, total, learning_rate, shape, prior)
    return Classifier(network, shape, num_classes)


def _first_network(
    shape: tuple[int, int, int], num_classes: int, width: int | None, start: Classifier | None
) -> nn.Sequential:
    """Return a new network, or one with the weights of a classifier; its last layer is new for other classes."""
    if start is None:
        return build_network(shape, num_classes, DEFAULT_WIDTH if width is None else width)
    if start.image_shape != shape or width not in (None, start.width):
        raise ArgumentError(
            f"start takes images of shape {start.image_shape} and has width {start.width}: got images of {shape} and "
            f"width={width}"
        )
    network = build_network(shape, num_classes, start.width)
    last = f"{len(network) - 1}."
    known = start.weights()
    if start.num_classes != num_classes:
        known |= {name: value for name, value in network.state_dict().items() if name.startswith(last)}
    network.load_state_dict(known)
    return network


def train_network(
    network: nn.Module, items: Any, *, steps: int, batch_size: int, learning_rate: float, seed: int
) -> None:
    """Train any network on its device, as `train_classifier` trains its own: AdamW, a one-cycle schedule.

    Args:
        network: network of float32 images (n, C, H, W) that returns scores (n, K). It is changed.
        items: map-style dataset, as for `train_classifier`.
        steps: number of updates, at least 1.
        batch_size: number of images in an update, at least 1.
        learning_rate: largest rate of the schedule.
        seed: 64-bit seed of the order; the weights, and what layers draw, come from torch's generator.
    """
    steps, loader = check_integer("steps", steps, 1), _loader(items, batch_size, None, seed)
    _train(network, loader, steps, learning_rate, first_shape(items), None)


def _train(
    network: nn.Module,
    loader: DataLoader[Any],
    steps: int,
    learning_rate: float,
    shape: tuple[int, int, int],
    prior: Tensor | None,
) -> None:
    network.train()
    device = next(network.parameters()).device
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps + 1)
    for batch, target, *rest in _cycle(loader, steps):
        check_shape(tuple(batch.shape[1:]), shape)
        with usual_process():
            weights = weights_among(rest)
            weights = None if weights is None else weights.to(device)
            loss = training_loss(network(as_float(batch.to(device))), target.to(device), weights, prior)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()


def _loader(items: Any, batch_size: int, sampler: Any, seed: int) -> DataLoader[Any]:
    """Return the batches of an epoch; a smaller last batch, whose images would count more, is left out."""
    if sampler is None:
        size, shuffle = min(batch_size, len(items)), torch.Generator().manual_seed(seed)
        return DataLoader(items, size, shuffle=True, drop_last=True, generator=shuffle)
    if not hasattr(sampler, "__iter__") or not hasattr(sampler, "__len__"):
        raise ArgumentTypeError(f"sampler must be an iterable with a length, got {type(sampler).__name__}")
    if len(sampler) == 0:
        raise ArgumentError("sampler gives no positions: nothing to train on")
    return DataLoader(items, min(batch_size, len(sampler)), sampler=sampler, drop_last=True)


def _cycle(loader: DataLoader[Any], steps: int) -> Iterator[list[Tensor]]:
    """Yield exactly `steps` batches, epoch after epoch, and set the epoch of the data set and of the sampler."""
    epoch = 0
    while steps > 0:
        for part in (loader.dataset, loader.sampler):
            if hasattr(part, "set_epoch"):
                part.set_epoch(epoch)
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


def _total_steps(steps: int | None, epochs: int | None, steps_per_epoch: int) -> int:
    if steps is not None and epochs is not None:
        raise ArgumentError(f"give steps or epochs, not both: got steps={steps} and epochs={epochs}")
    if epochs is not None:
        return check_integer("epochs", epochs, 1) * steps_per_epoch
    return DEFAULT_STEPS if steps is None else check_integer("steps", steps, 1)
