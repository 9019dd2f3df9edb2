"""The measurement of one case: augsynth's whole call, its launch alone, and the peers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from augsynth import _native
from augsynth.device.passes import places
from augsynth.execute import batch_output
from augsynth.plan import Plan
from harness.gpu.cases import GpuCase, bytes_moved
from harness.gpu.contenders import Run, keys_of, ours, peers, pipeline
from harness.gpu.timing import milliseconds

REPEATS = 50
PEER_REPEATS = 10


@dataclass
class GpuRow:
    """Milliseconds a batch: of the whole call, of the launch by itself, and of the peers; and the bytes moved."""

    case: str
    batch: int
    call: float
    launch: float
    bytes: int
    aim: float | None = None
    peers: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_case(case: GpuCase, device: torch.device) -> GpuRow:
    """Everything about one case. A peer that fails is left out, with its reason."""
    images = case.images(device)
    plan = pipeline(case).plan([(case.side, case.side, 3)] * case.batch, keys_of(case))
    output = batch_output(plan, None, device=device)
    launch = milliseconds(launch_alone(plan, images, output), REPEATS)
    call = milliseconds(ours(case, images), REPEATS)
    row = GpuRow(case.name, case.batch, call, launch, bytes_moved(plan, output), case.aim)
    runs, row.missing = peers(case, images)
    for name, run in runs.items():
        try:
            row.peers[name] = milliseconds(run, PEER_REPEATS)
        except Exception as reason:
            row.missing[name] = str(reason).strip().splitlines()[-1]
    return row


def launch_alone(plan: Plan, images: torch.Tensor, output: torch.Tensor) -> Run:
    """The device's part of a plan of one pass: what was laid out and copied over before is run again and again."""
    (one,) = plan.passes
    launch = _native.launch(one.rows, places(images.permute(0, 2, 3, 1)), places(output), tables=one.tables)
    staging = torch.empty(launch.copied, dtype=torch.uint8)
    memory = torch.empty(launch.copied + launch.scratch, dtype=torch.uint8, device=images.device)
    launch.write(staging.data_ptr(), memory.data_ptr())
    memory[: launch.copied].copy_(staging)
    stream = torch.cuda.current_stream(images.device).cuda_stream
    kept = (memory, images, output)

    def run() -> Any:
        launch.run(memory.get_device(), stream)
        return kept

    return run
