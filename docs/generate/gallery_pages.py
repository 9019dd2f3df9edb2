"""`docs/gallery.md` and its pictures: what `augsynth preview --transform` draws for every transform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from several_pictures import SEVERAL, several_pictures

from augsynth import transforms as T
from augsynth.evaluate.before_after import before_after
from augsynth.evaluate.figures import png
from augsynth.evaluate.scene import scene
from augsynth.transforms.examples import examples
from augsynth.transforms.reference_images import ReferenceImages

HEIGHT, WIDTH = 72, 96
GEOMETRY = tuple(T.TRANSFORMS[: T.TRANSFORMS.index(T.Pad) + 1])
HEAD = """# Gallery

Every transform on a scene that is drawn by code: as it is, and two draws. Made by `make docs`; a picture of your own is

    augsynth preview --transform RandomRotation --set degrees=30 --targets

Where masks, boxes and keypoints move, they are drawn in. The parameters are chosen so that something can be seen: they
are no advice.

| | |
| --- | --- |
"""


SEVERAL_HEAD = """
## Several images
The first picture is the image itself; its partners have the same scene in other colours. See
[several-images.md](several-images.md).

| | |
| --- | --- |
"""


def gallery_page() -> str:
    """The whole page."""
    rows = [f"| `{_written(one)}` | ![]({_path(one)}) |" for one in examples(HEIGHT, threshold=128.0)]
    several = [f"| `{code}` | ![](images/gallery/{name}.png) |" for name, (code, _) in SEVERAL.items()]
    return HEAD + "\n".join([*rows, ""]) + SEVERAL_HEAD + "\n".join([*several, ""])


def gallery_pictures() -> Iterator[tuple[str, bytes]]:
    """The name of each transform, and its picture as a PNG."""
    image, target = scene(HEIGHT, WIDTH)
    for one in examples(HEIGHT, threshold=128.0):
        shown = target if isinstance(one, GEOMETRY) else None
        yield type(one).__name__, png(before_after(one, image, shown, variants=2, seed=2))
    yield from several_pictures(HEIGHT, WIDTH)


def _path(one: T.Transform) -> str:
    return f"images/gallery/{type(one).__name__}.png"


def _written(value: Any) -> str:
    """A transform, or one of its parameters, as code: without the parameters that are the defaults."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, ReferenceImages):
        return "references"
    if callable(value) and not isinstance(value, T.Transform):
        return f"np.{value.__name__}"
    if not isinstance(value, T.Transform):
        return repr(value)
    names = ["function"] if isinstance(value, T.Lambda) else [one.name for one in fields(value)]  # type: ignore[arg-type]
    defaults = {one.name: one.default for one in fields(value)}  # type: ignore[arg-type]
    given = [name for name in names if getattr(value, name) != defaults[name]]
    return f"T.{type(value).__name__}({', '.join(f'{name}={_written(getattr(value, name))}' for name in given)})"
