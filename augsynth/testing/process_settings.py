"""State of the process that a fit must not change: global random generators, and settings of torch."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import torch


def global_state() -> tuple[bytes, bytes, object]:
    """Return the states of the global random generators of torch, NumPy and Python."""
    return torch.get_rng_state().numpy().tobytes(), pickle.dumps(np.random.get_state()), random.getstate()  # noqa: NPY002


def settings() -> tuple[object, ...]:
    """Return the settings of torch that a program may change."""
    return (
        torch.get_default_device(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.get_num_threads(),
    )


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "a default device": lambda: torch.device("meta"),
    "the default dtype float64": lambda: _default_dtype(torch.float64),
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Seed all global random generators for a block, and restore them afterwards.

    Args:
        seed: the seed, in [0, 2**32).
    """
    saved = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(saved[0])
        np.random.set_state(saved[1])  # noqa: NPY002
        random.setstate(saved[2])
