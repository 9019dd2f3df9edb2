"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from augsynth.core.json import parse_json
from augsynth.errors import ArgumentError

if TYPE_CHECKING:
    from augsynth.data.loading.datasets import ImageData

Data = Annotated[
    str,
    typer.Option(
        help="`digits`, a folder with one subfolder of images a class (or train/ and test/ with those), a folder of "
        "images, or an .npz file with arrays 'images' and 'labels'."
    ),
]
ImageSize = Annotated[
    int | None,
    typer.Option(min=1, help="Resize and centre-crop every image to this many pixels in height and width."),
]
MaxPerClass = Annotated[
    int | None, typer.Option(min=1, help="Read at most this many images of each class, drawn at random.")
]
GeneratorName = Annotated[str, typer.Option(help="A generator's name; `augsynth plugins list` shows those installed.")]
GeneratorOptions = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="An option of the generator; may be given several times."),
]
Seed = Annotated[int, typer.Option(min=0, help="Decides all that is random: the same seed gives the same result.")]
PipelineFile = Annotated[
    Path | None,
    typer.Option(help="A JSON file made from json.dumps(pipeline.to_dict()); without one, a careful default."),
]

# Paths, class names and messages are printed as they are: brackets are no markup, and :smile: is no face.
console = Console(markup=False, emoji=False)


def parse_settings(pairs: Sequence[str] | None) -> dict[str, Any]:
    """`["width=32", "name=abc"]` as `{"width": 32, "name": "abc"}`: values are JSON where they can be."""
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


def print_data(data: ImageData) -> None:
    """Say what was read, and everything that was converted or left out."""
    channels, height, width = data.image_shape
    held_back = f", {len(data.test)} more for testing" if data.test is not None else ""
    counted = f": {len(data)} images of {data.num_classes} class{'es' if data.num_classes > 1 else ''}{held_back}, "
    size = f"{width}x{height} pixels, {channels} channel{'s' if channels > 1 else ''}"
    console.print(Text.assemble((data.name, "bold"), counted, size), soft_wrap=True)
    for note in data.notes:
        console.print(f"  note: {note}", style="yellow", soft_wrap=True)
