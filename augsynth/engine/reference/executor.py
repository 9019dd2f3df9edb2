"""Execution of plans by the reference, over NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augsynth.core.typing import Images
from augsynth.engine.cpu import CpuExecutor
from augsynth.engine.reference.passes import run
from augsynth.plan import Pass


@dataclass(frozen=True)
class ReferenceExecutor(CpuExecutor):
    """Executor with the reference's passes instead of the native passes; the rest is `CpuExecutor`."""

    def run_pass(self, step: Pass, sources: Images, outputs: Images) -> Images:
        run(step.rows, sources, outputs, tables=step.tables)
        return [np.moveaxis(image, 0, -1) for image in outputs]
