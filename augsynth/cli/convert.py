"""`augsynth convert`: another library's pipeline as the Python of augsynth's."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from augsynth.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from augsynth.transforms import Converted

Source = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="JSON file of albumentations.save, or file.py:name for a variable of a Python file, which is run.",
    ),
]


def convert(
    source: Source,
    strict: Annotated[bool, typer.Option(help="Refuse a pipeline with transforms that cannot be converted.")] = True,
) -> None:
    """Print a pipeline of torchvision or Albumentations as Python that builds augsynth's.

    Comments above it say where results differ. With --no-strict, what cannot be converted is left out and listed there.

    Example: `augsynth convert train.py:transform > pipeline.py`
    """
    from augsynth.transforms import python_source

    converted = _converted(source, strict)
    for difference in converted.differences:
        print(f"# {difference}")
    print(python_source(converted))


def _converted(source: str, strict: bool) -> Converted:
    from augsynth.transforms import from_albumentations, from_torchvision

    path, _, name = source.rpartition(":") if ".py:" in source else (source, "", "")
    if name:
        pipeline = _defined_in(Path(path), name)
        is_torchvision = type(pipeline).__module__.startswith("torchvision")
        return (from_torchvision if is_torchvision else from_albumentations)(pipeline, strict=strict)
    return from_albumentations(_stored_in(Path(path)), strict=strict)


def _stored_in(path: Path) -> Any:
    from augsynth.core.json import read_json

    if path.suffix != ".json":
        raise ArgumentError(f"give a .json file or file.py:name, got {str(path)!r}")
    try:
        return read_json(path)
    except ValueError as error:
        raise DataError(f"{path.name} is no JSON: {error}") from error


def _defined_in(path: Path, name: str) -> Any:
    """Run a Python file and return one of its variables."""
    if not path.is_file():
        raise FileNotFoundError(2, "No such file or directory", str(path))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    if not hasattr(module, name):
        raise ArgumentError(f"{path.name} defines no {name!r}")
    return getattr(module, name)
