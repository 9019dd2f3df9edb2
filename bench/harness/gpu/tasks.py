"""Tasks of the processes of a GPU run: `python -m harness.gpu.tasks DEVICE TASK NAME...`, an answer for each name.

Tasks: `device` tells what there is and how fast it copies, `parity` compares a pipeline with the CPU, `augsynth` or the
name of another library measures a case.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from augsynth import _native
from augsynth.engine import checked_device, numbered
from harness import machine
from harness.gpu import contenders, parity
from harness.gpu.cases import CASES
from harness.gpu.children import answer_for
from harness.gpu.measure import measure_ours
from harness.gpu.timing import copy_bandwidth, milliseconds
from harness.peers.base import Unsupported

OURS = "augsynth"


def describe(device: torch.device) -> dict[str, Any]:
    """Return the device, the versions, and the bandwidth of a copy."""
    found = _native.cuda_devices()[device.index or 0] if device.type == "cuda" else {"name": machine.processor()}
    return {
        "device": found,
        "build": _native.cuda_build_info(),
        "versions": contenders.versions(),
        "torch_cuda": torch.version.cuda,
        "copy_bandwidth": copy_bandwidth(device),
    }


def measure_peer(name: str, case_name: str, device: torch.device) -> dict[str, Any]:
    """A library's milliseconds a batch and what it does differently, or why it cannot do the case."""
    case = CASES[case_name]
    try:
        run = contenders.CONTENDERS[name].make(case.ops, case.images(device))
    except Unsupported as reason:
        return {"missing": str(reason)}
    time = milliseconds(run, contenders.PEER_REPEATS, device)
    return {"milliseconds": time, "notes": contenders.remarks(name, case.ops, case.side, device)}


def work_of(task: str, device: torch.device) -> Callable[[str], Any]:
    """Return the function of a task for one name."""
    if task == "device":
        return lambda name: describe(device)
    if task == "parity":
        return lambda name: [asdict(result) for result in parity.compare(name, device)]
    if task == OURS:
        return lambda name: asdict(measure_ours(CASES[name], device))
    return lambda name: measure_peer(task, name, device)


def main(device: str, task: str, *names: str) -> None:
    answer_for(names, work_of(task, numbered(checked_device(device))))


if __name__ == "__main__":
    main(*sys.argv[1:])
