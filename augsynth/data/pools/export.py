"""Pools in the layouts of other tools: image folders, WebDataset tar files, Hugging Face datasets."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from augsynth.errors import ArgumentError, DataError
from augsynth.progress import Advance, progress_bar

if TYPE_CHECKING:
    from PIL.Image import Image

Format = Literal["imagefolder", "webdataset", "huggingface"]

_ITEMS_PER_TAR = 10_000


class Source(Protocol):
    """The part of a pool that is exported."""

    @property
    def image_shape(self) -> tuple[int, int, int]: ...
    @property
    def labels(self) -> npt.NDArray[np.int64] | None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Any: ...


def export(pool: Source, folder: Path, format: Format, class_names: Sequence[str] | None, progress: bool) -> None:
    """Write the pool into `folder`; see `SyntheticPool.export`."""
    writers = {"imagefolder": _image_folder, "webdataset": _webdataset, "huggingface": _huggingface}
    if format not in writers:
        raise ArgumentError(f"format must be one of {', '.join(get_args(Format))}, got {format!r}")
    if pool.image_shape[0] not in (1, 3, 4):
        raise DataError(f"PNG files hold 1, 3 or 4 channels; the images of this pool have {pool.image_shape[0]}")
    if folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} is not empty; give a new folder")
    names = _class_names(pool.labels, class_names)
    folder.mkdir(parents=True, exist_ok=True)
    with progress_bar(f"exporting as {format}", len(pool), progress) as advance:
        writers[format](pool, folder, names, advance)


def _class_names(labels: npt.NDArray[np.int64] | None, names: Sequence[str] | None) -> list[str]:
    """A name for each class 0 … K−1; numbers get leading zeros, so that their order survives sorting."""
    count = 0 if labels is None else int(labels.max()) + 1
    if names is None:
        return [f"{label:0{len(str(count - 1))}d}" for label in range(count)]
    if len(names) < count or len(set(names)) < len(names):
        raise ArgumentError(f"class_names must be {count} different names, got {list(names)}")
    return list(names)


def _items(pool: Source, advance: Advance) -> Iterator[tuple[str, Image, int | None]]:
    """Every item: a name that sorts in its order, the picture, the label."""
    try:
        from PIL import Image
    except ImportError as cause:
        raise DataError('exporting needs Pillow: pip install "augsynth[demo]"') from cause
    width = max(6, len(str(len(pool) - 1)))
    for index in range(len(pool)):
        image, label = pool[index] if pool.labels is not None else (pool[index], None)
        pixels = image.permute(1, 2, 0).numpy()
        yield f"{index:0{width}d}", Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels), label
        advance()


def _image_folder(pool: Source, folder: Path, names: list[str], advance: Advance) -> None:
    for name, image, label in _items(pool, advance):
        target = folder if label is None else folder / names[label]
        target.mkdir(exist_ok=True)
        image.save(target / f"{name}.png")


def _webdataset(pool: Source, folder: Path, names: list[str], advance: Advance) -> None:
    items = _items(pool, advance)
    for number in range(-(-len(pool) // _ITEMS_PER_TAR)):
        with tarfile.open(folder / f"pool-{number:06d}.tar", "w") as archive:
            for _, (name, image, label) in zip(range(_ITEMS_PER_TAR), items, strict=False):
                _add(archive, f"{name}.png", _png(image))
                if label is not None:
                    _add(archive, f"{name}.cls", str(label).encode())


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _png(image: Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return stream.getvalue()


def _huggingface(pool: Source, folder: Path, names: list[str], advance: Advance) -> None:
    try:
        import datasets  # type: ignore[import-not-found]
    except ImportError as cause:
        raise DataError("format 'huggingface' needs the package datasets: pip install datasets") from cause
    columns: dict[str, Any] = {"image": datasets.Image()}
    if names:
        columns["label"] = datasets.ClassLabel(names=names)

    def rows() -> Iterator[dict[str, Any]]:
        for _, image, label in _items(pool, advance):
            row = {"bytes": _png(image), "path": None}
            yield {"image": row} if label is None else {"image": row, "label": label}

    table = datasets.Dataset.from_list(list(rows()), features=datasets.Features(columns))
    table.save_to_disk(folder)
