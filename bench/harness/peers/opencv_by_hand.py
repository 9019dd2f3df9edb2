"""OpenCV as an expert writes it by hand: one resize or one warpAffine for all geometry, then one pass a channel.

Rotations and affine maps are multiplied with what precedes them, so that every photo is sampled once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from harness.ops import Affine, Crop, Flip, Letterbox, Noise, Normalize, Ops, Pad, Resize, ResizedCrop, Rotation
from harness.peers.base import Peer, Unsupported, has

Matrix = npt.NDArray[np.float64]
Geometry = (Crop, Flip, Letterbox, Pad, Resize, ResizedCrop, Rotation, Affine)


@dataclass
class Frame:
    """What geometry was drawn so far: `matrix` leads from the source's corner coordinates to the canvas."""

    width: int
    height: int
    matrix: Matrix
    turned: bool = False
    mirrored: bool = False
    antialias: bool = False

    def then(self, matrix: Matrix) -> None:
        self.matrix = matrix @ self.matrix

    def resize(self, width: int, height: int) -> None:
        self.then(_scaling(width / self.width, height / self.height))
        self.width, self.height = width, height

    def cut(self, left: float, top: float, width: int, height: int) -> None:
        self.then(_translation(-left, -top))
        self.width, self.height = width, height

    def about_centre(self, matrix: Matrix) -> None:
        x, y = self.width / 2, self.height / 2
        self.then(_translation(x, y) @ matrix @ _translation(-x, -y))
        self.turned = True


def _translation(x: float, y: float) -> Matrix:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _scaling(x: float, y: float) -> Matrix:
    return np.diag([x, y, 1.0])


