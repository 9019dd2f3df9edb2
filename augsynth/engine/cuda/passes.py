"""One native pass over tensors of a device: copying its rows, describing the tensors, and the launch.

Tensors of the CPU are processed by the same code on the calling thread, which is slow and meant for tests.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from augsynth import _native
from augsynth.core.images import TORCH_DTYPES
from augsynth.core.typing import Ints
from augsynth.plan import Pass

Tensors = Sequence[torch.Tensor] | torch.Tensor

_ALIGNMENT = 256
_KINDS = {kind: int(number) for number, kind in TORCH_DTYPES.items()}


def run_pass(step: Pass, sources: Tensors, outputs: Tensors) -> None:
    """Run a pass on the current stream of the device, without waiting.

    Args:
        step: the pass.
        sources: n images (H, W, C), or one tensor with n as its first axis.
        outputs: memory for the images (C, H, W), in the same form.
    """
    device = outputs[0].device
    launch = _native.launch(step.rows, descriptors(sources), descriptors(outputs), tables=step.tables)
    staging = torch.empty(launch.copied, dtype=torch.uint8, device="cpu", pin_memory=device.type == "cuda")
    memory = aligned(launch.copied + launch.scratch, device)
    launch.write(staging.data_ptr(), memory.data_ptr())
    # torch keeps what is pinned until the copy is done, and the device's memory for what is later on this stream.
    memory[: launch.copied].copy_(staging, non_blocking=True)
    if device.type == "cuda":
        launch.run(memory.get_device(), torch.cuda.current_stream(device).cuda_stream)
    else:
        launch.run_on_host()


def descriptors(images: Tensors) -> Ints:
    """Return the descriptors (n, 8) of images: address, shape, strides in bytes, and dtype.

    Args:
        images: n tensors, or one tensor with n as its first axis.

    >>> descriptors(torch.zeros(2, 4, 6, 3, dtype=torch.uint8))[:, 1:].tolist()
    [[4, 6, 3, 18, 3, 1, 0], [4, 6, 3, 18, 3, 1, 0]]
    """
    if isinstance(images, torch.Tensor):
        item = images.element_size()
        found = np.empty((len(images), 8), np.int64)
        found[:, 0] = images.data_ptr() + np.arange(len(images)) * (images.stride(0) * item)
        found[:, 1:] = _described(images[0]) if len(images) else 0
        return found
    return np.array([[image.data_ptr(), *_described(image)] for image in images], np.int64).reshape(-1, 8)


def _described(image: torch.Tensor) -> list[int]:
    item = image.element_size()
    return [*image.shape, *(step * item for step in image.stride()), _KINDS[image.dtype]]


def aligned(size: int, device: torch.device) -> torch.Tensor:
    """Return uninitialised memory of `size` bytes at an address that a launch accepts.

    Args:
        size: bytes.
        device: device of the memory.
    """
    memory = torch.empty(size + _ALIGNMENT, dtype=torch.uint8, device=device)
    return memory[-memory.data_ptr() % _ALIGNMENT :]
