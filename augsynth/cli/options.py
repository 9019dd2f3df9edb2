"""Options that several commands share, and the conversion of their text to values."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from augsynth.core.json import parse_json
from augsynth.errors import ArgumentError

if TYPE_CHECKING:
    from augsynth.data import SyntheticPool
    from augsynth.data.loading.datasets import ImageData

Data = Annotated[
    str,
    typer.Option(
        help="`digits`, a folder with one subfolder of images for each class (or train/ and test/ with such "
        "subfolders), a folder of images, or an .npz file with arrays 'images' and 'labels'."
    ),
]
ImageSize = Annotated[
    int | None,
    typer.Option(min=1, help="Height and width of every image in pixels, by resizing and centre-cropping."),
]
MaxPerClass = Annotated[
    int | None, typer.Option(min=1, help="Largest number of images of each class to read, drawn at random.")
]
GeneratorName = Annotated[
    str, typer.Option(help="Name of a generator; `augsynth plugins list` shows the installed ones.")
]
GeneratorOptions = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Option of the generator; it may be given several times."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random choices: the same seed gives the same result.")]
PipelineFile = Annotated[
    Path | None,
    typer.Option(help="JSON file from json.dumps(pipeline.to_dict()); by default a careful pipeline."),
]

# Paths, class names and messages are printed literally: no markup in brackets, and no emoji names.
console = Console(markup=False, emoji=False)


def command_line(context: typer.Context) -> str:
    """Return the command that is running, as it can be typed again."""
    return shlex.join(["augsynth", *context.obj])


def load_images(source: str, image_size: int | None) -> SyntheticPool | ImageData:
    """Return the pool of a folder that is one, and otherwise the images of a folder, an archive or `digits`."""
    from augsynth.data import SyntheticPool, load_dataset
    from augsynth.data.pools.manifest import FILE

    if (Path(source) / FILE).is_file():
        return SyntheticPool.open(source)
    return load_dataset(source, image_size=image_size)


def parse_settings(pairs: Sequence[str] | None) -> dict[str, Any]:
    """Return `["width=32", "name=abc"]` as `{"width": 32, "name": "abc"}`: values are JSON, or else text."""
    settings: dict[str, Any] = {}
    for pair in pairs or ():
        key, equals, text = pair.partition("=")
        if not key or not equals:
            raise ArgumentError(f"--set expects KEY=VALUE, got {pair!r}")
        try:
            settings[key] = parse_json(text)
        except ValueError:
            settings[key] = text
    return settings


def parse_ratios(text: str) -> tuple[float, ...]:
    """Return the numbers of a text such as "0.25,0.5"."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise ArgumentError(f"--ratios expects numbers with commas, as in 0.25,0.5; got {text!r}") from error


def check_folder(option: str, path: Path, what: str) -> Path:
    """Return a folder as an absolute path; raise `ArgumentError` if it is none.

    Args:
        option: the option that named it.
        path: the path.
        what: what the folder should hold.
    """
    if not path.is_dir():
        raise ArgumentError(f"{option} {path} is no folder of {what}")
    return path.absolute()


def check_out(path: Path) -> None:
    """Raise `ArgumentError` if results cannot go to a folder because a file has its name."""
    if path.exists() and not path.is_dir():
        raise ArgumentError(f"--out {path} is a file; results and pools need a folder")


def print_data(data: ImageData) -> None:
    """Print the size of a data set, and its notes about conversions and files that were left out."""
    channels, height, width = data.image_shape
    held_back = f", {len(data.test)} more for testing" if data.test is not None else ""
    counted = f": {len(data)} images of {data.num_classes} class{'es' if data.num_classes > 1 else ''}{held_back}, "
    size = f"{width}x{height} pixels, {channels} channel{'s' if channels > 1 else ''}"
    console.print(Text.assemble((data.name, "bold"), counted, size), soft_wrap=True)
    for note in data.notes:
        console.print(f"  note: {note}", style="yellow", soft_wrap=True)
