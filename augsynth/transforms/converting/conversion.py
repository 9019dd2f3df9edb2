"""Parts of all converters: the pipeline that is made, its differences, and the walk through another pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.transforms.compose import Compose
from augsynth.transforms.pipeline import Pipeline


@dataclass(frozen=True)
class Difference:
    """A respect in which a converted pipeline is not the one that it was made from.

    Args:
        place: the transform, as the pipeline is indexed, for example "transforms[2]: ColorJitter".
        text: the difference, in a sentence.
        left_out: True if the transform, or a part of it, is missing in the converted pipeline; False (the default) if
            only pixels differ.
    """

    place: str
    text: str
    left_out: bool = False

    def __str__(self) -> str:
        return f"{self.place} {'is left out: ' if self.left_out else 'differs: '}{self.text}"


class Converted(Compose):
    """A pipeline that was made from another library's. It is a `Compose`, and equal to one of the same transforms.

    Args:
        transforms: the transforms in order.
        differences: everything that the pipeline does otherwise; none by default.
        **rules: settings of `Compose`.
    """

    def __init__(self, transforms: list[Pipeline], differences: tuple[Difference, ...] = (), **rules: Any) -> None:
        super().__init__(transforms, **rules)
        self.differences = differences


@dataclass
class Notes:
    """The differences found so far, and the place of the transform that is being converted."""

    found: list[Difference] = field(default_factory=list)
    rules: dict[str, Any] = field(default_factory=dict)
    path: tuple[str, ...] = ()

    @contextmanager
    def at(self, step: str) -> Iterator[None]:
        """Name the place of what is converted inside the `with`.

        Args:
            step: index and name of a transform.
        """
        before = self.path
        self.path = (*before, step)
        try:
            yield
        finally:
            self.path = before

    def differs(self, text: str) -> None:
        """Note that pixels differ.

        Args:
            text: how, in a sentence.
        """
        self.found.append(Difference(" → ".join(self.path), text))

    def left_out(self, text: str) -> None:
        """Note that something is missing in the converted pipeline.

        Args:
            text: the reason, in a sentence.
        """
        self.found.append(Difference(" → ".join(self.path), text, left_out=True))

    def finished(self, transforms: list[Pipeline], strict: bool) -> Converted:
        """Return the converted pipeline; `ArgumentError` if something is missing in it and `strict` is true.

        Args:
            transforms: the converted transforms in order.
            strict: True refuses a pipeline in which something is missing.
        """
        missing = [str(difference) for difference in self.found if difference.left_out]
        if strict and missing:
            listed = "\n".join(f"  {line}" for line in missing)
            raise ArgumentError(f"cannot convert:\n{listed}\nstrict=False converts the rest, and lists these")
        return Converted(transforms, tuple(self.found), **self.rules)


Converter = Callable[[Any, Notes], "list[Pipeline]"]
"""Function of one transform of the other library. It returns augsynth's, and notes how they differ."""


def convert_with(
    table: Mapping[str, Converter], name: str, transform: Any, notes: Notes, library: str, step: str = ""
) -> list[Pipeline]:
    """Convert a transform by the function that a table has for the name of its class.

    Args:
        table: converters by the names of classes.
        name: name of the class of the transform, without its module.
        transform: a transform of the other library, in the form that the table's functions take.
        notes: collects differences.
        library: name of the other library.
        step: index of the transform in its pipeline; "" (the default) for the whole pipeline.
    """
    with notes.at(f"{step}: {name}" if step else name):
        if name not in table:
            notes.left_out(f"augsynth has nothing like {library}'s {name}")
            return []
        try:
            return table[name](transform, notes)
        except (ArgumentError, ArgumentTypeError) as error:
            notes.left_out(f"augsynth refuses its parameters: {error}")
            return []
