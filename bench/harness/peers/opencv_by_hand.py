"""OpenCV as an expert writes it by hand: one resize or one warpAffine for all geometry, then one pass a channel.

Rotations and affine maps are multiplied with what precedes them, so that every photo is sampled once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import cv2
import numpy as np

from harness.ops import Affine, Crop, Flip, Letterbox, Noise, Normalize, Ops, Pad, Resize, ResizedCrop, Rotation
from harness.peers.base import Peer, Unsupported, has

# (a, b, c, d, e, f): x' = a·x + b·y + c, y' = d·x + e·y + f. Plain numbers, because small arrays are slower.
Matrix = tuple[float, float, float, float, float, float]


@dataclass(slots=True)
class Frame:
    """Geometry that was drawn so far: `matrix` maps corner coordinates of the source to the canvas."""

    width: int
    height: int
    matrix: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    turned: bool = False
    mirrored: bool = False
    antialias: bool = False

    def then(self, matrix: Matrix) -> None:
        self.matrix = _product(matrix, self.matrix)

    def resize(self, width: int, height: int) -> None:
        self.then(_scaling(width / self.width, height / self.height))
        self.width, self.height = width, height

    def cut(self, left: float, top: float, width: int, height: int) -> None:
        self.then(_translation(-left, -top))
        self.width, self.height = width, height

    def about_centre(self, matrix: Matrix) -> None:
        x, y = self.width / 2, self.height / 2
        self.then(_product(_translation(x, y), _product(matrix, _translation(-x, -y))))
        self.turned = True


def _product(m: Matrix, n: Matrix) -> Matrix:
    """First n, then m."""
    a, b, c, d, e, f = n
    return (
        m[0] * a + m[1] * d,
        m[0] * b + m[1] * e,
        m[0] * c + m[1] * f + m[2],
        m[3] * a + m[4] * d,
        m[3] * b + m[4] * e,
        m[3] * c + m[4] * f + m[5],
    )


def _translation(x: float, y: float) -> Matrix:
    return 1.0, 0.0, x, 0.0, 1.0, y


def _scaling(x: float, y: float) -> Matrix:
    return x, 0.0, 0.0, 0.0, y, 0.0


def _turning(degrees: float) -> Matrix:
    """Counter-clockwise as seen on screen."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return cos, sin, 0.0, -sin, cos, 0.0


def _flip(frame: Frame, op: Flip, draw: Random) -> None:
    if draw.random() < op.p:
        frame.then((-1.0, 0.0, frame.width, 0.0, 1.0, 0.0))
        frame.mirrored = not frame.mirrored


def _crop(frame: Frame, op: Crop, draw: Random) -> None:
    left = _offset(draw, frame.width + 2 * op.padding - op.size) - op.padding
    top = _offset(draw, frame.height + 2 * op.padding - op.size) - op.padding
    frame.cut(left, top, op.size, op.size)


def _offset(draw: Random, room: int) -> int:
    return int(draw.random() * (room + 1))


def _pad(frame: Frame, op: Pad, draw: Random) -> None:
    frame.cut(-op.padding, -op.padding, frame.width + 2 * op.padding, frame.height + 2 * op.padding)


def _resize(frame: Frame, op: Resize, draw: Random) -> None:
    frame.resize(op.size, op.size)
    frame.antialias = op.antialias


def _resized_crop(frame: Frame, op: ResizedCrop, draw: Random) -> None:
    width, height = frame.width, frame.height
    for _ in range(10):
        area = width * height * draw.uniform(*op.scale)
        ratio = math.exp(draw.uniform(math.log(op.ratio[0]), math.log(op.ratio[1])))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            break
    else:
        w, h = min(width, round(height * op.ratio[1])), min(height, round(width / op.ratio[0]))
    frame.cut(_offset(draw, width - w), _offset(draw, height - h), w, h)
    frame.resize(op.size, op.size)
    frame.antialias = op.antialias


