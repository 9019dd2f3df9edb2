"""Items of a pool as they are exported: a name, a picture, a label and a target."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from augsynth.core.typing import Array
from augsynth.errors import DataError
from augsynth.generators.targets import NAMES
from augsynth.progress import Advance

if TYPE_CHECKING:
    from PIL.Image import Image

_LARGEST_LEVEL = 2**16 - 1


class ExportablePool(Protocol):
    """Interface of a pool that exports need."""

    @property
    def image_shape(self) -> tuple[int, int, int]: ...
    @property
    def labels(self) -> npt.NDArray[np.int64] | None: ...
    @property
    def target_fields(self) -> Sequence[Any]: ...
    def largest_label(self) -> int: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Any: ...


@dataclass(frozen=True)
class Exported:
    """Item to be written.

    Args:
        name: name that sorts in the order of the items.
        image: the picture.
        label: its class, or None.
        target: arrays by field; none without targets.
    """

    name: str
    image: Image
    label: int | None
    target: dict[str, Array]


def exported_items(pool: ExportablePool, advance: Advance) -> Iterator[Exported]:
    """Yield all items; one is in memory at a time.

    Args:
        pool: the pool.
        advance: function that is called after each item.
    """
    pillow = require_pillow()
    width = max(6, len(str(len(pool) - 1)))
    for index in range(len(pool)):
        item = pool[index]
        fields = item if isinstance(item, dict) else _fields(item)
        pixels = fields["image"].permute(1, 2, 0).numpy()
        image = pillow.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        target = {name: fields[name].numpy() for name in NAMES if name in fields}
        yield Exported(f"{index:0{width}d}", image, fields.get("label"), target)
        advance()


def require_pillow() -> Any:
    """Return the module PIL.Image; raise `DataError` if Pillow is not installed."""
    try:
        from PIL import Image
    except ImportError as cause:
        raise DataError('exporting needs Pillow: pip install "augsynth[demo]"') from cause
    return Image


def png(image: Image) -> bytes:
    """Return a picture as a PNG file.

    Args:
        image: the picture.
    """
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return stream.getvalue()


def mask_png(mask: Array, name: str) -> bytes:
    """Return a mask as a PNG file: 0 and 255 for a mask of an object, else the classes as levels of 8 or 16 bits.

    Args:
        mask: (H, W), bool or an integer dtype.
        name: name of the item, for messages.
    """
    if mask.dtype == np.bool_:
        return png(require_pillow().fromarray(mask.astype(np.uint8) * 255))
    if mask.max() > _LARGEST_LEVEL:
        raise DataError(f"the masks of item {name} reach {mask.max()}, and a PNG file holds at most {_LARGEST_LEVEL}")
    return png(require_pillow().fromarray(mask if mask.dtype == np.uint8 else mask.astype(np.uint16)))


def _fields(item: torch.Tensor | tuple[torch.Tensor, int]) -> dict[str, Any]:
    return {"image": item[0], "label": item[1]} if isinstance(item, tuple) else {"image": item}
