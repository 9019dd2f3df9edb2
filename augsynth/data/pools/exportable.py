"""Base of pools and of views of pools: both are exported by the same method."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from augsynth.data.pools.export import Format, export
from augsynth.data.pools.exporting.items import ExportablePool


class Exportable(ABC):
    """Items of a pool that can be written in the layouts of other tools."""

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes; None if they are not known."""

    @abstractmethod
    def _exported(self) -> ExportablePool:
        """Return the items that an export writes."""

    def export(
        self,
        path: str | os.PathLike[str],
        format: Format = "imagefolder",
        *,
        class_names: Sequence[str] | None = None,
        progress: bool = True,
    ) -> None:
        """Write the items into a folder, in a layout of other tools, one after the other.

        An export that is refused, fails or is killed leaves nothing behind in the folder. All formats hold PNG files,
        and need Pillow and images of 1, 3 or 4 channels. `import_images` reads them back. Items in quarantine are left
        out.

        Args:
            path: new or empty folder.
            format: "imagefolder" writes `<class>/<item>.png`, and `annotations.json` (COCO) for boxes and masks of
                objects. It refuses names that no folder can have, hidden names, and names that differ only in case or
                in the form of accented letters. "webdataset" writes tar files of `<item>.png`, `<item>.cls` and
                `<item>.<field>.npy` for targets, and known class names to `class_names.json`. "huggingface" writes
                parquet files for `datasets.load_dataset(path)`, and needs pyarrow: `pip install augsynth[huggingface]`.
                Default "imagefolder".
            class_names: names of the classes; by default those of the pool, or else numbers with leading zeros.
            progress: show a progress bar. Default True.
        """
        names = self.class_names if class_names is None else class_names
        export(self._exported(), Path(path), format, names, progress)
