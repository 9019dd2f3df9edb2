"""Comparing the networks that a checkpoint describes with the tensors that it holds, before memory is spent on them."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.utils._python_dispatch import TorchDispatchMode

from augsynth.errors import CheckpointError

Layout = Mapping[str, tuple[torch.dtype | str, tuple[int, ...]]]
"""Dtypes and shapes of tensors, by name."""

_SPARE_PARTS = 1000
_SPARE_BYTES = 2**26
_EXCESSIVE = "the networks that it describes are far larger than what it holds"


class _Excessive(CheckpointError):
    """The networks are far larger than the tensors that are stored for them."""


class _SmallTensors(TorchDispatchMode):
    """Stop a block before it makes a tensor of a large size. (A module has made its tensors before it counts them.)"""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._most = most_bytes

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for size in args:
            sides = size if isinstance(size, (list, tuple)) else [size]
            if all(type(side) is int for side in sides) and math.prod(map(abs, sides)) > self._most:
                raise _Excessive(_EXCESSIVE)
        return function(*args, **(kwargs or {}))


def layout_of(tensors: Mapping[str, Tensor]) -> Layout:
    """Return the layout of tensors.

    Args:
        tensors: tensors by name.
    """
    return {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()}


def require_claim(build: Callable[[], nn.Module], stored: Layout, size: int) -> None:
    """Raise `CheckpointError` unless the networks have the tensors that are stored.

    The networks are built on torch's meta device, where a tensor takes no memory. A `build` that computes with its
    tensors cannot run there. It runs on the CPU, and is stopped when it has made far more than is stored.

    Args:
        build: function that makes the networks.
        stored: layout of the stored tensors.
        size: size of the stored tensors, in bytes.
    """
    try:
        with _limited(10 * len(stored) + _SPARE_PARTS, None), torch.device("meta"):
            built = build()
    except _Excessive:
        raise
    except Exception:
        most_bytes = 4 * size + _SPARE_BYTES
        with _limited(10 * len(stored) + _SPARE_PARTS, most_bytes), _SmallTensors(most_bytes):
            built = build()
    require_layout(layout_of(built.state_dict()), stored)


def require_layout(built: Layout, stored: Layout) -> None:
    """Raise `CheckpointError`, with the name of the first different tensor, unless two layouts are equal.

    Args:
        built: layout of the networks.
        stored: layout of the stored tensors.
    """
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
def _limited(count: int, size: int | None) -> Iterator[None]:
    """Stop a block that gives its modules more than `count` tensors and submodules, or more than `size` bytes."""
    here, counted, spent = threading.get_ident(), 0, 0

    def note(module: nn.Module, name: str, part: Any) -> None:
        nonlocal counted, spent
        if threading.get_ident() != here:
            return
        counted += 1
        if isinstance(part, Tensor) and not nn.parameter.is_lazy(part):
            spent += part.numel() * part.element_size()
        if counted > count or (size is not None and spent > size):
            raise _Excessive(_EXCESSIVE)

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
