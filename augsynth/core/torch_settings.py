"""Torch's default settings for a block of code, whatever the program around it has set; afterwards its own again.

Default device, gradients, inference mode and autocast belong to a thread. Torch's global generator, the default dtype
and cuDNN's choices belong to the process: threads that need them wait for each other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

_CPU = torch.device("cpu")
_TURN = threading.RLock()


@contextmanager
def usual_thread(device: torch.device = _CPU, *, gradients: bool = True) -> Iterator[None]:
    """Set the settings of this thread: new tensors on the CPU, no autocast, no inference mode.

    Args:
        device: device on which the block computes.
        gradients: whether operations are recorded for gradients.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(gradients))
        stack.enter_context(_outside_autocast({"cpu", device.type}))
        if torch.get_default_device() != _CPU:  # a mode that torch calls at every operation: only where it is needed
            stack.enter_context(_CPU)
        yield


@contextmanager
def _outside_autocast(devices: set[str]) -> Iterator[None]:
    """Leave all autocasts. (Inside a disabled autocast, torch would keep casts of outdated weights.)"""
    before = {device: torch.is_autocast_enabled(device) for device in devices}
    entered = torch.autocast_increment_nesting() - 1
    for _ in range(entered + 1):
        torch.autocast_decrement_nesting()
    torch.clear_autocast_cache()
    for device in devices:
        torch.set_autocast_enabled(device, False)
    try:
        yield
    finally:
        for device, enabled in before.items():
            torch.set_autocast_enabled(device, enabled)
        for _ in range(entered):
            torch.autocast_increment_nesting()


@contextmanager
def usual_process() -> Iterator[None]:
    """Wait until no other thread is in such a block, and set float32 for new tensors."""
    with _TURN:
        before = torch.get_default_dtype()
        _set_default_dtype(torch.float32)
        try:
            yield
        finally:
            _set_default_dtype(before)


def _set_default_dtype(dtype: torch.dtype) -> None:
    if torch.get_default_dtype() != dtype:  # other threads never see it change where it need not
        torch.set_default_dtype(dtype)


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Seed torch's global generators for a block (weight initialisation, dropout), and restore them afterwards.

    The other settings are set as well, so that the block depends on its seed alone.

    Args:
        device: device on which the block computes.
        seed: 64-bit integer.
    """
    devices = [device] if device.type == "cuda" else []
    with usual_thread(device), usual_process(), torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if devices:
            index = torch.cuda.current_device() if device.index is None else device.index
            torch.cuda.default_generators[index].manual_seed(seed)
        yield


@contextmanager
def deterministic_cudnn() -> Iterator[None]:
    """Use deterministic convolutions alone on CUDA; must be called inside `usual_process`."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic
    cudnn.benchmark, cudnn.deterministic = False, True
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic = before


def _forget_other_threads() -> None:
    """Renew the lock in a forked child, which has no other threads."""
    global _TURN
    _TURN = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
