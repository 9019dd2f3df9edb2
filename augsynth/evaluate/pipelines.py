"""Pipelines of experiments and previews: a careful default, one without augmentation, and one from a JSON file."""

from __future__ import annotations

from pathlib import Path

from augsynth import transforms as T
from augsynth.core.json import read_json
from augsynth.errors import ArgumentError, DataError


def plain_pipeline() -> T.Compose:
    """Return the pipeline without augmentation: uint8 to float32 in [0, 1]."""
    return T.Compose([T.ToDtype("float32", scale=True)])


def default_pipeline(channels: int) -> T.Compose:
    """Return a pipeline of small shifts, rotations and scalings with a little noise; float32 in [0, 1].

    Half of the colour images are also mirrored. This suits photographs, but not images in which left and right differ,
    such as text. For these, write your own pipeline; `json.dumps(pipeline.to_dict())` makes a file to start from.

    Args:
        channels: number of channels of the images, at least 1.
    """
    flips = [T.RandomHorizontalFlip()] if channels >= 3 else []
    return T.Compose(
        [
            *flips,
            T.RandomAffine(degrees=10, translate=(0.08, 0.08), scale=(0.9, 1.1), border="replicate"),
            T.GaussianNoise(sigma=(0.0, 0.05)),
            T.ToDtype("float32", scale=True),
        ]
    )


def read_pipeline(path: str | Path) -> T.Compose:
    """Read a pipeline from a JSON file of `pipeline.to_dict()`; raise `DataError` or `ArgumentError` for other content.

    Args:
        path: path of the file.
    """
    path = Path(path)
    try:
        description = read_json(path)
    except OSError as error:
        raise DataError(f"cannot read the pipeline {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path.name} is no JSON: {error}") from error
    try:
        return T.Compose([T.from_dict(description)])
    except ArgumentError as error:
        raise ArgumentError(f"{path.name}: {error}") from error
