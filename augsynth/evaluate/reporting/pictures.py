"""Pictures of a result: grids of images with captions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from augsynth.core.typing import Bytes
from augsynth.errors import ArgumentError
from augsynth.evaluate.figures import image_grid, png


@dataclass(frozen=True, eq=False)
class Picture:
    """Grid of images for a report.

    Args:
        name: name of its file, without a suffix.
        title: heading.
        hint: what is shown, in a sentence.
        images: uint8 (rows × columns, H, W, C), row by row.
        columns: caption of each column; "" for none.
        rows: caption of each row; none by default.
    """

    name: str
    title: str
    hint: str
    images: Bytes
    columns: tuple[str, ...]
    rows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        cells = len(self.columns) * (len(self.rows) or -(-len(self.images) // len(self.columns)))
        if len(self.images) != cells:
            raise ArgumentError(f"the picture {self.name!r} has {len(self.images)} images for {cells} cells")

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.name}.png"

    def png(self) -> bytes:
        """Return the grid as the bytes of a PNG file."""
        return png(image_grid(self.images, len(self.columns)))

    def to_dict(self) -> dict[str, Any]:
        """Return all but the images, JSON-ready."""
        return {
            "file": self.file,
            "title": self.title,
            "hint": self.hint,
            "columns": list(self.columns),
            "rows": list(self.rows),
        }
