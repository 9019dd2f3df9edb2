"""Time of a mosaic of four photographs with boxes, beside OpenCV's operations and albumentations.

    python bench/mosaic.py --write

Each of 16 outputs of 640x640 pixels shows four images of 480x640 pixels with ten boxes each, scaled so that the
longer side is 320 pixels, at a drawn crossing point: the mosaic of YOLOv5. All contenders give a batch (16, 3, 640,
640) of uint8 and the clipped boxes. "OpenCV" is YOLOv5's way, written out here: `cv2.resize`, a canvas of 114, four
copies and boxes in NumPy. albumentations scales and cuts a larger grid. They take turns, and the CPU time of one
thread counts: the median of the rounds, with the smallest and the largest.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import torch
from harness.machine import describe, load
from harness.script import print_table

from augsynth import transforms as T

COUNT, SIZE, HEIGHT, WIDTH, OBJECTS = 16, 640, 480, 640, 10
RESULTS = Path(__file__).parent / "results" / "mosaic.md"
Contender = Callable[[int], Any]


def data() -> tuple[list[Any], list[dict[str, Any]]]:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(COUNT)]
    corners = rng.uniform(0, 1, (COUNT, OBJECTS, 2, 2)) * (WIDTH, HEIGHT)
    boxes = np.concatenate([corners.min(axis=2), corners.max(axis=2)], axis=-1)
    return images, [{"boxes": found, "labels": np.arange(OBJECTS)} for found in boxes]


def ours(images: Any, targets: Any, fit: str, antialias: bool = True) -> Contender:
    mosaic = T.Mosaic(SIZE, fit=fit, fill=114, antialias=antialias)
    return lambda turn: mosaic.batch(images, targets, keys=[(0, turn, index) for index in range(COUNT)])


def opencv(images: Any, targets: Any) -> Contender:
    import cv2

    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)

    def one(index: int) -> tuple[Any, Any, Any]:
        chosen = [index, *rng.integers(0, COUNT, 3)]
        x, y = rng.integers(SIZE // 4, SIZE * 3 // 4, 2)
        canvas, found, labels = np.full((SIZE, SIZE, 3), 114, np.uint8), [], []
        for cell, number in enumerate(chosen):
            ratio = SIZE / 2 / max(HEIGHT, WIDTH)
            image = cv2.resize(
                images[number], (int(WIDTH * ratio), int(HEIGHT * ratio)), interpolation=cv2.INTER_LINEAR
            )
            h, w = image.shape[:2]
            left, top = (x - w if cell % 2 == 0 else x), (y - h if cell < 2 else y)
            x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + w, SIZE), min(top + h, SIZE)
            canvas[y1:y2, x1:x2] = image[y1 - top : y2 - top, x1 - left : x2 - left]
            found.append(np.clip(targets[number]["boxes"] * ratio + (left, top, left, top), 0, SIZE))
            labels.append(targets[number]["labels"])
        boxes = np.concatenate(found)
        kept = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        return canvas.transpose(2, 0, 1), boxes[kept], np.concatenate(labels)[kept]

    def batch(_: int) -> Any:
        made = [one(index) for index in range(COUNT)]
        return torch.from_numpy(np.stack([image for image, _, _ in made])), made

    return batch


def albumentations(images: Any, targets: Any) -> Contender:
    import albumentations as A

    items = [
        {"image": image, "bboxes": target["boxes"], "classes": target["labels"]}
        for image, target in zip(images, targets, strict=True)
    ]
    mosaic = A.Mosaic(target_size=(SIZE, SIZE), cell_shape=(SIZE // 2, SIZE // 2), fit_mode="contain", p=1.0)
    pipeline = A.Compose([mosaic], bbox_params=A.BboxParams("pascal_voc", label_fields=["classes"]), seed=0)
    rng = np.random.default_rng(1)

    def batch(_: int) -> Any:
        others = rng.integers(0, COUNT, (COUNT, 3))
        made = [
            pipeline(**item, mosaic_metadata=[items[number] for number in numbers])
            for item, numbers in zip(items, others, strict=True)
        ]
        return torch.from_numpy(np.stack([one["image"].transpose(2, 0, 1) for one in made])), made

    return batch


def measure(rounds: int) -> str:
    images, targets = data()
    contenders = {
        "augsynth, `contain`, antialiased": ours(images, targets, "contain"),
        "augsynth, `contain`, `antialias=False`": ours(images, targets, "contain", antialias=False),
        "augsynth, `cover`, antialiased (every pixel is of an image)": ours(images, targets, "cover"),
        "OpenCV, as in YOLOv5": opencv(images, targets),
    }
    if find_spec("albumentations"):
        contenders["albumentations"] = albumentations(images, targets)
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, run in contenders.items():
            start = process_time()
            run(turn)
            spent[name].append(1e3 * (process_time() - start) / COUNT)
    rows = [
        f"| {name} | {median(times[1:]):.2f} | {min(times[1:]):.2f} to {max(times[1:]):.2f} |"
        for name, times in spent.items()
    ]
    where = describe()
    about = f"{where['processor']}, {where['cores']} cores, torch {torch.__version__}, augsynth at {where['commit']}"
    lines = [
        "# Mosaics",
        "",
        f"Milliseconds of CPU time for one output of 640x640 pixels, one thread, {rounds} rounds in turns.",
        "",
        "| | median | smallest to largest |",
        "| --- | --- | --- |",
        *rows,
        "",
        f"{about}, {where['date']}, load {load()}. Written by bench/mosaic.py.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print_table(__doc__, RESULTS, 15, measure)
