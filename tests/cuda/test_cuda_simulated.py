"""What a device would run, run on the CPU: the same layout in memory, the same steps, the same code of each thread."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings

from augsynth import _native
from augsynth.device.operate import operate
from augsynth.device.passes import run_pass
from augsynth.execute import allocate
from augsynth.images import TORCH_DTYPES
from augsynth.layout import DType
from augsynth.operate import operate as operate_on_cpu
from augsynth.plan import Barrier
from augsynth.testing import strategies as aug


@settings(max_examples=max(300, settings().max_examples))
@given(case=aug.cases())
def test_any_pipeline(case: aug.Case) -> None:
    source = case.image
    for step in case.plan.steps:
        if isinstance(step, Barrier):
            after = operate_on_cpu(step, [source])[0]
            (there,) = operate(step, [torch.from_numpy(source.copy())])
            np.testing.assert_array_equal(there.numpy(), after)
            source = after
            continue
        expected = allocate(step.rows)[0]
        _native.run(step.rows, [source], [expected], tables=step.tables)
        actual = torch.empty(expected.shape, dtype=TORCH_DTYPES[DType(int(step.rows["output_dtype"][0]))])
        run_pass(
            step,
            [torch.from_numpy(source.copy()).as_strided(source.shape, torch.from_numpy(source.copy()).stride())],
            [actual],
        )
        np.testing.assert_array_equal(
            actual.view(torch.uint16).numpy() if actual.dtype == torch.bfloat16 else actual.numpy(), expected
        )
        source = expected.transpose(1, 2, 0)
