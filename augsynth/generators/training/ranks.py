"""Several processes that fit one generator together: each takes its rows of every batch.

`torchrun` starts them and sets WORLD_SIZE. accelerate joins them, with NCCL on GPUs and gloo on CPUs. They begin with
equal weights, average their gradients before every step of an optimiser, and so keep equal weights. Buffers, such as
the means of a batch normalisation, are those of the first process.
"""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed
from torch.optim import Optimizer

from augsynth.errors import ArgumentError, PluginError

_CPU = torch.device("cpu")


def _leave() -> None:
    """Leave the group of processes. A process whose threads for it still run at its end may be aborted."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


@dataclass(frozen=True)
class Ranks:
    """The processes of a fit, seen from one of them.

    Args:
        rank: number of this process; 0 (default) is the first, which writes checkpoints and shows progress.
        count: number of processes, at least 1; default 1.
        device: device of this process; default the CPU.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = _CPU

    @classmethod
    def joined(cls, device: torch.device, batch_size: int) -> Ranks:
        """Join the processes that `torchrun` has started; without it, there is one.

        Args:
            device: device that `fit` was asked for. "cuda" becomes the GPU of this process.
            batch_size: images of a training step, of all processes together.
        """
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls(device=device)
        if batch_size % count:
            raise ArgumentError(
                f"batch_size is {batch_size}, and {count} processes share every batch: give a multiple of {count}"
            )
        ours = not distributed.is_initialized()
        state = _partial_state()(cpu=device.type == "cpu")
        if ours:
            atexit.register(_leave)
        own = state.device if device.index is None and device.type == "cuda" else device
        return cls(state.process_index, state.num_processes, own)

    @property
    def first(self) -> bool:
        """True in the process that writes checkpoints and shows progress."""
        return self.rank == 0

    def rows(self, whole: Tensor) -> Tensor:
        """Return the rows of this process.

        Args:
            whole: rows of all processes, whose number is a multiple of `count`.
        """
        size = len(whole) // self.count
        return whole[self.rank * size : (self.rank + 1) * size]

    @torch.no_grad()
    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their means over all processes.

        Args:
            tensors: floating-point tensors, of the same shapes in all processes.
        """
        if self.count > 1 and tensors:
            flat = torch.cat([tensor.to(self.device).flatten() for tensor in tensors])
            distributed.all_reduce(flat)
            parts = torch.split(flat.div_(self.count), [tensor.numel() for tensor in tensors])
            for tensor, part in zip(tensors, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    @torch.no_grad()
    def copy_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by those of the first process.

        Args:
            tensors: tensors of the same shapes in all processes.
        """
        if self.count > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, 0)

    def any(self, flag: bool) -> bool:
        """Return True in all processes if the flag of one is True.

        Args:
            flag: the flag of this process.
        """
        if self.count == 1:
            return flag
        both = torch.tensor([float(flag)], device=self.device)
        distributed.all_reduce(both, distributed.ReduceOp.MAX)
        return bool(both.item() > 0)

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.any(False)

    def require_equal(self, what: str, values: Mapping[str, Tensor], error: type[Exception]) -> None:
        """Raise an error in all processes if a value is not the same in all of them.

        Args:
            what: name of the values, for the message.
            values: tensors by name.
            error: class of the error.
        """
        if self.count == 1:
            return
        sums = torch.stack([value.detach().double().sum().to(self.device) for value in values.values()])
        highest, lowest = sums.clone(), sums.clone()
        distributed.all_reduce(highest, distributed.ReduceOp.MAX)
        distributed.all_reduce(lowest, distributed.ReduceOp.MIN)
        differing = [name for name, differs in zip(values, (highest != lowest).tolist(), strict=True) if differs]
        if differing:
            raise error(f"{what} differ between the {self.count} processes of the fit: {', '.join(differing[:5])}")

    def share_gradients(self, optimizers: Iterable[Optimizer]) -> None:
        """Average the gradients of optimisers over all processes, before each of their steps.

        Args:
            optimizers: the optimisers.
        """
        if self.count > 1:
            for optimizer in optimizers:
                _SHARED[optimizer] = _SharedGradients(self, optimizer)


ALONE = Ranks()
"""The one process of a fit without others."""


class _SharedGradients:
    """The averaging of an optimiser's gradients, once before each of its steps."""

    def __init__(self, ranks: Ranks, optimizer: Optimizer) -> None:
        self._ranks, self._averaged = ranks, False
        optimizer.register_step_pre_hook(self._before_step)

    def average(self, optimizer: Optimizer) -> None:
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        # A parameter without a gradient here may have one in another process.
        present = torch.tensor([float(p.grad is not None) for p in parameters], device=self._ranks.device)
        self._ranks.average([present, *gradients])
        if any(p.grad is None for p in parameters):
            for parameter, gradient, share in zip(parameters, gradients, present.tolist(), strict=True):
                parameter.grad = gradient if share > 0 else None
        self._averaged = True

    def _before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if not self._averaged:
            self.average(optimizer)
        self._averaged = False


_SHARED: weakref.WeakKeyDictionary[Optimizer, _SharedGradients] = weakref.WeakKeyDictionary()


def average_gradients(optimizer: Optimizer) -> None:
    """Average the gradients of an optimiser over the processes of its fit. It does nothing in a single process.

    Args:
        optimizer: the optimiser, whose gradients are complete.
    """
    shared = _SHARED.get(optimizer)
    if shared is not None:
        shared.average(optimizer)


def _partial_state() -> Any:
    try:
        from accelerate import PartialState
    except ImportError as cause:
        raise PluginError(
            'a fit in several processes (WORLD_SIZE is set) needs accelerate: pip install "augsynth[distributed]"'
        ) from cause
    return PartialState