def _turning(degrees: float) -> Matrix:
    """Counter-clockwise as seen on screen."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _flip(frame: Frame, op: Flip, random: np.random.Generator) -> None:
    if random.random() < op.p:
        frame.then(_translation(frame.width, 0.0) @ _scaling(-1.0, 1.0))
        frame.mirrored = not frame.mirrored


def _crop(frame: Frame, op: Crop, random: np.random.Generator) -> None:
    left = random.integers(frame.width + 2 * op.padding - op.size + 1) - op.padding
    top = random.integers(frame.height + 2 * op.padding - op.size + 1) - op.padding
    frame.cut(left, top, op.size, op.size)


def _pad(frame: Frame, op: Pad, random: np.random.Generator) -> None:
    frame.cut(-op.padding, -op.padding, frame.width + 2 * op.padding, frame.height + 2 * op.padding)


def _resize(frame: Frame, op: Resize, random: np.random.Generator) -> None:
    frame.resize(op.size, op.size)
    frame.antialias = op.antialias


def _resized_crop(frame: Frame, op: ResizedCrop, random: np.random.Generator) -> None:
    width, height = frame.width, frame.height
    for _ in range(10):
        area = width * height * random.uniform(*op.scale)
        ratio = math.exp(random.uniform(math.log(op.ratio[0]), math.log(op.ratio[1])))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            break
    else:
        w, h = min(width, round(height * op.ratio[1])), min(height, round(width / op.ratio[0]))
    frame.cut(random.integers(width - w + 1), random.integers(height - h + 1), w, h)
    frame.resize(op.size, op.size)
    frame.antialias = op.antialias


def _letterbox(frame: Frame, op: Letterbox, random: np.random.Generator) -> None:
    factor = op.size / max(frame.width, frame.height)
    frame.resize(round(frame.width * factor), round(frame.height * factor))
    frame.cut((frame.width - op.size) // 2, (frame.height - op.size) // 2, op.size, op.size)


def _rotation(frame: Frame, op: Rotation, random: np.random.Generator) -> None:
    frame.about_centre(_turning(random.uniform(*op.degrees)))


def _affine(frame: Frame, op: Affine, random: np.random.Generator) -> None:
    scale = random.uniform(*op.scale)
    shear = np.eye(3)
    shear[0, 1] = -math.tan(math.radians(random.uniform(-op.shear, op.shear)))
    frame.about_centre(_turning(random.uniform(*op.degrees)) @ _scaling(scale, scale) @ shear)
    x, y = random.uniform(-op.translate, op.translate, 2)
    frame.then(_translation(x * frame.width, y * frame.height))


STEPS: dict[type[Any], Callable[[Frame, Any, np.random.Generator], None]] = {
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
    """One call where the frame allows it: a warp where something turned, else a cut, a resize, margins and a flip."""
    if frame.turned:
        middle = _translation(-0.5, -0.5) @ frame.matrix @ _translation(0.5, 0.5)  # OpenCV's pixel 0 is its centre
        return cv2.warpAffine(image, middle[:2], (frame.width, frame.height), flags=cv2.INTER_LINEAR, borderMode=border)
    matrix = _translation(frame.width, 0.0) @ _scaling(-1.0, 1.0) @ frame.matrix if frame.mirrored else frame.matrix
    sampled = _upright(image, frame, matrix, border)
    return cv2.flip(sampled, 1) if frame.mirrored else sampled


def _upright(image: Any, frame: Frame, matrix: Matrix, border: int) -> Any:
    """Cut, resize and pad by a matrix without turning or mirroring."""
    height, width = image.shape[:2]
    fx, fy, x, y = matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]
    left, top = round(max(0.0, -x / fx)), round(max(0.0, -y / fy))
    right, bottom = round(min(width, (frame.width - x) / fx)), round(min(height, (frame.height - y) / fy))
    part = image[top:bottom, left:right]
    if (fx, fy) != (1.0, 1.0):
        size = round((right - left) * fx), round((bottom - top) * fy)
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if frame.antialias else cv2.INTER_LINEAR)
    over, before = max(0, round(y)), max(0, round(x))
    under, after = frame.height - over - part.shape[0], frame.width - before - part.shape[1]
    return cv2.copyMakeBorder(part, over, under, before, after, border) if over + before + under + after else part


def _noisy(image: Any, sigma: float) -> Any:
    noise = np.empty(image.shape, np.int16)
    cv2.randn(noise, (0.0,) * 4, (255 * sigma,) * 4)
    return cv2.add(image, noise, dtype=cv2.CV_8U)


def _normalised(image: Any, op: Normalize) -> Any:
    out = np.empty((len(op.mean), *image.shape[:2]), np.float32)
    for plane, channel, mean, std in zip(out, cv2.split(image), op.mean, op.std, strict=True):
        cv2.addWeighted(channel, 1 / (255 * std), channel, 0.0, -mean / std, plane, cv2.CV_32F)
    return out


class OpencvByHand(Peer):
    name = "OpenCV by hand"
    distribution = "opencv-python-headless"

    def __init__(self) -> None:
        cv2.setNumThreads(0)

    def transform(self, ops: Ops) -> Callable[[Any], Any]:
        for op in ops:
            if not isinstance(op, (*Geometry, Noise, Normalize)):
                raise Unsupported(f"no {type(op).__name__}")
        moves = [op for op in ops if isinstance(op, Geometry)]
        border = _border(ops)
        random = np.random.default_rng(0)

        def run(image: Any) -> Any:
            if moves:
                frame = Frame(image.shape[1], image.shape[0], np.eye(3))
                for op in moves:
                    STEPS[type(op)](frame, op, random)
                image = _sample(image, frame, border)
            for op in ops[len(moves) :]:
                image = _noisy(image, op.sigma) if isinstance(op, Noise) else _normalised(image, op)
            return image

        return run

    def notes(self, ops: Ops) -> list[str]:
        found = ["rounds noise to whole grey levels"] if has(ops, Noise) else []
        if has(ops, Resize, antialias=True) or has(ops, ResizedCrop, antialias=True):
            found.append("antialiases by INTER_AREA, a box filter, and only where both sides shrink")
        return found


def _border(ops: Ops) -> int:
    if has(ops, Rotation, reflect=True):
        return cv2.BORDER_REFLECT
    return cv2.BORDER_REFLECT_101 if has(ops, Pad) else cv2.BORDER_CONSTANT


PEER = OpencvByHand
