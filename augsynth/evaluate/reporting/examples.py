"""Examples for reports: images of each class, and samples beside the training images that are nearest to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from augsynth.copies import likely_nearest
from augsynth.core.typing import Bytes, Ints
from augsynth.evaluate.inputs import ImageSet
from augsynth.evaluate.reporting.pictures import Picture

ROWS, COLUMNS = 4, 10
_SHOWN, _NEIGHBOURS = 8, 3
_MOST = 5000
"""Images on each side among which neighbours are looked for."""


def by_class(name: str, title: str, hint: str, images: ImageSet, class_names: Sequence[str] = ()) -> Picture:
    """Return a picture of the first images of each class, in a column each, of at most ten classes.

    Args:
        name: name of the file of the picture.
        title: heading.
        hint: what is shown, in a sentence.
        images: the images; without two classes, the first ones are shown.
        class_names: name of each class; by default its number.
    """
    rows, labels = rows_by_class(images)
    shown = np.moveaxis(images.images[torch.from_numpy(rows)].numpy(), 1, -1)
    named = [class_names[label] if label < len(class_names) else str(label) for label in labels]
    return Picture(name, title, hint, shown, tuple(named) if labels else ("",) * min(COLUMNS, len(rows)))


def rows_by_class(images: ImageSet) -> tuple[Ints, list[int]]:
    """Return the positions of the images that are shown, row by row, and the class of each column.

    Args:
        images: the images.
    """
    if images.labels is None or not images.has_classes:
        columns = min(COLUMNS, len(images))
        return np.arange(columns * min(ROWS, len(images) // columns)), []
    labels = np.unique(images.labels)[:COLUMNS].tolist()
    members = [np.flatnonzero(images.labels == label) for label in labels]
    rows = min(ROWS, *(len(found) for found in members))
    return np.array([found[row] for row in range(rows) for found in members], np.int64), labels


def nearest_picture(samples: Tensor, training: Tensor) -> Picture:
    """Return a picture of the samples that are nearest to a training image, above these images.

    Args:
        samples: generated images, uint8 (n, C, H, W), of which at most 5,000 are compared.
        training: training images of the same shape, uint8 (m, C, H, W), of which at most 5,000 are compared.
    """
    samples, training = _thinned(samples), _thinned(training)
    found = likely_nearest(samples, training, min(_NEIGHBOURS, len(training)))
    order = found.distances[:, 0].argsort(stable=True)[:_SHOWN]
    near = [training[found.indices[order, k].clamp(min=0)] for k in range(found.indices.shape[1])]
    sheet: Bytes = np.moveaxis(torch.cat([samples[order], *near]).numpy(), 1, -1)
    ranks = ("nearest", "second", "third")[: len(near)]
    return Picture(
        "nearest",
        "Nearest training images",
        "The samples that are nearest to a training image, with its distance from 0 (equal but for small shifts, "
        "mirroring and brightness) to 2. Below them are their nearest training images.",
        sheet,
        tuple(f"{distance:.2f}" for distance in found.distances[order, 0].tolist()),
        ("sample", *ranks),
    )


def _thinned(images: Tensor) -> Tensor:
    return images[:: -(-len(images) // _MOST)]
