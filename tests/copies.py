"""Transforms that copy pixels, or leave them where they are, and pictures that show it: of what no arithmetic keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth import transforms as T
from augsynth.transforms.examples import examples

Image = npt.NDArray[Any]
Move = Callable[[Image], Image]

# Values that change in a sum with other pixels, or in a product with 0; the last two lie beyond the full scale.
SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 1e-45, -1e-45, 3e-39, 1e38, -2.5)


def special_picture(shape: tuple[int, int, int], dtype: str, seed: int = 0) -> Image:
    """Random pixels (H, W, C); of float32, every other one is one of `SPECIAL`, in one channel or all."""
    rng = np.random.default_rng(seed)
    if dtype != "float32":
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    image = rng.random(shape, dtype=np.float32)
    chosen = rng.choice(np.array(SPECIAL, np.float32), shape)
    return np.where(rng.random(shape) < 0.5, chosen, image)


def same(image: Image) -> Image:
    """The image."""
    return image


def _turned(times: int) -> Move:
    return lambda image: np.rot90(image, times)


def _crop(image: Image) -> Image:
    return image[2:6, 4:8]


ROTATION = T.RandomRotation(30)

# Left out by a choice: every transform that has a `p`, and every other one by `RandomApply` and by an unlikely choice.
# Normalize and ToDtype cannot be left to chance.
_EXAMPLES = [example for example in examples() if not isinstance(example, (T.Normalize, T.ToDtype, T.RandomApply))]
MAYBE: dict[str, T.Transform] = {
    **{
        type(example).__name__: replace(example, p=0.0)  # type: ignore[type-var]
        for example in _EXAMPLES
        if isinstance(getattr(example, "p", None), float)
    },
    "perspective, bicubic": T.RandomPerspective(p=0.0, interpolation="bicubic", border="reflect"),
    "erasing by a level": T.RandomErasing(0.0),
}
CERTAIN: tuple[T.Transform, ...] = (
    *(example for example in _EXAMPLES if type(example).__name__ not in MAYBE),
    T.RandomRotation(30, interpolation="bicubic", border="reflect"),
    T.RandomRotation(30, expand=True),
    T.RandomAffine(30, (0.1, 0.1), (0.3, 2.0), 10, interpolation="bicubic", border="wrap"),
    T.RandomCrop(4),
    T.RandomResizedCrop(5, interpolation="bicubic"),
    T.Resize(5, antialias=False),
    T.GaussianNoise(0.1, 0.2, exact=True),
    T.ColorJitter(brightness=0.5),
    T.FillMissing("mean"),
)
LEFT_OUT: dict[str, T.Pipeline] = {
    **MAYBE,
    **{f"{i}: {type(one).__name__}": T.RandomApply([one], p=0.0) for i, one in enumerate(CERTAIN)},
    "none of a choice": T.RandomChoice([T.RandomApply([ROTATION], 0.0), ROTATION], p=[1.0, 0.0]),
    "all that can be merged": T.Compose(
        [T.RandomApply([one], 0.0) for one in CERTAIN if not isinstance(one, (T.Lambda, T.GaussianBlur))]
    ),
    "nothing": T.Compose([]),
    "its own dtype": T.Compose([T.RandomApply([ROTATION], 0.0)]),
}

# Neutral parameters: what is done leaves every value as it is.
NEUTRAL: dict[str, T.Pipeline] = {
    "no rotation": T.RandomRotation(0),
    "no affine": T.RandomAffine(0, (0, 0), (1, 1), (0, 0)),
    "no affine, bicubic": T.RandomAffine(0, (0, 0), (1, 1), (0, 0), interpolation="bicubic"),
    "full turn": T.RandomRotation((360, 360)),
    "scale of 1": T.RandomScale((1, 1)),
    "scale of 1, bicubic": T.RandomScale((1, 1), interpolation="bicubic", border="reflect"),
    "no translation": T.RandomTranslate((0, 0)),
    "no shear": T.RandomShear((0, 0)),
    "no distortion": T.RandomPerspective(0.0, 1.0),
    "no displacement": T.ElasticTransform(alpha=0.0),
    "no grid": T.GridDistortion(5, 0.0, p=1.0),
    "no lens": T.LensDistortion(0.0, p=1.0),
    "no plate": T.ThinPlateSpline(0.0, p=1.0),
    "crop of everything": T.RandomResizedCrop((8, 11), (1, 1), (11 / 8, 11 / 8)),
    "no padding": T.Pad(0),
    "same size": T.Resize((8, 11)),
    "same size, bicubic": T.Resize((8, 11), "bicubic"),
    "same size, without antialias": T.Resize((8, 11), antialias=False),
    "same size, bicubic without antialias": T.Resize((8, 11), "bicubic", antialias=False),
    "there and back": T.Compose([T.RandomRotation((90, 90), expand=True), T.RandomRotation((-90, -90), expand=True)]),
    "twice mirrored": T.Compose([T.RandomHorizontalFlip(1.0), T.RandomRotation((0, 0)), T.RandomHorizontalFlip(1.0)]),
    "no noise": T.GaussianNoise(0.0, 0.0, clip=False),
    "no exact noise": T.GaussianNoise(0.0, 0.0, clip=False, exact=True),
    "no uniform noise": T.UniformNoise(0.0, 0.0, clip=False),
    "no salt": T.SaltAndPepperNoise(0.0),
    "no speckle": T.SpeckleNoise(0.0, 0.0, clip=False),
    "no jitter": T.ColorJitter(),
    "jitter by 1": T.ColorJitter((1, 1), (1, 1), (1, 1), (0, 0)),
    "gamma of 1": T.RandomGamma(1.0),
    "sharpness of 1": T.RandomAdjustSharpness(1.0, p=1.0),
    "kernel of one pixel": T.GaussianBlur(1),
    "narrow kernel": T.GaussianBlur(5, (0.1, 0.1)),
    "normalised by nothing": T.Normalize([0.0], [1.0], scale=False),
}

# Whole pixels that move, and where to.
MOVED: dict[str, tuple[T.Pipeline, Move]] = {
    "mirrored": (T.RandomHorizontalFlip(1.0), lambda image: image[:, ::-1]),
    "mirrored, then interpolated": (
        T.Compose([T.RandomHorizontalFlip(1.0), T.RandomRotation((0, 0), interpolation="bicubic")]),
        lambda image: image[:, ::-1],
    ),
    "quarter turn": (T.RandomRotation((90, 90), expand=True), _turned(1)),
    "quarter turn, bicubic": (T.RandomRotation((-90, -90), "bicubic", expand=True, border="reflect"), _turned(-1)),
    "half turn": (T.RandomRotation((180, 180)), _turned(2)),
    "half turn, antialiased": (T.RandomAffine((180, 180), border="wrap"), _turned(2)),
    "half turn, antialiased bicubic": (T.RandomAffine((180, 180), interpolation="bicubic"), _turned(2)),
    "cut out": (T.Compose([T.CenterCrop(4), T.RandomApply([ROTATION], 0.0)]), _crop),
    "cut out, bicubic": (T.Compose([T.CenterCrop(4), T.Resize(4, "bicubic")]), _crop),
    "padded": (T.Pad(2), lambda image: np.pad(image, ((2, 2), (2, 2), (0, 0)))),
    "padded, then interpolated": (
        T.Compose([T.Pad(2), T.RandomRotation((0, 0))]),
        lambda image: np.pad(image, ((2, 2), (2, 2), (0, 0))),
    ),
    "padded by reflection, bicubic": (
        T.Compose([T.Pad(3, border="reflect"), T.RandomScale((1, 1), interpolation="bicubic", border="reflect")]),
        lambda image: np.pad(image, ((3, 3), (3, 3), (0, 0)), "symmetric"),
    ),
    "every third pixel": (T.Resize((3, 4), antialias=False), lambda image: image[1:9:3, 1:12:3]),
}
