"""Points, boxes and polygons under projective maps, in continuous coordinates: x to the right, y down.

Pixel i spans [i, i + 1), so that a frame of (H, W) pixels is [0, W] x [0, H]. Boxes are corners (x1, y1, x2, y2).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import fsum

import numpy as np
import numpy.typing as npt

from augsynth import _native
from augsynth.core.typing import Floats

# The points of one polygon. Most have four: Python's numbers take a tenth of the time of arrays then.
Outline = Sequence[Sequence[float]]

_CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 3]])  # (x, y) of each, among x1, y1, x2, y2
HORIZON = 1e-6  # the smallest denominator of a projective map that counts as in front of it


def compose(outer: Floats, *inner: Floats) -> Floats:
    """Return the map that applies the inner maps, the last one first, and then `outer`.

    Args:
        outer: float64 (n, 3, 3), or (1, 3, 3) for all.
        inner: maps of the same form.

    >>> turned = np.array([[[0.0, 1.0, 0.0], [-1.0, 0.0, 8.0], [0.0, 0.0, 1.0]]])
    >>> compose(turned, turned)[0].tolist()
    [[-1.0, 0.0, 8.0], [0.0, -1.0, 8.0], [0.0, 0.0, 1.0]]
    """
    return reduce(_native.compose, inner, outer)


def inverse_map(matrix: Floats) -> Floats:
    """Return the inverses of maps (..., 3, 3), by cofactors: flips, quarter turns and whole shifts stay exact.

    Args:
        matrix: float64 (..., 3, 3), invertible.

    >>> inverse_map(np.array([[-1.0, 0.0, 6.0], [0.0, 1.0, 2.0], [0.0, 0.0, 1.0]])).tolist()
    [[-1.0, 0.0, 6.0], [0.0, 1.0, -2.0], [0.0, 0.0, 1.0]]
    """
    rows = np.moveaxis(np.asarray(matrix, np.float64), -2, 0)
    cofactors = np.stack([np.cross(rows[1], rows[2]), np.cross(rows[2], rows[0]), np.cross(rows[0], rows[1])], axis=-1)
    determinants = np.sum(rows[0] * cofactors[..., 0], axis=-1)
    result: Floats = cofactors / determinants[..., None, None] + 0.0  # no negative zeros
    return result


def keeps_upright(matrices: Floats) -> npt.NDArray[np.bool_]:
    """Return whether each map takes all upright boxes to upright boxes: affine, and turned by quarter turns at most.

    Args:
        matrices: float64 (..., 3, 3).

    >>> keeps_upright(np.array([[[0.0, 2.0, 1.0], [-1.0, 0.0, 8.0], [0.0, 0.0, 1.0]]])).tolist()
    [True]
    """
    a, b, d, e = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 0], matrices[..., 1, 1]
    along_axes = ((b == 0) & (d == 0)) | ((a == 0) & (e == 0))
    upright: npt.NDArray[np.bool_] = along_axes & np.all(matrices[..., 2, :] == (0.0, 0.0, 1.0), axis=-1)
    return upright


def map_points(matrix: Floats, points: npt.ArrayLike) -> Floats:
    """Return the images of points under a map; NaN for points on or behind the horizon of a projective map.

    Args:
        matrix: float64 (3, 3).
        points: (..., 2).

    >>> map_points(np.array([[-1.0, 0.0, 6.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), [[1.5, 2.0]]).tolist()
    [[4.5, 2.0]]
    """
    given = np.asarray(points, np.float64)
    mapped = np.empty_like(given)
    rows = np.asarray(matrix, np.float64).tolist()
    mapped[..., 0], mapped[..., 1] = (_linear(row, given) for row in rows[:2])
    if rows[2] == [0.0, 0.0, 1.0]:
        return mapped
    w = _linear(rows[2], given)
    return mapped / np.where(w > HORIZON, w, np.nan)[..., None]


def box_corners(boxes: npt.ArrayLike) -> Floats:
    """Return the corners (k, 4, 2) of boxes (k, 4), clockwise on screen from the top left corner."""
    return np.asarray(boxes, np.float64).reshape(-1, 4)[:, _CORNERS]


def map_boxes(matrix: Floats, boxes: npt.ArrayLike) -> Floats:
    """Return the smallest upright boxes (k, 4) around the images of boxes under a map.

    If a box reaches behind the horizon of a projective map, only its part before the horizon counts. The result is NaN
    if there is no such part.

    Args:
        matrix: float64 (3, 3).
        boxes: (k, 4) as XYXY corners.

    >>> map_boxes(np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 8.0], [0.0, 0.0, 1.0]]), [[1, 2, 3, 6]]).tolist()
    [[2.0, 5.0, 6.0, 7.0]]
    """
    corners = box_corners(boxes)
    mapped = map_points(matrix, corners)
    result = np.concatenate([mapped.min(axis=1), mapped.max(axis=1)], axis=-1)
    for number in np.flatnonzero(np.isnan(result).any(axis=1)):
        result[number] = bounding_box(map_polygon(matrix, corners[number]))
    return result


def map_polygon(matrix: Floats, polygon: npt.ArrayLike) -> Floats:
    """Return the image (m, 2) of a polygon under a map, cut off at the horizon of a projective map.

    Args:
        matrix: float64 (3, 3).
        polygon: points (n, 2).
    """
    return _as_array(map_outline(matrix.tolist(), as_outline(polygon)))


def map_outline(matrix: Outline, outline: Outline) -> Outline:
    """Return the result of `map_polygon` for Python's numbers; `matrix` are three rows."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    if (g, h, i) == (0.0, 0.0, 1.0):
        return [(a * x + b * y + c, d * x + e * y + f) for x, y in outline]
    # Twice the horizon, so that rounding leaves the cut's ends before it.
    before = [g * x + h * y + i - 2 * HORIZON for x, y in outline]
    shown = _cut(outline, before) if min(before, default=0.0) <= -HORIZON else outline
    divided = [(x, y, g * x + h * y + i) for x, y in shown]
    return [((a * x + b * y + c) / w, (d * x + e * y + f) / w) for x, y, w in divided]


