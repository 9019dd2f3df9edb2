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
        "mlp-gan": Recipe(3000),
        "dcgan": Recipe(2000),
        "r3gan": Recipe(10000, batch_size=32, options={"channels": 16, "learning_rate": 0.001}),
        "stylegan2": Recipe(2300, batch_size=32),
        "vae": Recipe(1000, options={"free_bits": 0.05}),
        "beta-vae": Recipe(1000, options={"beta": 4.0}),
        "cvae": Recipe(3000, seeds=(0, 1, 2)),
        "nvae": Recipe(2500, batch_size=32, options={"likelihood": "bernoulli", "beta": 0.5}),
        "ddpm": Recipe(2000, options={"prediction": "velocity", "label_drop": 0.0, "sampling_steps": 25}),
        "edm": Recipe(4500, options={"p_mean": 0.4, "label_drop": 0.0}),
        "flow": Recipe(1200),
        "latent-diffusion": Recipe(2500),
    },
    "cifar10": {
        "mlp-gan": Recipe(4000),
        "dcgan": Recipe(3000),
        "r3gan": Recipe(3000, batch_size=32, options={"channels": 16, "learning_rate": 0.001}),
        "stylegan2": Recipe(1600, batch_size=32),
        "vae": Recipe(1700, options={"likelihood": "logistic"}),
        "beta-vae": Recipe(1700, options={"likelihood": "logistic", "beta": 4.0}),
        "cvae": Recipe(1700, options={"likelihood": "logistic", "latent": 64, "width": 24, "learning_rate": 0.002}),
        "nvae": Recipe(1200, batch_size=32),
        "ddpm": Recipe(1200, options={"sampling_steps": 25}),
        "edm": Recipe(1200),
        "flow": Recipe(1200),
        "latent-diffusion": Recipe(1500),
    },
}
"""Recipes by data set and generator, for one to eight minutes of one core without bfloat16 units.

Two generators are measured elsewhere: `cyclegan` translates (`translation.py`), and `diffusers` is never fitted.
"""
