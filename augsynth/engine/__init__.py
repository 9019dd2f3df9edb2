"""Execution of plans: one loop over the steps, and the executors that run them.

`augsynth.engine.reference` is the executor that the others are tested against.
"""

from __future__ import annotations

from augsynth.engine.autograd import AutogradExecutor, recorded_batch, run_recorded
from augsynth.engine.batches import batch_output, executor_for, run_batch
from augsynth.engine.compositions import run_composition
from augsynth.engine.cpu import CpuExecutor, as_array
from augsynth.engine.cuda import CudaExecutor
from augsynth.engine.devices import checked_device, numbered
from augsynth.engine.executor import Executor, run
from augsynth.engine.transfer import Packed, moved

__all__ = [
    "AutogradExecutor",
    "CpuExecutor",
    "CudaExecutor",
    "Executor",
    "Packed",
    "as_array",
    "batch_output",
    "checked_device",
    "executor_for",
    "moved",
    "numbered",
    "recorded_batch",
    "run",
    "run_batch",
    "run_composition",
    "run_recorded",
]
