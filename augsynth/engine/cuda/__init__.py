"""Execution of plans on a CUDA device."""

from __future__ import annotations

from augsynth.engine.cuda.executor import CudaExecutor

__all__ = ["CudaExecutor"]
