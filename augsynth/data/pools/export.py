"""Pools in the layouts of other tools: image folders, WebDataset tar files, Hugging Face datasets."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from augsynth.core.arrays import unwrapped
from augsynth.core.checks import check_choice
from augsynth.core.files import is_data
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError, shown
from augsynth.progress import Advance, progress_bar

if TYPE_CHECKING:
    from PIL.Image import Image

Format = Literal["imagefolder", "webdataset", "huggingface"]

_ITEMS_PER_TAR = 10_000
_MAX_NAME_BYTES = 255
_MAX_CLASSES = 1_000_000


class ExportablePool(Protocol):
    """Interface of a pool that `export` needs."""

    @property
    def image_shape(self) -> tuple[int, int, int]: ...
    @property
    def labels(self) -> npt.NDArray[np.int64] | None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Any: ...


def export(
    pool: ExportablePool, folder: Path, format: Format, class_names: Iterable[str] | None, progress: bool
) -> None:
    """Write a pool into a folder; see `SyntheticPool.export`.

    Args:
        pool: the pool.
        folder: new or empty folder.
        format: "imagefolder", "webdataset" or "huggingface".
        class_names: names of the classes; None for numbers.
        progress: show a progress bar.
    """
    writers = {"imagefolder": _image_folder, "webdataset": _webdataset, "huggingface": _huggingface}
    check_choice("format", format, get_args(Format))
    if pool.image_shape[0] not in (1, 3, 4):
        raise DataError(f"PNG files hold 1, 3 or 4 channels; the images of this pool have {pool.image_shape[0]}")
    _pillow()
    names = _class_names(pool.labels, class_names)
    known = names if class_names is not None else None
    if format == "imagefolder":
        _check_folder_names(names)
    with _whole_or_nothing(folder) as part, progress_bar(f"exporting as {format}", len(pool), progress) as advance:
        writers[format](pool, part, names, advance)
        if format == "webdataset" and known is not None:
            (part / "class_names.json").write_text(json.dumps(known), encoding="ascii")


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder in `folder`; its content moves up at the end, and is removed after an error."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(is_data(path.name) for path in folder.iterdir()):
            raise DataError(f"{folder} is not empty; give a new folder")
        with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as part:
            yield Path(part)
            for path in Path(part).iterdir():
                path.rename(folder / path.name)
    except BaseException as error:
        with suppress(OSError):  # of a folder that is not empty
            for path in made:
                path.rmdir()
        if isinstance(error, OSError):
            raise DataError(f"cannot export into {folder}: {error}") from error
        raise


def _class_names(labels: npt.NDArray[np.int64] | None, names: Iterable[Any] | None) -> list[str]:
    """Return a name for each class 0 … K−1; numbers get leading zeros, so that sorting keeps their order."""
    count = 0 if labels is None else int(labels.max()) + 1
    if count > _MAX_CLASSES:
        raise DataError(f"at most {_MAX_CLASSES} classes are exported; the labels of this pool reach {count - 1}")
    if names is None:
        return [f"{label:0{len(str(count - 1))}d}" for label in range(count)]
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        raise ArgumentTypeError(f"class_names must be a list of names, got {shown(names)}")
    given = [unwrapped(name) for name in names]
    text = [str(name) if isinstance(name, int) and not isinstance(name, bool) else name for name in given]
    if not all(isinstance(name, str) for name in text):
        raise ArgumentTypeError(f"class_names must be texts, got {shown(given)}")
    if len(text) < count or len(set(text)) < len(text):
        raise ArgumentError(f"class_names must be {count} different names, got {shown(text)}")
    return text


def _check_folder_names(names: Iterable[str]) -> None:
    """Raise `ArgumentError` for names that no folder can have, for hidden ones, and for names that look alike."""
    folded: dict[str, str] = {}
    for name in names:
        if not name or {"/", "\\", "\0"} & set(name) or not is_data(name) or len(_encoded(name)) > _MAX_NAME_BYTES:
            raise ArgumentError(
                f"no folder can have the name of the class {shown(name)}: a name is not empty or hidden, has no slash, "
                f"and at most {_MAX_NAME_BYTES} bytes; rename it with class_names"
            )
        alike = folded.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if alike != name:
            raise ArgumentError(
                f"the classes {shown(alike)} and {shown(name)} would be one folder where case, or the form of "
                "accented letters, makes no difference; rename one with class_names"
            )


def _encoded(name: str) -> bytes:
    try:
        return os.fsencode(name)
    except UnicodeEncodeError as cause:
        raise ArgumentError(f"the class name {shown(name)} is no text: {cause}") from cause


def _items(pool: ExportablePool, advance: Advance) -> Iterator[tuple[str, Image, int | None]]:
    """Yield for every item a name that sorts in its order, the picture, and the label."""
    pillow = _pillow()
    width = max(6, len(str(len(pool) - 1)))
    for index in range(len(pool)):
        image, label = pool[index] if pool.labels is not None else (pool[index], None)
        pixels = image.permute(1, 2, 0).numpy()
        yield f"{index:0{width}d}", pillow.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels), label
        advance()


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as cause:
        raise DataError('exporting needs Pillow: pip install "augsynth[demo]"') from cause
    return Image


def _image_folder(pool: ExportablePool, folder: Path, names: list[str], advance: Advance) -> None:
    for name, image, label in _items(pool, advance):
        target = folder if label is None else folder / names[label]
        target.mkdir(exist_ok=True)
        image.save(target / f"{name}.png")


def _webdataset(pool: ExportablePool, folder: Path, names: list[str], advance: Advance) -> None:
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


def _huggingface(pool: ExportablePool, folder: Path, names: list[str], advance: Advance) -> None:
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
