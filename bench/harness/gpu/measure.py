"""Measurement of augsynth in one case: the whole call, and its launch alone.

`cd bench && python -m harness.gpu.measure PATTERN` only launches the kernels of the cases that match, for profilers.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

import torch

from augsynth import _native
from augsynth.engine import batch_output, checked_device, numbered
from augsynth.engine.cuda.passes import aligned, descriptors
from augsynth.plan import Plan
from harness.gpu.cases import CASES, GpuCase, bytes_moved
from harness.gpu.contenders import ours, pipeline
from harness.gpu.timing import WARM_UP, Run, milliseconds
from harness.peers.ours import keys_of

REPEATS = 50


@dataclass(frozen=True)
class Ours:
    """Milliseconds a batch, of the whole call and of the launch by itself, and the bytes that a launch moves."""

    call: float
    launch: float
    bytes: int


def measure_ours(case: GpuCase, device: torch.device) -> Ours:
    """augsynth in one case."""
    images = case.images(device)
    plan = plan_of(case)
    output = batch_output(plan, None, device=device)
    launch = milliseconds(launch_alone(plan, images, output), REPEATS, device)
    call = milliseconds(ours(case.ops, images), REPEATS, device)
    return Ours(call, launch, bytes_moved(plan, output))


def plan_of(case: GpuCase) -> Plan:
    """Return the output of its images."""
    return pipeline(case.ops).plan([(case.side, case.side, 3)] * case.batch, keys_of(range(case.batch)))


def launch_alone(plan: Plan, images: torch.Tensor, output: torch.Tensor) -> Run:
    """Return the work of the device for a plan of one pass: a launch that was laid out and copied before runs again.

    On the CPU, the same steps thread by thread.
    """
    (step,) = plan.passes
    launch = _native.launch(step.rows, descriptors(images.permute(0, 2, 3, 1)), descriptors(output), tables=step.tables)
    staging = torch.empty(launch.copied, dtype=torch.uint8)
    memory = aligned(launch.copied + launch.scratch, images.device)
    launch.write(staging.data_ptr(), memory.data_ptr())
    memory[: launch.copied].copy_(staging)
    kept = (memory, images, output)
    if images.device.type == "cpu":
        return lambda: (launch.run_on_host(), kept)
    stream = torch.cuda.current_stream(images.device).cuda_stream
    return lambda: (launch.run(memory.get_device(), stream), kept)


def main(pattern: str) -> None:
    """Launch, and nothing else."""
    device = numbered(checked_device("cuda"))
    for case in [case for name, case in CASES.items() if re.search(pattern, name)]:
        plan = plan_of(case)
        run = launch_alone(plan, case.images(device), batch_output(plan, None, device=device))
        for _ in range(WARM_UP + 1):
            run()
        torch.cuda.synchronize(device)
        print(case.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
