"""`AugmentedDataset`: the keys, epochs and batches of a mix, for those who only augment."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar

from augsynth.data.mixing.mix import SyntheticMixDataset


class AugmentedDataset(SyntheticMixDataset):
    """Data set with a transform whose random choices depend on (seed, epoch, position) alone.

    It is a `SyntheticMixDataset` without synthetic items, and has the same epochs, fast batches, warnings and states;
    its samplers are `MixSampler` and `MixBatchSampler`. Workers, batches and the order of reading change nothing.

    Args:
        real: map-style dataset of `(image, label)`, of dicts (see `image_key`), or of images alone.
        transform: one of `augsynth.transforms`, which gets the key (seed, epoch, position) and also moves boxes, masks
            and keypoints; or a function of one image; or None.
        seed: signed 64-bit integer, default 0.
        passthrough: names of fields that stay as they are, where a target that would not move with its image is refused
            otherwise; "label" is the second half of a pair. Default none.
        image_key, label_key: keys of the image and the label in items that are dicts; default "image" and "label".

    >>> import numpy as np
    >>> from augsynth import transforms as T
    >>> data = AugmentedDataset([(np.zeros((4, 4, 3), np.uint8), 7)] * 3, T.RandomCrop(2))
    >>> data.set_epoch(1)
    >>> len(data), data[0][0].shape, data[0][1]
    (3, torch.Size([3, 2, 2]), 7)
    """

    _name: ClassVar[str] = "the data set"
    _takes_bare_images: ClassVar[bool] = True

    def __init__(
        self,
        real: Any,
        transform: Callable[..., Any] | None,
        *,
        seed: int = 0,
        passthrough: Collection[str] = (),
        image_key: str = "image",
        label_key: str = "label",
    ) -> None:
        super().__init__(
            real,
            None,
            ratio=0,
            transform=transform,
            seed=seed,
            passthrough=passthrough,
            image_key=image_key,
            label_key=label_key,
        )
