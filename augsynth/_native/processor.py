"""What a call runs on: instruction sets, threads and devices, and how the extensions were built."""

from __future__ import annotations

import os
from typing import Any

from augsynth._native.extensions import _cpu, cuda
from augsynth.errors import ArgumentError


def num_threads() -> int:
    """How many threads `run` uses by default.

    `AUGSYNTH_NUM_THREADS` where it is set, else torch's own setting, which is 1 in a DataLoader worker.
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
    """Use another of `isas()` from now on, in the whole process; `NativeError` where it is none of them.

    The environment variable `AUGSYNTH_ISA` does the same at import.
    """
    _cpu.set_isa(name)


def build_info() -> dict[str, Any]:
    """How the extension was built: version, compiler, C++ standard, flags (those of each ISA too), the CPU."""
    return _cpu.build_info()


def cuda_build_info() -> dict[str, Any]:
    """How the CUDA kernels were built: version, compiler, architectures; `NativeError` where they were not."""
    built: dict[str, Any] = cuda().build_info()
    return built


def cuda_devices() -> list[dict[str, Any]]:
    """The CUDA devices (name, capability, processors, bytes of memory); `NativeError`, saying why, where none is."""
    found: list[dict[str, Any]] = cuda().devices()
    return found


if os.environ.get("AUGSYNTH_ISA"):
    set_isa(os.environ["AUGSYNTH_ISA"])
