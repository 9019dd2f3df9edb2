"""`check_generator`: a test of the contract of generators, for the tests of plugins."""

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
    """Test that a generator keeps the contract; raise `AssertionError` with the rule that it breaks.

    The generator is fitted about a dozen times on the CPU. A generator without `learn` is only sampled from.

    Args:
        factory: function that makes a new generator, not fitted and as small as possible.
        dataset: map-style data set of `(uint8 (C, H, W), label)`; by default 24 images of 1x16x16 in 3 classes.
        steps: training steps of a `NetworkGenerator`, at least 1; default 4.
        batch_size: images of a training step, at least 1; default 8.
        spawn: False omits the sampling in a second process, which takes seconds to start; default True.

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
