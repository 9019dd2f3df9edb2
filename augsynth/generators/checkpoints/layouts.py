"""Networks that a checkpoint describes are compared with the tensors it holds before any memory is spent on them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks

from augsynth.errors import CheckpointError

Layout = Mapping[str, tuple[torch.dtype | str, tuple[int, ...]]]
"""Tensors by name, each with its dtype and shape."""

_MANY = 1000
_MUCH = 2**26


class _Excessive(CheckpointError):
    """Networks are larger by far than what is stored for them."""


def layout_of(tensors: Mapping[str, Tensor]) -> Layout:
    """The layout of tensors."""
    return {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()}


def require_claim(build: Callable[[], nn.Module], stored: Layout, size: int) -> None:
    """Raise `CheckpointError` unless `build` makes networks of the layout `stored`, of `size` bytes.

    They are built on torch's meta device, where a tensor takes no memory. A `build` that computes with its tensors
    cannot run there; it runs on the CPU, and ends when it has made far more than what is stored.
    """
    try:
        with _at_most(10 * len(stored) + _MANY, None), torch.device("meta"):
            built = build()
    except _Excessive:
        raise
    except Exception:
        with _at_most(10 * len(stored) + _MANY, 4 * size + _MUCH):
            built = build()
    require_layout(layout_of(built.state_dict()), stored)


def require_layout(built: Layout, stored: Layout) -> None:
    """Raise `CheckpointError` that names the first tensor of two layouts that differs."""
    for name in sorted(built.keys() ^ stored.keys()):
        where = "the file lacks" if name in built else "the networks lack"
        raise CheckpointError(f"{where} the tensor {name!r}")
    for name, (dtype, shape) in built.items():
        if stored[name] != (dtype, shape):
            raise CheckpointError(
                f"{name} is {_form(*stored[name])} in the file, {_form(dtype, shape)} in the networks"
            )


def _form(dtype: torch.dtype | str, shape: tuple[int, ...]) -> str:
    return f"{str(dtype).removeprefix('torch.')} {shape}"


@contextmanager
def _at_most(count: int, size: int | None) -> Iterator[None]:
    """Stop a block that gives its modules more than `count` tensors and submodules, or `size` bytes."""
    here, counted, spent = threading.get_ident(), 0, 0

    def note(module: nn.Module, name: str, part: Any) -> None:
        nonlocal counted, spent
        if threading.get_ident() != here:
            return
        counted += 1
        if isinstance(part, Tensor) and not nn.parameter.is_lazy(part):
            spent += part.numel() * part.element_size()
        if counted > count or (size is not None and spent > size):
            raise _Excessive("the networks that it describes are larger by far than what it holds")

    handles = [
        hooks.register_module_parameter_registration_hook(note),
        hooks.register_module_buffer_registration_hook(note),
        hooks.register_module_module_registration_hook(note),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
