"""Whole-pixel windows: their sizes, their offsets at random or at named places, and the check that they fit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from augsynth.core.typing import Floats, Ints
from augsynth.errors import ArgumentError, shown
from augsynth.plan.lowering import ImageInfo
from augsynth.transforms.draw import Draw

# The fractions (down, across) of the spare room that lie before something at each place.
PLACES = {
    "center": (0.5, 0.5),
    "top_left": (0.0, 0.0),
    "top": (0.0, 0.5),
    "top_right": (0.0, 1.0),
    "left": (0.5, 0.0),
    "right": (0.5, 1.0),
    "bottom_left": (1.0, 0.0),
    "bottom": (1.0, 0.5),
    "bottom_right": (1.0, 1.0),
}
FIVE = ("center", "top_left", "top_right", "bottom_left", "bottom_right")
ANYWHERE = "random"

Places = str | Sequence[str]


@lru_cache
def _size(height: int, width: int) -> Ints:
    return np.array([(height, width)], np.int64)


def equal_sizes(height: int, width: int, count: int) -> Ints:
    """The same size for `count` samples, (count, 2)."""
    return _size(height, width).repeat(count, axis=0)


def require_room(room: Floats | Ints, size: tuple[int, int], images: ImageInfo, name: str) -> None:
    """Raise `ArgumentError` if the `room` (n, 2) beside a window of `size` is negative."""
    if np.count_nonzero(room < 0):
        height, width = images.sizes[int(np.flatnonzero((room < 0).any(axis=1))[0])]
        raise ArgumentError(
            f"{name} to {size[0]}x{size[1]} does not fit into an image of {height}x{width}: "
            "resize or pad it first, or set pad_if_needed=True"
        )


def random_offsets(u: Floats, room: Floats | Ints) -> Floats:
    """Whole offsets, uniform over 0 … room."""
    offsets: Floats = np.minimum(np.floor(u * (room + 1)), room)
    return offsets


def place_names(places: Any, name: str) -> tuple[str, ...]:
    """The names of places: of one, of several, or "five" for the middle and the corners.

    >>> place_names("top_left", "place"), len(place_names("five", "place"))
    (('top_left',), 5)
    """
    if places == "five":
        return FIVE
    given = (places,) if isinstance(places, str) else places
    if not isinstance(given, tuple) or not given or not all(isinstance(one, str) and one in PLACES for one in given):
        raise ArgumentError(f"{name} must be five, or one or several of {', '.join(PLACES)}, got {shown(places)}")
    return given


def drawn_fractions(places: tuple[str, ...], draw: Draw) -> Floats:
    """The fractions (n, 2) of the room before one of the `places`."""
    fractions: Floats = np.array([PLACES[place] for place in places])[draw.choice(len(places))]
    return fractions


def position_names(position: Any) -> tuple[str, ...] | None:
    """The names of the places at which an image may lie; None for any whole offset."""
    if position == ANYWHERE:
        return None
    try:
        return place_names(position, "position")
    except ArgumentError as error:
        raise ArgumentError(f"{error}, or {ANYWHERE!r}") from None


def draws_of(position: Places) -> int:
    """The number of random numbers that `offsets_at` needs."""
    places = position_names(position)
    return 2 if places is None else int(len(places) > 1)


def offsets_at(position: Places, draw: Draw, room: Ints) -> Floats:
    """The (top, left) (n, 2) of images in frames with `room` (n, 2) to spare.

    In the middle, the odd pixel of room comes after the image, as in Ultralytics' and albumentations' padding.
    """
    places = position_names(position)
    if places is None:
        return random_offsets(draw.u, room)
    offsets: Floats = np.floor(room * drawn_fractions(places, draw))
    return offsets
