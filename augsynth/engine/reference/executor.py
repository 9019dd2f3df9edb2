"""Running plans by the reference, over NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augsynth.core.typing import Images
from augsynth.engine.cpu import CpuExecutor
from augsynth.engine.reference.passes import run
from augsynth.plan import Pass


@dataclass(frozen=True)
class ReferenceExecutor(CpuExecutor):
    """The reference's passes in the place of the native ones; all else is as in `CpuExecutor`."""

    def run_pass(self, one: Pass, sources: Images, outputs: Images) -> Images:
        run(one.rows, sources, outputs, tables=one.tables)
        return [np.moveaxis(image, 0, -1) for image in outputs]
