"""`docs/dtypes.md`: which images each transform takes, found by trying them all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np
import torch

from augsynth import transforms as T
from augsynth.errors import AugsynthError
from augsynth.transforms.examples import examples

CHANNELS = range(1, 17)
DTYPES = ("uint8", "uint16", "float32")
HALVES = ("float16", "bfloat16")
PIL_MODES = (
    *("1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "CMYK", "YCbCr", "LAB", "HSV"),
    *("I;16", "I;16L", "I;16B", "I;16N", "I", "F"),
)
SIZE = (12, 16)
KEY = (0, 0, 0)
# One note serves for any number of channels that does not fit.
COUNT = r"\b(got|images have) \d+\b"

HEAD = """# Which images work

Made by `make docs`, which runs every transform on images of every dtype and number of channels; a test compares. What
is refused is refused with the error that is shown, before a pixel is touched.
"""


def dtypes_page() -> str:
    """The whole page."""
    notes: list[str] = []
    tables = [_containers(notes), _pillow(notes), _outputs(notes), _transforms(notes)]
    listed = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([HEAD, *tables, "## What the errors say", *listed, ""])


def _outcome(transform: Any, image: Any) -> str:
    """The dtype that comes out, or the error."""
    try:
        return str(transform(image, key=KEY).dtype).removeprefix("torch.")
    except AugsynthError as error:
        message = re.sub(COUNT, r"\1 N", str(error))
        return f"`{type(error).__name__}`: {message}"


def _numpy(dtype: str, channels: int) -> Any:
    values = np.arange(SIZE[0] * SIZE[1] * channels).reshape(*SIZE, channels) % 251
    return (values / 250).astype(dtype) if dtype.startswith("float") else values.astype(dtype)


def _torch(dtype: str, channels: int) -> torch.Tensor:
    array = np.ascontiguousarray(np.moveaxis(_numpy("float32" if dtype in HALVES else dtype, channels), -1, 0))
    return torch.from_numpy(array).to(getattr(torch, dtype))


def _pil(mode: str) -> Any:
    from PIL import Image

    return Image.new(mode, SIZE[::-1])


def _cell(outcomes: Iterable[tuple[int, str]], notes: list[str]) -> str:
    """Runs of channel numbers with one outcome: what they are, and a note where it is an error."""
    parts = []
    for outcome, group in groupby(outcomes, key=lambda pair: pair[1]):
        numbers = [number for number, _ in group]
        which = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
        parts.append(f"{which}: {_noted(outcome, notes)}" if ":" in outcome else which)
    return ", ".join(parts)


def _noted(outcome: str, notes: list[str]) -> str:
    if outcome not in notes:
        notes.append(outcome)
    return f"refused ({notes.index(outcome) + 1})"


def _table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [f"## {title}", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])


def _containers(notes: list[str]) -> str:
    """Arrays and tensors: which numbers of channels can be read."""
    rows = []
    for dtype in (*DTYPES, *HALVES):
        arrays = "NumPy has none" if dtype == "bfloat16" else _read(lambda c, d=dtype: _numpy(d, c), notes)
        rows.append((dtype, arrays, _read(lambda c, d=dtype: _torch(d, c), notes)))
    return _table("Arrays and tensors, by channels", ("", "NumPy (H, W, C)", "torch (C, H, W)"), rows)


def _read(make: Any, notes: list[str]) -> str:
    transform = T.RandomHorizontalFlip(p=1.0)
    return _cell([(c, _kept(_outcome(transform, make(c)))) for c in (0, *CHANNELS, 17)], notes)


def _kept(outcome: str) -> str:
    return outcome if ":" in outcome else "read"


def _pillow(notes: list[str]) -> str:
    rows = []
    for mode in PIL_MODES:
        outcome = _outcome(T.RandomHorizontalFlip(p=1.0), _pil(mode))
        rows.append((f"`{mode}`", _noted(outcome, notes) if ":" in outcome else outcome))
    return _table("Pillow, by mode", ("mode", "comes out as"), rows)


def _outputs(notes: list[str]) -> str:
    """Changes of dtype, by whether another transform may follow."""
    rows = []
    for dtype in (*DTYPES, *HALVES):
        last = T.Compose([T.RandomRotation(20), T.ToDtype(dtype, scale=True)])
        earlier = T.Compose(
            [T.ToDtype(dtype, scale=True), T.RandomHorizontalFlip(), T.GaussianNoise(), T.ToDtype("uint8")]
        )
        cells = [_outcome(one, _numpy("uint8", 3)) for one in (last, earlier)]
        rows.append((dtype, *(_noted(cell, notes) if ":" in cell else "yes" for cell in cells)))
    return _table("`ToDtype`, by target", ("", "as the last transform", "before others"), rows)


def _transforms(notes: list[str]) -> str:
    rows = []
    for transform in examples(SIZE[0]):
        cells = []
        for dtype in DTYPES:
            outcomes = [(c, _outcome(transform, _numpy(dtype, c))) for c in CHANNELS]
            for channels in (1, 3, 16):
                assert _outcome(transform, _torch(dtype, channels)) == outcomes[channels - 1][1]
            cells.append(_cell(outcomes, notes) + _changed(dtype, outcomes))
        rows.append((f"`{type(transform).__name__}`", *cells))
    return _table("Transforms, by dtype and channels", ("", *DTYPES), rows)


def _changed(dtype: str, outcomes: list[tuple[int, str]]) -> str:
    """Return the output dtype, if it differs."""
    out = {outcome for _, outcome in outcomes if ":" not in outcome} - {dtype}
    return f" → {', '.join(sorted(out))}" if out else ""