def map_outlines(matrix: Outline, outlines: Sequence[Outline]) -> list[Outline]:
    """Return the result of `map_outline` for each of some polygons."""
    return [map_outline(matrix, outline) for outline in outlines]


def as_outline(polygon: npt.ArrayLike) -> Outline:
    """Return the points of a polygon (n, 2) as Python's numbers."""
    outline: Outline = np.asarray(polygon, np.float64).reshape(-1, 2).tolist()
    return outline


def bounding_box(points: npt.ArrayLike) -> Floats:
    """Return the smallest upright box (4,) around points (n, 2); NaN if there are none."""
    array = np.asarray(points, np.float64)
    return np.concatenate([array.min(axis=0), array.max(axis=0)]) if len(array) else np.full(4, np.nan)


def clip_boxes(boxes: npt.ArrayLike, height: float, width: float) -> Floats:
    """Return boxes (k, 4) cut to a frame; a box outside becomes a box without area on the edge of the frame.

    Args:
        boxes: (k, 4) as XYXY corners.
        height: height of the frame in pixels.
        width: width of the frame in pixels.

    >>> clip_boxes([[-2, 1, 3, 9]], 4, 6).tolist()
    [[0.0, 1.0, 3.0, 4.0]]
    """
    result: Floats = np.clip(np.asarray(boxes, np.float64).reshape(-1, 4), 0.0, [width, height, width, height])
    return result


def box_areas(boxes: npt.ArrayLike) -> Floats:
    """Return the areas (k,) of boxes (k, 4) in square pixels; 0 for boxes that are empty or NaN.

    >>> box_areas([[1, 2, 3, 6], [3, 3, 1, 1]]).tolist()
    [8.0, 0.0]
    """
    x1, y1, x2, y2 = np.asarray(boxes, np.float64).reshape(-1, 4).T
    areas: Floats = np.fmax(x2 - x1, 0.0) * np.fmax(y2 - y1, 0.0)
    return areas


def thinnest(size: tuple[int, int]) -> float:
    """Return the longest side that float32 may round to 0 at the far end of a frame of `size` (H, W)."""
    return 2.0**-23 * max(size)


def clip_outline(outline: Outline, window: Sequence[float]) -> Outline:
    """Return the part of a polygon that lies in a window; an empty one if no part does.

    Sutherland and Hodgman, "Reentrant polygon clipping" (1974). If a concave polygon falls apart, edges along the
    window still join its parts; these edges hold no area.

    Args:
        outline: points of the polygon.
        window: (x1, y1, x2, y2).

    >>> clip_outline([[-2, 1], [2, 1], [2, 3], [-2, 3]], (0, 0, 6, 4))
    [(0.0, 1.0), (2, 1), (2, 3), (0.0, 3.0)]
    """
    left, top, right, bottom = window
    shown = _cut(outline, [x - left for x, _ in outline])
    shown = _cut(shown, [right - x for x, _ in shown])
    shown = _cut(shown, [y - top for _, y in shown])
    shown = _cut(shown, [bottom - y for _, y in shown])
    if shown is outline:
        return outline
    # Rounding may leave a point beside two edges that meet.
    return [(min(max(x, left), right), min(max(y, top), bottom)) for x, y in shown]


