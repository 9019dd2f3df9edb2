"""Does the device give the CPU's pictures? Every kind of transform, on every dtype, bit by bit.

The tests marked `gpu` ask more; this needs neither pytest nor hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth import transforms as T
from augsynth.errors import ArgumentError

DTYPES = ("uint8", "uint16", "float32")
CHANNELS = (1, 3, 4, 5)

PIPELINES: dict[str, T.Transform] = {
    "flip": T.RandomHorizontalFlip(),
    "crop with padding": T.RandomCrop(20, padding=4),
    "rotation": T.RandomRotation(180),
    "rotation, nearest": T.RandomRotation(180, interpolation="nearest", border="wrap"),
    "affine, bicubic": T.RandomAffine(90, scale=(0.5, 2), shear=20, interpolation="bicubic", border="reflect"),
    "affine, antialiased": T.RandomAffine(90, scale=(0.3, 0.6), antialias=True, border="reflect101"),
    "perspective": T.RandomPerspective(0.5, 1.0),
    "resize, antialiased": T.Resize((11, 13)),
    "resize, bicubic": T.Resize((50, 70), interpolation="bicubic"),
    "gaussian noise": T.GaussianNoise(sigma=0.1),
    "exact gaussian noise": T.GaussianNoise(sigma=0.1, exact=True),
    "uniform noise": T.UniformNoise(-0.1, 0.1),
    "salt and pepper": T.SaltAndPepperNoise(0.2),
    "poisson noise": T.PoissonNoise(30.0),
    "speckle noise": T.SpeckleNoise(sigma=0.2),
    "brightness and contrast": T.ColorJitter(0.5, 0.5),
    "solarise": T.RandomSolarize(0.5, 1.0),
    "erasing": T.RandomErasing(1.0, value="random"),
    "missing values": T.FillMissing("random", 0.0),
    "missing values by mean": T.FillMissing("mean", 0.0),
    "blur": T.GaussianBlur(5),
    "equalise": T.RandomEqualize(1.0),
    "autocontrast": T.RandomAutocontrast(1.0),
    "sharpness": T.RandomAdjustSharpness(2.0, 1.0),
}


@dataclass(frozen=True)
class Parity:
    """Differences between device and CPU: the number of differing values, of all values, and the largest difference."""

    name: str
    dtype: str
    values: int
    differing: int
    largest: float


def compare(name: str, device: torch.device) -> list[Parity]:
    """Compare a pipeline on all dtypes."""
    return [_compared(name, PIPELINES[name], dtype, device) for dtype in DTYPES]


def _compared(name: str, transform: T.Transform, dtype: str, device: torch.device) -> Parity:
    values = differing = 0
    largest = 0.0
    for channels in CHANNELS:
        images = [_picture((24 + 3 * i, 40 - 2 * i, channels), dtype, i) for i in range(5)]
        for image, key in zip(images, range(5), strict=True):
            image_key = (7, 1, key)
            try:
                expected = transform(image, key=image_key)
            except ArgumentError:  # a transform may refuse such an image
                continue
            found = transform(torch.from_numpy(image).to(device).permute(2, 0, 1), key=image_key).cpu()
            off = (found.double() - expected.double()).abs()
            off = off[~(found.isnan() & expected.isnan())]
            values, differing = values + found.numel(), differing + int((off != 0).sum())
            largest = max(largest, float(off.max()) if off.numel() else 0.0)
    return Parity(name, dtype, values, differing, largest)


def _picture(shape: tuple[int, int, int], dtype: str, seed: int) -> npt.NDArray[Any]:
    values = np.random.default_rng(seed).random(shape, dtype=np.float32)
    return values if dtype == "float32" else (values * np.iinfo(dtype).max).astype(dtype)


def main() -> int:
    """Compare on the current device, for tools that watch a process: prints what differs."""
    device = torch.device("cuda", torch.cuda.current_device())
    off = [result for name in PIPELINES for result in compare(name, device) if result.differing]
    print(*off, sep="\n")
    return len(off) > 0


if __name__ == "__main__":
    raise SystemExit(main())
