"""Execution of a barrier on a device: in torch's operations if it has them, else on the CPU and back."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from augsynth.engine import whole_images as on_cpu
from augsynth.errors import PlanError
from augsynth.plan import Barrier
from augsynth.whole_image import OPERATIONS


def operate(barrier: Barrier, images: Sequence[torch.Tensor] | torch.Tensor) -> list[torch.Tensor]:
    """Return the images after a barrier; unchanged images are returned as they are.

    For an operation without a torch function (a function of the user's, filling from the surroundings, single values of
    float images), the images are copied to the CPU. This waits for the device.

    Args:
        barrier: the operation, and the samples that it changes.
        images: n images (H, W, C) on the device.
    """
    return [
        _changed(barrier, image, number) if barrier.active[number] else image for number, image in enumerate(images)
    ]


def _changed(barrier: Barrier, image: torch.Tensor, number: int) -> torch.Tensor:
    described = OPERATIONS.get(barrier.operation) if barrier.function is None else None
    if described is not None and described.torch_function is not None:
        try:
            return described.torch_function(image, **barrier.arguments(number))
        except (TypeError, RuntimeError) as error:  # a stored plan can say anything
            raise PlanError(f"the plan says of {barrier.operation} what it cannot do: {error}") from error
    (changed,) = on_cpu.operate(barrier[number : number + 1], [image.cpu().numpy()])
    return torch.from_numpy(changed.copy()).to(image.device)
