"""Labels under transforms: which operations of a policy turn the images of a class into those of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import torch

from augsynth.core.checks import check_number
from augsynth.core.typing import Ints, Mask
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.transforms.choice import RandomApply, RandomChoice
from augsynth.transforms.compose import Compose
from augsynth.transforms.orders import RandomOrder, SomeOf
from augsynth.transforms.pipeline import Pipeline
from augsynth.transforms.policies import AutoAugment, RandAugment, TrivialAugmentWide, single_operations
from augsynth.transforms.values import Normalize, ToDtype

_SEVERAL = (Compose, RandomApply, RandomChoice, SomeOf, RandomOrder)
_POLICIES = (RandAugment, TrivialAugmentWide, AutoAugment)
_STRENGTHS = (0.25, 0.5, 0.75, 1.0)
_AT_ONCE = 500

Operation = tuple[str, float | None, Pipeline]


class LabelRow(NamedTuple):
    """One class under one operation.

    Args:
        operation: the name of the operation.
        strength: the share of the operation's largest amount, 0 to 1; None for a transform as it is.
        label: the class; None for all classes together.
        asked: the number of images of the class that the classifier knows without the operation.
        kept: the share of them that it knows after the operation, 0 to 1; NaN for none.
        low: the lower bound of `kept`.
        high: the upper bound of `kept`.
        becomes: the class that it takes most of the others for; None if it knows all.
        verdict: "keeps", "changes" or "not clear".
    """

    operation: str
    strength: float | None
    label: int | None
    asked: int
    kept: float
    low: float
    high: float
    becomes: int | None
    verdict: str


@dataclass(frozen=True)
class LabelCheck:
    """The result of `check_labels`; `print` shows a line for each operation and strength.

    Args:
        rows: for each operation and strength, one row for all classes, and one for each class.
        accuracy: the share of the images that the classifier knows without any operation, 0 to 1.
    """

    rows: tuple[LabelRow, ...]
    accuracy: float

    @property
    def unsafe(self) -> tuple[LabelRow, ...]:
        """The rows of single classes that an operation turns into others."""
        return tuple(row for row in self.rows if row.label is not None and row.verdict == "changes")

    def table(self, by_class: bool = False) -> str:
        """The table in Markdown: for each operation and strength all classes together, and those that it changes.

        Args:
            by_class: True has a line for each class instead; False by default.
        """
        lines = ["| operation | strength | class | kept | interval | verdict |", "|" + " --- |" * 6]
        for row in self.rows:
            if (row.label is not None) is by_class:
                label = "all" if row.label is None else str(row.label)
                cells = (row.operation, "" if row.strength is None else f"{row.strength:.2f}", label, f"{row.kept:.3f}")
                lines.append(f"| {' | '.join(cells)} | {row.low:.3f} to {row.high:.3f} | {self._said(row)} |")
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"{self.table()}\n\nThe classifier knows {self.accuracy:.1%} of the images as they are."

    def _said(self, row: LabelRow) -> str:
        if row.label is not None:
            return row.verdict if row.becomes is None else f"{row.verdict}; most others become {row.becomes}"
        same = (row.operation, row.strength)
        changed = [one for one in self.unsafe if (one.operation, one.strength) == same]
        return row.verdict if not changed else ", ".join(f"{one.label} becomes {one.becomes}" for one in changed)


def check_labels(
    policy: Pipeline | Mapping[str, Pipeline],
    images: Any,
    labels: Any,
    classifier: Any,
    *,
    strengths: Sequence[float] = _STRENGTHS,
    keep: float = 0.9,
    confidence: float = 0.95,
    seed: int = 0,
) -> LabelCheck:
    """Find the operations that turn images of a class into those of another, as a flip does to the letters b and d.

    Each operation is done to all images by itself. Only images that the classifier knows as they are, are asked: the
    share of them that it still knows has Wilson's interval (Journal of the American Statistical Association 22, 1927).
    The verdict is "changes" if the interval lies below `keep`, "keeps" if it lies above, else "not clear". An image
    that a classifier no longer knows may still show its class: a verdict says what the classifier sees. So take one
    that was trained with augmentation, and look at the pictures.

    Args:
        policy: a policy or a pipeline, whose transforms are operations, with p = 1 where they have a p; or a mapping of
            names to transforms, such as one transform at several strengths. `Normalize` and `ToDtype` are left out.
        images: a batch (n, H, W, C) or (n, C, H, W) of uint8, uint16 or float32, or a sequence of images of one size.
        labels: the class of each image, integers (n,).
        classifier: an object with `predict(images)`, such as `augsynth.classifier.Classifier`, or a function; it gets
            a tensor (b, C, H, W) in the dtype of the images, and returns classes (b,) or scores (b, classes).
        strengths: for the operations of `RandAugment`, `TrivialAugmentWide` and `AutoAugment`, the shares of the
            policy's largest strength; (0.25, 0.5, 0.75, 1) by default.
        keep: the share of images that an operation has to keep, 0 to 1; 0.9 by default.
        confidence: the probability that an interval holds the true share, between 0 and 1; 0.95 by default.
        seed: seed of the keys, one draw for each image; 0 by default.

    >>> from augsynth import transforms as T
    >>> images = np.zeros((40, 8, 8), np.uint8)
    >>> images[:20, :, :4], images[20:, :, 4:] = 255, 255
    >>> side = lambda batch: (batch[..., 4:].float().mean(dim=(1, 2, 3)) > 127).long()
    >>> flips = T.Compose([T.RandomHorizontalFlip(), T.RandomVerticalFlip()])
    >>> check = T.check_labels(flips, images, np.repeat([0, 1], 20), side, keep=0.8)
    >>> [(row.operation, row.label, row.becomes) for row in check.unsafe]
    [('RandomHorizontalFlip', 0, 1), ('RandomHorizontalFlip', 1, 0)]
    """
    for name, value in (("keep", keep), ("confidence", confidence)):
        check_number(name, value, 0.0, 1.0)
    truth = np.asarray(labels)
    if truth.ndim != 1 or truth.dtype.kind not in "iu" or len(truth) != len(images) or not len(truth):
        raise ArgumentError(f"labels must be one integer for each of {len(images)} images, got shape {truth.shape}")
    predict = _predicting(classifier)
    known = _classes(predict, Compose([]), images, seed) == truth
    rows: list[LabelRow] = []
    for name, strength, operation in _operations(policy, strengths):
        found = _classes(predict, operation, images, seed)
        for label in (None, *np.unique(truth).tolist()):
            asked = known if label is None else known & (truth == label)
            share = _Share.of(asked, found, truth, confidence)
            rows.append(LabelRow(name, strength, label, *share, share.verdict(keep)))
    return LabelCheck(tuple(rows), float(known.mean()))


class _Share(NamedTuple):
    asked: int
    kept: float
    low: float
    high: float
    becomes: int | None

    @classmethod
    def of(cls, asked: Mask, found: Ints, truth: Ints, confidence: float) -> _Share:
        count, wrong = int(asked.sum()), found[asked & (found != truth)]
        if not count:
            return cls(0, float("nan"), 0.0, 1.0, None)
        kept, z = 1 - len(wrong) / count, NormalDist().inv_cdf((1 + min(confidence, 1 - 1e-12)) / 2)
        middle, scale = kept + z**2 / (2 * count), 1 + z**2 / count
        half = z * (kept * (1 - kept) / count + z**2 / (4 * count**2)) ** 0.5
        others = np.unique(wrong, return_counts=True)
        becomes = int(others[0][others[1].argmax()]) if len(wrong) else None
        return cls(count, kept, max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0), becomes)

    def verdict(self, keep: float) -> str:
        return "changes" if self.high < keep else "keeps" if self.low >= keep else "not clear"


def _operations(policy: Pipeline | Mapping[str, Pipeline], strengths: Sequence[float]) -> Iterator[Operation]:
    if isinstance(policy, Mapping):
        for name, transform in policy.items():
            yield name, None, transform
    elif isinstance(policy, _POLICIES):
        yield from single_operations(policy, [check_number("strengths", one, 0.0, 1.0) for one in strengths])
    elif isinstance(policy, _SEVERAL):
        for part in policy.transforms:
            yield from _operations(part, strengths)
    elif not isinstance(policy, Pipeline):
        raise ArgumentTypeError(f"policy must be a transform or a mapping of them, got {type(policy).__name__}")
    elif not isinstance(policy, (Normalize, ToDtype)):
        yield type(policy).__name__, None, replace(policy, p=1.0) if hasattr(policy, "p") else policy  # type: ignore[type-var]


def _predicting(classifier: Any) -> Callable[[torch.Tensor], Any]:
    predict = getattr(classifier, "predict", classifier)
    if not callable(predict):
        raise ArgumentTypeError(f"classifier must be a function or have predict, got {type(classifier).__name__}")
    return predict  # type: ignore[no-any-return]


def _classes(predict: Callable[[torch.Tensor], Any], operation: Pipeline, images: Any, seed: int) -> Ints:
    """The classes (n,) of images after an operation."""
    found = []
    for first in range(0, len(images), _AT_ONCE):
        some = images[first : first + _AT_ONCE]
        batch = operation.batch(some, keys=[(seed, 0, first + number) for number in range(len(some))])
        with torch.no_grad():
            answer = np.asarray(predict(batch))
        if answer.ndim not in (1, 2) or len(answer) != len(some):
            raise ArgumentError(
                f"classifier must return classes ({len(some)},) or scores ({len(some)}, classes), got {answer.shape}"
            )
        found.append(answer if answer.ndim == 1 else answer.argmax(axis=1))
    return np.concatenate(found)
