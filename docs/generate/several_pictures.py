"""Pictures of the transforms that make an image of several, for `docs/gallery.md`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from augsynth import transforms as T
from augsynth.evaluate.before_after import side_by_side, with_targets
from augsynth.evaluate.figures import displayable, png
from augsynth.evaluate.scene import scene

TIGHT = T.Compose([T.RandomHorizontalFlip(), T.RandomRotation(20, expand=True)], tight_boxes="masks")
SEVERAL: dict[str, tuple[str, Callable[..., Any]]] = {
    "Mosaic": ("T.Mosaic(size=[72, 96])", T.Mosaic((72, 96)).batch),
    "CopyPaste": (
        "T.CopyPaste(transform=T.Compose([T.RandomHorizontalFlip(), T.RandomRotation(20, expand=True)]))",
        T.CopyPaste(transform=TIGHT).batch,
    ),
    "CutMix": ("T.CutMix(num_classes=10)", T.CutMix(10)),
    "MixUp": ("T.MixUp(num_classes=10)", T.MixUp(10)),
}


def several_pictures(height: int, width: int) -> Iterator[tuple[str, bytes]]:
    """The name of each transform, and a picture of an image and two draws with its partners, as a PNG."""
    image, target = scene(height, width)
    images = [np.ascontiguousarray(colours) for colours in (image, image[..., ::-1], image[..., [1, 2, 0]])]
    for name, (_, transform) in SEVERAL.items():
        cells = [with_targets(image, target)]
        for epoch in range(2):
            keys = [(2, epoch, index) for index in range(len(images))]
            made, joined = _made(transform, images, [target] * len(images), keys)
            cells.append(with_targets(displayable(made[:1])[0][0], joined[0]))
        yield name, png(side_by_side(cells, 4))


def _made(transform: Callable[..., Any], images: Any, targets: Any, keys: Any) -> tuple[torch.Tensor, Any]:
    if isinstance(transform, (T.CutMix, T.MixUp)):
        batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        made, _, joined = transform(batch, targets=targets, keys=keys)
        return made, joined
    made, joined = transform(images, targets, keys=keys)
    return made, joined
