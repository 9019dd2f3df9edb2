"""Records: results as they are stored, in JSON with pictures beside it. Pages are made from records alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from augsynth.core.files import replacing
from augsynth.errors import DataError
from augsynth.evaluate.reporting.pictures import Picture

RESULTS, PICTURES = "results.json", "pictures"


class Result(Protocol):
    """A result that can be reported: its dictionary names its `kind`, a key of `PAGES`."""

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Pictures for the report."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return the result, JSON-ready."""
        ...


@dataclass(frozen=True, eq=False)
class Record:
    """A result as it is stored.

    Args:
        found: the result, JSON-ready.
        pictures: bytes of PNG files by name.
    """

    found: dict[str, Any]
    pictures: Mapping[str, bytes]

    @classmethod
    def of(cls, result: Result, command: str = "") -> Record:
        """Return the record of a result.

        Args:
            result: the result.
            command: command that makes it again; default "" for none.
        """
        described = [picture.to_dict() for picture in result.pictures]
        found = {"pictures": described, **result.to_dict(), "reproduce": command}
        return cls(json.loads(json.dumps(found)), {picture.file: picture.png() for picture in result.pictures})

    def save(self, folder: Path) -> None:
        """Write the JSON and the pictures.

        Args:
            folder: folder, which is created.
        """
        (folder / PICTURES).mkdir(parents=True, exist_ok=True)
        for name, content in self.pictures.items():
            (folder / PICTURES / name).write_bytes(content)
        with replacing(folder / RESULTS) as stream:
            stream.write((json.dumps(self.found, indent=2) + "\n").encode())

    @classmethod
    def load(cls, path: str | Path) -> Record:
        """Read a record; raise `DataError` for everything else.

        Args:
            path: folder of the result, or its `results.json`.
        """
        file = Path(path) / RESULTS if Path(path).is_dir() else Path(path)
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"{path} holds no {RESULTS} of a sweep, demo, audit or evaluate: {error}") from error
        except ValueError as error:
            raise DataError(f"{file} is no JSON: {error}") from error
        if not isinstance(found, dict) or "kind" not in found:
            raise DataError(f"{file} is no result of a sweep, demo, audit or evaluate of this version")
        parts = (found, *found.get("other settings", ()))
        files = [picture["file"] for part in parts for picture in part.get("pictures", ())]
        return cls(found, {name: _read(file.parent / PICTURES / Path(name).name) for name in files})


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"the picture {path} cannot be read: {error}") from error
