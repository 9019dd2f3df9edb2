"""The CUDA executor, which demands of each step the bits of the native one."""

from __future__ import annotations

from typing import Any

import numpy as np

from augsynth.engine import CpuExecutor, CudaExecutor, as_array
from augsynth.plan import Barrier, Pass


class CudaBesideNative(CudaExecutor):
    """Steps on a device; the native executor starts each of them from the same images."""

    def run_pass(self, one: Pass, sources: Any, outputs: Any) -> Any:
        wanted, found = CpuExecutor().allocate(one.rows), self.allocate(one.rows)
        CpuExecutor().run_pass(one, [source.cpu().numpy() for source in sources], wanted)
        made = super().run_pass(one, sources, found)
        for mine, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(as_array(mine.cpu()), other)
        return made

    def run_whole_image(self, barrier: Barrier, sources: Any) -> Any:
        wanted = CpuExecutor().run_whole_image(barrier, [source.cpu().numpy() for source in sources])
        made = super().run_whole_image(barrier, sources)
        for mine, other in zip(made, wanted, strict=True):
            np.testing.assert_array_equal(mine.cpu().numpy(), other)
        return made