def _letterbox(frame: Frame, op: Letterbox, draw: Random) -> None:
    factor = op.size / max(frame.width, frame.height)
    frame.resize(round(frame.width * factor), round(frame.height * factor))
    frame.cut((frame.width - op.size) // 2, (frame.height - op.size) // 2, op.size, op.size)


def _rotation(frame: Frame, op: Rotation, draw: Random) -> None:
    frame.about_centre(_turning(draw.uniform(*op.degrees)))


def _affine(frame: Frame, op: Affine, draw: Random) -> None:
    scale = draw.uniform(*op.scale)
    shear = (1.0, -math.tan(math.radians(draw.uniform(-op.shear, op.shear))), 0.0, 0.0, 1.0, 0.0)
    frame.about_centre(_product(_turning(draw.uniform(*op.degrees)), _product(_scaling(scale, scale), shear)))
    x, y = draw.uniform(-op.translate, op.translate), draw.uniform(-op.translate, op.translate)
    frame.then(_translation(x * frame.width, y * frame.height))


STEPS: dict[type[Any], Callable[[Frame, Any, Random], None]] = {
    Flip: _flip,
    Crop: _crop,
    Pad: _pad,
    Resize: _resize,
    ResizedCrop: _resized_crop,
    Letterbox: _letterbox,
    Rotation: _rotation,
    Affine: _affine,
}


def _sample(image: Any, frame: Frame, border: int) -> Any:
    """Apply the geometry: in one warp after a rotation, or else a cut, a resize, margins and a flip."""
    if frame.turned:
        # OpenCV's coordinates are those of pixel centres.
        middle = _product(_translation(-0.5, -0.5), _product(frame.matrix, _translation(0.5, 0.5)))
        size = frame.width, frame.height
        return cv2.warpAffine(image, np.reshape(middle, (2, 3)), size, flags=cv2.INTER_LINEAR, borderMode=border)
    if not frame.mirrored:
        return _upright(image, frame, frame.matrix, border)
    unmirrored = _product((-1.0, 0.0, frame.width, 0.0, 1.0, 0.0), frame.matrix)
    return cv2.flip(_upright(image, frame, unmirrored, border), 1)


def _upright(image: Any, frame: Frame, matrix: Matrix, border: int) -> Any:
    """Cut, resize and pad by a matrix without turning or mirroring."""
    height, width = image.shape[:2]
    fx, _, x, _, fy, y = matrix
    left, top = round(max(0.0, -x / fx)), round(max(0.0, -y / fy))
    right, bottom = round(min(width, (frame.width - x) / fx)), round(min(height, (frame.height - y) / fy))
    part = image[top:bottom, left:right]
    if fx != 1.0 or fy != 1.0:
        size = round((right - left) * fx), round((bottom - top) * fy)
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if frame.antialias else cv2.INTER_LINEAR)
    over, before = max(0, round(y)), max(0, round(x))
    under, after = frame.height - over - part.shape[0], frame.width - before - part.shape[1]
    return cv2.copyMakeBorder(part, over, under, before, after, border) if over + before + under + after else part


def _noisy(image: Any, op: Noise) -> Any:
    noise = np.empty(image.shape, np.int16)
    cv2.randn(noise, (0.0,) * 4, (255 * op.sigma,) * 4)
    return cv2.add(image, noise, dtype=cv2.CV_8U)


def _normalised(image: Any, op: Normalize) -> Any:
    out = np.empty((len(op.mean), *image.shape[:2]), np.float32)
    for plane, channel, mean, std in zip(out, cv2.split(image), op.mean, op.std, strict=True):
        cv2.addWeighted(channel, 1 / (255 * std), channel, 0.0, -mean / std, plane, cv2.CV_32F)
    return out


VALUES: dict[type[Any], Callable[[Any, Any], Any]] = {Noise: _noisy, Normalize: _normalised}


class OpencvByHand(Peer):
    name = "OpenCV by hand"
    distribution = "opencv-python-headless"

    def __init__(self) -> None:
        cv2.setNumThreads(0)

    def transform(self, ops: Ops) -> Callable[[Any], Any]:
        for op in ops:
            if type(op) not in STEPS and type(op) not in VALUES:
                raise Unsupported(f"no {type(op).__name__}")
        moves = [op for op in ops if type(op) in STEPS]
        border = _border(ops)
        draw = Random(0)

        def run(image: Any) -> Any:
            if moves:
                frame = Frame(image.shape[1], image.shape[0])
                for move in moves:
                    STEPS[type(move)](frame, move, draw)
                image = _sample(image, frame, border)
            for op in ops[len(moves) :]:
                image = VALUES[type(op)](image, op)
            return image

        return run

    def notes(self, ops: Ops) -> list[str]:
        found = ["rounds noise to whole grey levels"] if has(ops, Noise) else []
        if has(ops, Resize, antialias=True) or has(ops, ResizedCrop, antialias=True):
            found.append("antialiases by INTER_AREA, a box filter, and only where both sides shrink")
        return found


def _border(ops: Ops) -> int:
    mirrored = cv2.BORDER_REFLECT_101 if has(ops, Pad) else cv2.BORDER_CONSTANT
    return int(cv2.BORDER_REFLECT if has(ops, Rotation, reflect=True) else mirrored)


PEER = OpencvByHand
