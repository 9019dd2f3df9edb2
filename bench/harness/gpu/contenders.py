"""Who is measured on a GPU: augsynth, and the libraries that are installed, each by its own transforms."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch

from augsynth import transforms as T
from harness.gpu.cases import GpuCase
from harness.peers.base import translate
from harness.peers.ours import STEPS

Run = Callable[[], Any]

NOT_WRITTEN = {"CV-CUDA": ("cvcuda", "installed, but no pipeline of it is written here")}


def pipeline(case: GpuCase) -> T.Compose:
    """The case in augsynth's transforms."""
    return T.Compose(translate(case.ops, STEPS))


def keys_of(case: GpuCase) -> Any:
    """One key an image."""
    return [(0, 0, number) for number in range(case.batch)]


def ours(case: GpuCase, images: torch.Tensor) -> Run:
    """One call: plan, launch and all."""
    t, keys = pipeline(case), keys_of(case)
    return lambda: t.batch(images, keys=keys)


def peers(case: GpuCase, images: torch.Tensor) -> tuple[dict[str, Run], dict[str, str]]:
    """The libraries that can do the case, and why the others cannot."""
    found: dict[str, Run] = {}
    missing: dict[str, str] = {}
    for name, make in (
        ("torchvision", _torchvision),
        ("torchvision, one draw a batch", _torchvision_batch),
        ("kornia", _kornia),
        ("DALI", _dali),
    ):
        try:
            found[name] = make(case, images)
        except Exception as reason:
            missing[name] = (str(reason).strip() or type(reason).__name__).splitlines()[0]
    for name, (module, remark) in NOT_WRITTEN.items():
        missing[name] = remark if _is_installed(module) else "not installed"
    return found, missing


def _torchvision(case: GpuCase, images: torch.Tensor) -> Run:
    """Image by image, as its users do who want every image to be drawn by itself."""
    transform = import_module("harness.peers.torchvision_v2").PEER().transform(case.ops)
    return lambda: torch.stack([transform(image) for image in images])


def _torchvision_batch(case: GpuCase, images: torch.Tensor) -> Run:
    transform = import_module("harness.peers.torchvision_v2").PEER().transform(case.ops)
    return lambda: transform(images)


def _kornia(case: GpuCase, images: torch.Tensor) -> Run:
    transform = import_module("harness.peers.kornia_batched").PEER().transform(case.ops)
    return lambda: transform(images)


def _dali(case: GpuCase, images: torch.Tensor) -> Run:
    """It works on a stream of its own, and its `run` returns when the batch is there."""
    build_pipeline = import_module("harness.peers.dali_cpu").build_pipeline
    pipeline = build_pipeline(case.ops, case.batch, images.get_device())
    source = images.permute(0, 2, 3, 1).contiguous()

    def run() -> Any:
        pipeline.feed_input("images", source)
        return pipeline.run()

    return run


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
