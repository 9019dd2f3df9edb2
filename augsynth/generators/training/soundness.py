"""Early stop of a fit that has failed: numbers that are not finite, and samples that have become one image."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from augsynth.core.torch_settings import seeded
from augsynth.generators.errors import TrainingError
from augsynth.generators.reading.images import ImageSet
from augsynth.generators.reading.lazy import LazyImageSet
from augsynth.generators.samples import to_signed
from augsynth.generators.seeds import Noise, derive_seed
from augsynth.generators.targets import images_of
from augsynth.generators.training.run import Run, Trainee

FIRST_STEP = 200
"""Samples are looked at after this step, and after a quarter of the run: many generators begin with one image."""
_SHARE = 0.25
_LEAST_SPREAD = 0.01
_CLASSES, _ROWS, _IMAGES = 4, 16, 64

_Remedy = tuple[str, Callable[[Any], bool], str]
_AGAINST_DIVERGENCE: tuple[_Remedy, ...] = (
    ("learning_rate", lambda value: True, "lower learning_rate (now {})"),
    ("lr", lambda value: True, "lower lr (now {})"),
    ("max_norm", lambda value: value is None, "clip gradients with max_norm=1"),
    ("max_norm", lambda value: value is not None, "lower max_norm (now {})"),
    ("precision", lambda value: value != "float32", "set precision='float32' (now {!r})"),
)
_AGAINST_COLLAPSE: tuple[_Remedy, ...] = (
    ("learning_rate", lambda value: True, "lower learning_rate (now {})"),
    ("lr", lambda value: True, "lower lr (now {})"),
    ("penalty", lambda value: True, "raise penalty (now {})"),
    ("beta", lambda value: True, "lower beta (now {})"),
    ("free_bits", lambda value: True, "raise free_bits (now {})"),
)


def divergence_advice(config: Any) -> str:
    """Write what to change in the options of a fit that diverged.

    Args:
        config: the options.
    """
    return _advice(config, _AGAINST_DIVERGENCE)


def _advice(config: Any, remedies: tuple[_Remedy, ...]) -> str:
    values = vars(config) if hasattr(config, "__dict__") else {}
    known = [(text, values[name]) for name, applies, text in remedies if name in values and applies(values[name])]
    return " or ".join(text.format(value) for text, value in known) or "lower the learning rate"


def require_finite(networks: nn.Module, config: Any, step: int) -> None:
    """Raise `TrainingError` if a parameter is not finite, or a buffer is NaN. (A mask may well be infinite.)

    Args:
        networks: the networks.
        config: options of the generator.
        step: number of steps so far.
    """
    wrong = [name for name, value in networks.named_parameters() if not bool(value.isfinite().all())]
    wrong += [name for name, value in networks.named_buffers() if bool(value.isnan().any())]
    if wrong:
        advice = divergence_advice(config)
        raise TrainingError(f"training diverged before step {step}: weights of {wrong[0]} are not finite; {advice}")


class CollapseCheck:
    """Comparison of a few samples with images of the data set.

    It compares images of one class at a time, because a generator may have learnt one picture for each class. It does
    not notice a generator that draws a few pictures.

    Args:
        run: the fit.
        tile: number of samples that the generator draws at once.
    """

    def __init__(self, run: Run, tile: int) -> None:
        self._run, self._rows = run, min(_ROWS, tile)

    @cached_property
    def _groups(self) -> dict[int, Tensor]:
        return _groups(self._run.images, at_most=max(1, self._rows // 2))

    @cached_property
    def _spread(self) -> float:
        return _mean_spread([to_signed(self._run.images.pixels(indices)) for indices in self._groups.values()])

    def is_due(self, step: int) -> bool:
        """Return True after the first part of the run, if images of a class differ.

        Args:
            step: number of steps so far.
        """
        return step >= max(FIRST_STEP, _SHARE * self._run.steps) and self._rows > 1 and self._spread > 0

    @torch.no_grad()
    def __call__(self, generator: Trainee, step: int) -> None:
        """Raise `TrainingError` if the samples of each class are one image.

        Args:
            generator: the generator, whose networks are those for sampling.
            step: number of steps so far.
        """
        seed, device, groups = derive_seed("collapse", self._run.seed), self._run.device, len(self._groups)
        group = torch.arange(self._rows) % groups
        labels = None if self._run.images.labels is None else torch.tensor(list(self._groups))[group].to(device)
        with seeded(device, seed), generator.sampling_mode():
            drawn = images_of(generator.generate(Noise(seed, range(self._rows), device), labels, None))
            drawn = drawn.float().cpu().clamp(-1, 1)
        spread = _mean_spread([drawn[group == number] for number in range(groups)])
        if spread < _LEAST_SPREAD * self._spread:
            raise TrainingError(
                f"the samples {'of each class ' * (labels is not None)}collapsed into one image before step {step}: "
                f"their standard deviation is {spread:.2g}, that of the images {self._spread:.2g}; "
                f"{_advice(generator.config, _AGAINST_COLLAPSE)}"
            )


def _groups(images: ImageSet | LazyImageSet, at_most: int) -> dict[int, Tensor]:
    """Choose images of the largest classes, by class; without labels, any images."""
    if images.labels is None:
        return {0: _some(torch.arange(len(images)))}
    counts = torch.bincount(images.labels)
    largest = counts.argsort(descending=True, stable=True)[: min(at_most, _CLASSES)].tolist()
    return {label: _some((images.labels == label).nonzero()[:, 0]) for label in largest}


def _some(indices: Tensor) -> Tensor:
    return indices[:: -(-len(indices) // _IMAGES)]


def _mean_spread(groups: list[Tensor]) -> float:
    """Return the standard deviation of the pixels within a group, as the mean over pixels and groups."""
    return sum(float(images.std(0, unbiased=False).mean()) for images in groups) / len(groups)
