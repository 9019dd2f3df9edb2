"""The pipelines that experiments and previews use: a careful default, the plain one, and one from a JSON file."""

from __future__ import annotations

from pathlib import Path

from augsynth import transforms as T
from augsynth.core.json import read_json
from augsynth.errors import ArgumentError, DataError


def plain_pipeline() -> T.Compose:
    """uint8 to float32 in [0, 1], and nothing random."""
    return T.Compose([T.ToDtype("float32", scale=True)])


def default_pipeline(channels: int) -> T.Compose:
    """Small shifts, turns and scalings, and a little noise, in one fused pass; float32 in [0, 1].

    Colour images are mirrored too, half of the time: right for photographs, wrong where left and right differ
    (text, handed objects). Then write your own; `json.dumps(pipeline.to_dict())` makes a file to start from.
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
    """Read what `json.dumps(pipeline.to_dict())` wrote; `DataError` or `ArgumentError` says what is wrong."""
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
