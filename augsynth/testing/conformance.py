"""`check_generator`: the rules that every generator keeps, for plugins to call in their own tests."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import TensorDataset

from augsynth.generators import Generator
from augsynth.testing import generator_rules as rules
from augsynth.testing.generator_case import Case


def check_generator(
    factory: Callable[[], Generator],
    *,
    dataset: Any = None,
    steps: int = 4,
    batch_size: int = 8,
    spawn: bool = True,
) -> None:
    """Check a generator against the contract; raise `AssertionError` with the rule that is broken.

    `factory` makes a new generator that is not fitted, as small as can be. It is fitted about a dozen times on the
    CPU, a `NetworkGenerator` for up to `steps` steps; one without `learn` is only sampled from. `dataset` is
    map-style with items `(uint8 (C, H, W), label)`, by default 24 images of 1x16x16 in 3 classes. `spawn=False` leaves
    out the sampling in a second process, which takes seconds to start.

        def test_conforms():
            check_generator(lambda: create_generator("vae", width=8))
    """
    data = _default_dataset() if dataset is None else dataset
    with tempfile.TemporaryDirectory() as folder:
        case = Case(factory, data, steps, batch_size, Path(folder))
        for rule in rules.RULES:
            rule(case)
        if spawn:
            rules.pickles_under_spawn(case)


def _default_dataset() -> TensorDataset:
    rng = torch.Generator().manual_seed(0)
    labels = torch.arange(24) % 3
    noise = torch.randint(0, 128, (24, 1, 16, 16), generator=rng, dtype=torch.uint8)
    return TensorDataset(noise + (labels * 60).to(torch.uint8)[:, None, None, None], labels)
