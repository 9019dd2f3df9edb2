"""Sound inputs, from which hostile ones are made: every transform, images of every kind, targets of every form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from fuzz_junk import Rng, pick
from PIL import Image

from augsynth import transforms as T
from augsynth.transforms.examples import examples

FUNCTIONS: dict[str, Callable[..., Any]] = {"square": np.square, "flipud": np.flipud}

TRANSFORMS: tuple[T.Transform, ...] = (
    *examples(),
    T.RandomVerticalFlip(1.0),
    T.RandomRotation((-30, 60), "bicubic", expand=True, fill=0.5, border="reflect"),
    T.RandomRotation(45, "nearest", center=(1.0, 2.0)),
    T.RandomAffine(20, (0.1, 0.2), (0.5, 2.0), (-10, 10, -5, 5), border="wrap"),
    T.RandomScale((0.3, 3.0), (0.5, 2.0)),
    T.RandomTranslate((0.3, 0.1), border="reflect101"),
    T.RandomShear((-20, 20)),
    T.RandomPerspective(0.6, p=1.0),
    T.ElasticTransform((20.0, 30.0), 3.0, border="reflect"),
    T.GridDistortion(3, (-0.5, 0.7), "bicubic", border="wrap"),
    T.LensDistortion((-0.2, 0.3), (0.0, 0.1), "nearest", 0.5),
    T.ThinPlateSpline((0.0, 0.24), 3, border="replicate"),
    T.RandomCrop((5, 4), padding=(1, 2, 3, 4), pad_if_needed=True, border="replicate", min_visible=0.5),
    T.CenterCrop(6, pad_if_needed=True, fill=0.25),
    T.RandomBoxSafeCrop((6, 7), "nearest"),
    T.RandomIoUCrop(sampler_options=(0.1, 0.5), trials=5),
    T.CropNonEmptyMask(4, values=(1, 2)),
    T.RandomResizedCrop((6, 7), (0.1, 1.0), (0.5, 2.0), "bicubic", min_visible=0.3),
    T.Resize((9, 5), "bicubic"),
    T.Resize(6, max_size=20, antialias=False),
    T.Pad((1, 2, 3, 0), border="wrap"),
    T.Pad((1, -2, -1, 2), fill=0.5),
    T.RandomRotation(45, expand=True, center=(1.0, 2.0)),
    T.LongestSide((5, 9), rounding="down"),
    T.ShortestSide(5, max_size=7, interpolation="bicubic"),
    T.Letterbox((9, 7), enlarge=False, fill=0.5),
    T.PadIfNeeded(9, divisor=(4, 3), border="reflect"),
    T.CropAt("five", (4, 3), pad_if_needed=True),
    T.CropAt((-1, 0, 5, 4), pad_if_needed=True),
    T.GaussianNoise(0.01, (0.01, 0.2), exact=True),
    T.UniformNoise(-0.2, (0.0, 0.1), clip=False),
    T.SaltAndPepperNoise((0.1, 0.3), 0.4),
    T.PoissonNoise((5.0, 100.0)),
    T.ColorJitter(0.4, (0.5, 1.5), 0.3, 0.1),
    T.ColorMatrix(((0.5, 0.2, 0.1), (0.0, 1.0, 0.0), (0.3, 0.3, 0.3)), (0.1, 0.0, 0.0)),
    T.Grayscale(1),
    T.RandomGamma((0.5, 2.0), p=0.5),
    T.RandomErasing(0.9, (0.1, 0.5), (0.5, 2.0), "random", 2, 0.5),
    T.GridMask((0.3, 0.6), 0.5, (0.1, 0.2, 0.3), 0.9),
    T.FillMissing("random", 0.0, between=(0.0, 1.0)),
    T.FillMissing("mean", value=(0.1, 0.2, 0.3)),
    T.FillMissing("inpaint", 0.0),
    T.FillMissing("constant", ((True, False), (False, False))),
    T.GaussianBlur((3, 5), (0.1, 3.0)),
    T.CLAHE((1.0, 8.0), (8, 4)),
    T.MedianBlur((1, 5), p=0.9),
    T.MotionBlur((1.0, 6.0), (-30, 200), p=0.9),
    T.JPEGCompression((1, 100), p=0.9),
    T.Lambda(np.square, per_pixel=True),
    T.Normalize((0.4, 0.5, 0.6), (0.2, 0.2, 0.2)),
    T.ToDtype("bfloat16"),
    T.RandomApply((T.RandomRotation(9), T.GaussianBlur(3)), 0.5),
    T.RandomChoice((T.RandomInvert(), T.RandomGamma(), T.RandomHorizontalFlip()), (0.5, 0.25, 0.25)),
    T.SomeOf((T.RandomInvert(), T.RandomGamma(), T.RandomHorizontalFlip()), (0, 2), (0.5, 0.25, 0.25)),
    T.RandomOrder((T.RandomInvert(), T.RandomRotation(9), T.GaussianNoise())),
    T.ChannelDropout((1, 2), fill=0.5, p=0.9),
    T.PlanckianJitter(4000, p=0.9, clip=False),
    T.RandAugment(2, 20),
    T.AutoAugment("cifar10"),
)


def any_pipeline(rng: Rng, most: int = 4) -> T.Compose:
    """Up to `most` transforms in any order."""
    parts = [pick(rng, TRANSFORMS) for _ in range(rng.integers(0, most + 1))]
    form = pick(rng, ("contiguous_format", "contiguous_format", "channels_last"))
    return T.Compose(parts, rng.random() < 0.8, form, min_visibility=float(pick(rng, (0.0, 0.3))))


def any_key(rng: Rng) -> tuple[int, int, int]:
    return int(rng.integers(2**62)), int(rng.integers(3)), int(rng.integers(2**40))


def any_image(rng: Rng, dtypes: tuple[str, ...] = ("uint8", "uint16", "float32")) -> Any:
    """A sound image (H, W, C) of 1 to 16 channels and up to 40 pixels a side, floats with NaN and Inf at times."""
    height, width = (int(pick(rng, (1, 2, 3, 7, 16, 40))) for _ in range(2))
    shape, dtype = (height, width, int(pick(rng, (1, 3, 3, 3, 4, 16)))), np.dtype(pick(rng, dtypes))
    if dtype.kind == "u":
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    image = rng.random(shape, np.float32)
    if rng.random() < 0.3:
        image[rng.random(shape) < 0.2] = pick(rng, (np.nan, np.inf, -np.inf, 3e38, 1e-45))
    return image


PIL_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16", "F", "RGBX", "La", "RGBa")


def any_pil(rng: Rng) -> Any:
    size = tuple(int(side) for side in rng.integers(0, 9, 2))
    return Image.new(pick(rng, PIL_MODES), size)


def any_target(rng: Rng, height: int, width: int) -> Any:
    """A sound target in one of its forms, for an image of (height, width)."""
    count = int(rng.integers(0, 4))
    low = rng.random((count, 2)) * 0.8
    corners = np.concatenate([low, low + (1 - low) * rng.random((count, 2))], axis=1) * [width, height, width, height]
    forms = (_fields, _fields, _fields, _rotated, _coco, _voc)
    target: Any = pick(rng, forms)(rng, corners, height, width)
    return target


def _fields(rng: Rng, boxes: Any, height: int, width: int) -> dict[str, Any]:
    count = len(boxes)
    target = {
        "boxes": boxes,
        "labels": np.arange(count),
        "masks": rng.random((count, height, width)) < 0.5,
        "keypoints": rng.random((count, 2, 3)) * [width, height, 2],
        "area": rng.random(count),
        "iscrowd": [0] * count,
        "caption": "anything",
    }
    kept = {name: value for name, value in target.items() if rng.random() < 0.8}
    as_tensors = rng.random() < 0.3
    arrays = {name: torch.from_numpy(value) for name, value in kept.items() if isinstance(value, np.ndarray)}
    return {**kept, **arrays} if as_tensors else kept


def _rotated(rng: Rng, boxes: Any, height: int, width: int) -> dict[str, Any]:
    angles = rng.uniform(-180, 180, (len(boxes), 1))
    middle, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2] + 0.1
    return {"rotated_boxes": np.concatenate([middle, size, angles], axis=1), "labels": list(range(len(boxes)))}


def _coco(rng: Rng, boxes: Any, height: int, width: int) -> Any:
    annotations = [
        {
            "id": number,
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
            "category_id": 1,
            "iscrowd": 0,
            "segmentation": _segmentation(rng, (left, top, right, bottom), height, width),
            "keypoints": [left, top, 2, right, bottom, 1],
            "num_keypoints": 2,
        }
        for number, (left, top, right, bottom) in enumerate(boxes.tolist())
    ]
    return annotations if rng.random() < 0.5 else {"image_id": 3, "annotations": annotations}


def _segmentation(rng: Rng, box: tuple[float, ...], height: int, width: int) -> Any:
    left, top, right, bottom = box
    if rng.random() < 0.5:
        return [[left, top, right, top, right, bottom]]
    covered = int(rng.integers(0, height * width + 1))
    return {"size": [height, width], "counts": [height * width - covered, covered]}


def _voc(rng: Rng, boxes: Any, height: int, width: int) -> dict[str, Any]:
    objects = [
        {"name": "dog", "difficult": "0", "bndbox": dict(zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))}
        for box in boxes.tolist()
    ]
    size = {"width": str(width), "height": str(height), "depth": "3"}
    return {"annotation": {"filename": "a.jpg", "size": size, "object": objects}}
