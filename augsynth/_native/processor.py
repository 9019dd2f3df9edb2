"""Instruction sets, threads and devices, and the build of the extensions."""

from __future__ import annotations

import os
from typing import Any

from augsynth._native.extensions import _cpu, cuda
from augsynth.errors import ArgumentError


def num_threads() -> int:
    """Return the number of threads that `run` uses by default.

    It is `AUGSYNTH_NUM_THREADS` if that is set, and otherwise torch's own setting, which is 1 in a DataLoader worker.
    """
    value = os.environ.get("AUGSYNTH_NUM_THREADS")
    if value:
        if not value.isdecimal() or int(value) < 1:
            raise ArgumentError(f"AUGSYNTH_NUM_THREADS is {value!r}, expected a whole number of at least 1")
        return int(value)
    import torch

    return torch.get_num_threads()


def isas() -> list[str]:
    """The instruction sets that this build and this CPU can run, the best first."""
    return _cpu.isas()


def isa() -> str:
    """The instruction set that `run` uses."""
    return _cpu.isa()


def set_isa(name: str) -> None:
    """Use another instruction set from now on, in the whole process.

    The environment variable `AUGSYNTH_ISA` does the same at import.

    Args:
        name: one of `isas()`; `NativeError` for any other.
    """
    _cpu.set_isa(name)


def build_info() -> dict[str, Any]:
    """Return the version, compiler, C++ standard, flags (also those of each ISA) and CPU of the build."""
    return _cpu.build_info()


def cuda_build_info() -> dict[str, Any]:
    """Return the version, compiler and architectures of the CUDA kernels; `NativeError` if they were not built."""
    built: dict[str, Any] = cuda().build_info()
    return built


def cuda_devices() -> list[dict[str, Any]]:
    """Return the CUDA devices (name, capability, processors, bytes of memory); `NativeError` if there is none."""
    found: list[dict[str, Any]] = cuda().devices()
    return found


if os.environ.get("AUGSYNTH_ISA"):
    set_isa(os.environ["AUGSYNTH_ISA"])