def outline_area(outline: Outline) -> float:
    """Return the area of a polygon without crossings, in either order of its points.

    Args:
        outline: points of the polygon.

    >>> outline_area([[0, 0], [4, 0], [4, 3]])
    6.0
    """
    if len(outline) < 3:
        return 0.0
    left, top = outline[0]
    points = [(x - left, y - top) for x, y in outline]
    after = [*points[1:], points[0]]
    return 0.5 * abs(fsum(x * v - y * u for (x, y), (u, v) in zip(points, after, strict=True)))


def quad_areas(corners: Floats) -> Floats:
    """Return the areas (n,) of convex quadrilaterals (n, 4, 2): half the cross product of the diagonals.

    >>> quad_areas(box_corners([[1, 2, 3, 6]])).tolist()
    [8.0]
    """
    down, up = (corners[:, 2:] - corners[:, :2]).transpose(1, 2, 0)
    areas: Floats = 0.5 * np.abs(down[0] * up[1] - down[1] * up[0])
    return areas


def convex_hull(points: Floats) -> Floats:
    """The corners (m, 2) of the smallest convex polygon around points (n, 2), clockwise on screen.

    Andrew, "Another efficient algorithm for convex hulls in two dimensions" (1979).

    >>> convex_hull(np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 0.5], [2.0, 2.0]])).tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]]
    """
    ordered = np.unique(points.reshape(-1, 2), axis=0).tolist()
    if len(ordered) < 3:
        return _as_array(ordered)
    return _as_array([*_hull_side(ordered), *_hull_side(ordered[::-1])])


def _hull_side(points: Outline) -> Outline:
    """One side of the hull of points that are in order along x, without the last one."""
    side: list[Sequence[float]] = []
    for x, y in points:
        while len(side) > 1:
            (a, b), (c, d) = side[-2:]
            if (c - a) * (y - b) > (d - b) * (x - a):
                break
            side.pop()
        side.append((x, y))
    return side[:-1]


def areas_within(polygons: Floats, window: Floats) -> Floats:
    """Return the areas (n,) of the parts of polygons that lie in a window.

    Edges are split where they cross the lines of the window. Then all points are moved to the nearest points of the
    window. The winding number of each point inside stays the same.

    Args:
        polygons: float64 (n, m, 2).
        window: (4,) as x1, y1, x2, y2.

    >>> areas_within(box_corners([[1, 2, 3, 6], [9, 2, 12, 6]]), np.array([0.0, 0.0, 9.0, 4.0])).tolist()
    [4.0, 0.0]
    """
    low, high = window[:2], window[2:]
    edges = np.concatenate([polygons[:, 1:], polygons[:, :1]], axis=1) - polygons
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.concatenate([(low - polygons) / edges, (high - polygons) / edges], axis=-1)
    shares = np.sort(np.fmin(np.fmax(shares, 0.0), 1.0), axis=-1)  # NaN, of an edge along a line, is one that is passed
    points = polygons[:, :, None] + shares[..., None] * edges[:, :, None]
    moved = np.minimum(np.maximum(points, low), high).reshape(len(polygons), 4 * polygons.shape[1], 2)
    x, y = (moved - moved[:, :1]).transpose(2, 0, 1)
    areas: Floats = 0.5 * np.abs((x[:, :-1] * y[:, 1:] - y[:, :-1] * x[:, 1:]).sum(axis=1))
    return areas


def _linear(row: Sequence[float], points: Floats) -> Floats:
    # Written out, as a matrix product rounds differently with the number of points.
    a, b, c = row
    sums: Floats = a * points[..., 0] + b * points[..., 1] + c
    return sums


def _as_array(outline: Outline) -> Floats:
    return np.array(outline, np.float64).reshape(-1, 2)


def _cut(outline: Outline, inside: Sequence[float]) -> Outline:
    """Return the part of a polygon where `inside` is not negative: one number for each point, linear along edges."""
    if min(inside, default=0.0) >= 0:
        return outline
    kept: list[Sequence[float]] = []
    after = zip([*outline[1:], outline[0]], [*inside[1:], inside[0]], strict=True)
    for (x, y), at_a, ((u, v), at_b) in zip(outline, inside, after, strict=True):
        if at_a >= 0:
            kept.append((x, y))
        if (at_a >= 0) != (at_b >= 0):
            share = at_a / (at_a - at_b)
            kept.append((x + (u - x) * share, y + (v - y) * share))
    return kept
