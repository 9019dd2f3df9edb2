"""Settings with which each generator is measured on each data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """Settings of one fit.

    Args:
        steps: number of training steps.
        batch_size: images of a training step.
        options: options of the generator other than its defaults.
        seeds: seeds to fit with.
    """

    steps: int
    batch_size: int = 64
    options: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)


RECIPES: dict[str, dict[str, Recipe]] = {
    "mnist10k": {
        "cvae": Recipe(5000, seeds=(0, 1, 2)),
        "edm": Recipe(5000, seeds=(0, 1, 2)),
        "r3gan": Recipe(6000, seeds=(0, 1, 2)),
    },
    "cifar10": {
        "cvae": Recipe(2000, options={"likelihood": "logistic"}),
        "edm": Recipe(2000),
        "r3gan": Recipe(2000),
    },
}
"""Recipes by data set and generator. A fit takes about four minutes of one core, and ten for the defaults on MNIST.

Two generators are measured elsewhere: `cyclegan` translates (`translation.py`), and `diffusers` is never fitted.
"""
