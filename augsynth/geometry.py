"""Points, boxes and polygons under projective maps, in continuous coordinates: x to the right, y down.

Pixel i spans [i, i + 1), so that a frame of (H, W) pixels is [0, W] x [0, H]. Boxes are corners (x1, y1, x2, y2).
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import numpy.typing as npt

from augsynth import _native

Floats = npt.NDArray[np.float64]

_CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 3]])  # (x, y) of each, among x1, y1, x2, y2
HORIZON = 1e-6  # the smallest denominator of a projective map that counts as in front of it


def compose(outer: Floats, *inner: Floats) -> Floats:
    """The map `outer` after those of `inner`, the last of which comes first: matrices (n, 3, 3), or (1, 3, 3) for all.

    >>> turned = np.array([[[0.0, 1.0, 0.0], [-1.0, 0.0, 8.0], [0.0, 0.0, 1.0]]])
    >>> compose(turned, turned)[0].tolist()
    [[-1.0, 0.0, 8.0], [0.0, -1.0, 8.0], [0.0, 0.0, 1.0]]
    """
    return reduce(_native.compose, inner, outer)


def inverse_map(matrix: Floats) -> Floats:
    """The inverses of maps (..., 3, 3), through cofactors: flips, quarter turns and whole shifts stay exact.

    >>> inverse_map(np.array([[-1.0, 0.0, 6.0], [0.0, 1.0, 2.0], [0.0, 0.0, 1.0]])).tolist()
    [[-1.0, 0.0, 6.0], [0.0, 1.0, -2.0], [0.0, 0.0, 1.0]]
    """
    rows = np.moveaxis(np.asarray(matrix, np.float64), -2, 0)
    cofactors = np.stack([np.cross(rows[1], rows[2]), np.cross(rows[2], rows[0]), np.cross(rows[0], rows[1])], axis=-1)
    determinants = np.sum(rows[0] * cofactors[..., 0], axis=-1)
    result: Floats = cofactors / determinants[..., None, None] + 0.0  # no negative zeros
    return result


def map_points(matrix: Floats, points: npt.ArrayLike) -> Floats:
    """Where `matrix` (3, 3) takes points (..., 2); NaN for those on the horizon of a projective map or behind it.

    >>> map_points(np.array([[-1.0, 0.0, 6.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), [[1.5, 2.0]]).tolist()
    [[4.5, 2.0]]
    """
    given = np.asarray(points, np.float64)
    mapped = np.empty_like(given)
    mapped[..., 0], mapped[..., 1], w = _homogeneous(matrix, given)
    return mapped if _is_affine(matrix) else mapped / np.where(w > HORIZON, w, np.nan)[..., None]


def box_corners(boxes: npt.ArrayLike) -> Floats:
    """The corners (k, 4, 2) of boxes (k, 4), from the top left one clockwise on screen."""
    return np.asarray(boxes, np.float64).reshape(-1, 4)[:, _CORNERS]


def map_boxes(matrix: Floats, boxes: npt.ArrayLike) -> Floats:
    """The smallest upright boxes (k, 4) around what `matrix` (3, 3) makes of boxes (k, 4).

    Of a box that reaches behind the horizon of a projective map, only the part before it counts; NaN if there is none.

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
    """What `matrix` (3, 3) makes of a polygon (n, 2): (m, 2), cut off at the horizon of a projective map."""
    points = np.asarray(polygon, np.float64)
    w = _homogeneous(matrix, points)[2]
    if len(points) and w.min() <= HORIZON:
        # Twice the horizon, so that rounding leaves the cut's ends before it.
        points = _cut(points, w - 2 * HORIZON)
    return map_points(matrix, points)


def bounding_box(points: Floats) -> Floats:
    """The smallest upright box (4,) around points (n, 2); NaN around none."""
    return np.concatenate([points.min(axis=0), points.max(axis=0)]) if len(points) else np.full(4, np.nan)


def clip_boxes(boxes: npt.ArrayLike, height: float, width: float) -> Floats:
    """Boxes (k, 4) cut to a frame; those outside it end as boxes without area on its edge.

    >>> clip_boxes([[-2, 1, 3, 9]], 4, 6).tolist()
    [[0.0, 1.0, 3.0, 4.0]]
    """
    result: Floats = np.clip(np.asarray(boxes, np.float64).reshape(-1, 4), 0.0, [width, height, width, height])
    return result


def box_areas(boxes: npt.ArrayLike) -> Floats:
    """Areas (k,) of boxes (k, 4) in square pixels; 0 for those that are empty or NaN.

    >>> box_areas([[1, 2, 3, 6], [3, 3, 1, 1]]).tolist()
    [8.0, 0.0]
    """
    x1, y1, x2, y2 = np.asarray(boxes, np.float64).reshape(-1, 4).T
    areas: Floats = np.fmax(x2 - x1, 0.0) * np.fmax(y2 - y1, 0.0)
    return areas


def clip_polygon(polygon: npt.ArrayLike, height: float, width: float) -> Floats:
    """The part (m, 2) of a polygon (n, 2) that lies in a frame: (0, 2) if none does.

    Sutherland and Hodgman, "Reentrant polygon clipping" (1974): what a concave polygon falls apart into stays joined
    by edges along the frame, which hold no area.

    >>> clip_polygon([[-2, 1], [2, 1], [2, 3], [-2, 3]], 4, 6).tolist()
    [[0.0, 1.0], [2.0, 1.0], [2.0, 3.0], [0.0, 3.0]]
    """
    points = np.asarray(polygon, np.float64).reshape(-1, 2)
    for axis, edge in ((0, float(width)), (1, float(height))):
        for side, sign in ((0.0, 1.0), (edge, -1.0)):
            points = _cut(points, sign * (points[:, axis] - side))
    return np.clip(points, 0.0, [width, height])  # where two edges meet, rounding may leave a point beside them


def polygon_area(polygon: npt.ArrayLike) -> float:
    """The area of a polygon (n, 2) without crossings, whichever way round its points go.

    >>> polygon_area([[0, 0], [4, 0], [4, 3]])
    6.0
    """
    points = np.asarray(polygon, np.float64).reshape(-1, 2)
    if len(points) < 3:
        return 0.0
    x, y = (points - points[0]).T
    return 0.5 * abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))


def _is_affine(matrix: Floats) -> bool:
    return bool(matrix[2, 0] == 0 and matrix[2, 1] == 0 and matrix[2, 2] == 1)


def _homogeneous(matrix: Floats, points: Floats) -> tuple[Floats, Floats, Floats]:
    x, y = points[..., 0], points[..., 1]
    # Written out, as a matrix product rounds differently with the number of points.
    first, second, third = (a * x + b * y + c for a, b, c in np.asarray(matrix, np.float64))
    return first, second, third


def _cut(points: Floats, inside: Floats) -> Floats:
    """The part of a polygon (n, 2) where `inside` (n,), which is linear along its edges, is not negative."""
    if not len(points) or inside.min() >= 0:
        return points
    kept: list[Floats] = []
    for a, b, at_a, at_b in zip(points, np.roll(points, -1, axis=0), inside, np.roll(inside, -1), strict=True):
        if at_a >= 0:
            kept.append(a)
        if (at_a >= 0) != (at_b >= 0):
            kept.append(a + (b - a) * (at_a / (at_a - at_b)))
    return np.array(kept).reshape(-1, 2)
