"""Plan rows and pictures for the tests of the compiled core."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth import _native
from augsynth._native import layout
from augsynth._native.layout import Border, DType, Interpolation, NoiseKind

Array = npt.NDArray[Any]
DTYPES = {DType.UINT8: np.uint8, DType.UINT16: np.uint16, DType.FLOAT32: np.float32}
OUTPUT_DTYPES = {**DTYPES, DType.FLOAT16: np.float16, DType.BFLOAT16: np.uint16}

NOISE_PARAMETERS = {
    NoiseKind.NONE: (0, 0, 0, 0),
    NoiseKind.GAUSSIAN: (1.5, 20, 0, 0),
    NoiseKind.EXACT_GAUSSIAN: (1.5, 20, 0, 0),
    NoiseKind.UNIFORM: (-10, 30, 0, 0),
    NoiseKind.SALT_AND_PEPPER: (0.1, 0.3, 0, 255),
    NoiseKind.POISSON: (8, 0, 0, 0),
    NoiseKind.SPECKLE: (0.1, 0.2, 0, 0),
}


def make_rows(source: Array, output: Array, **fields: Any) -> Array:
    """One valid row for a source (H, W, C) and an output (C, H, W): a bilinear copy, but for `fields`."""
    rows = np.zeros(1, layout.ROW)
    kinds = {np.dtype(numpy): kind for kind, numpy in (*OUTPUT_DTYPES.items(), *DTYPES.items())}
    defaults = {
        "inverse": np.eye(3),
        "gain": 1.0,
        "edge": 1.0,
        "support": 1.0,
        "clamp": (-np.inf, np.inf),
        "source_size": source.shape[:2],
        "output_size": output.shape[1:],
        "channels": source.shape[2],
        "source_dtype": kinds[source.dtype],
        "output_dtype": kinds[output.dtype],
        "interpolation": Interpolation.BILINEAR,
        "border": Border.REPLICATE,
        "lut": -1,
        "colour": -1,
        "missing": -1,
        "displacement": -1,
    }
    for name, value in (defaults | fields).items():
        rows[name] = value
    return rows


def picture(shape: tuple[int, ...], dtype: Any = np.uint8, seed: int = 0) -> Array:
    """Uniform noise over the dtype's range, or [0, 1) for float32."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.random(shape, dtype=np.float32)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def rotation(angle: float, height: int, width: int) -> npt.NDArray[np.float64]:
    """The inverse matrix that turns a picture about its centre."""
    cos, sin = np.cos(angle), np.sin(angle)
    centre = np.array([width / 2, height / 2])
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.block([[turn, (centre - turn @ centre)[:, None]], [np.zeros((1, 2)), np.ones((1, 1))]])


def turned_batch(threads: int, images: int = 5) -> Array:
    """A batch of noisy, turned pictures, large enough for several tiles each: (B, C, H, W) float32."""
    sources = picture((images, 150, 200, 3))
    outputs = np.zeros((images, 3, 150, 200), np.float32)
    fields = {
        "inverse": rotation(0.3, 150, 200),
        "border": Border.REFLECT,
        "noise": 1,
        "noise_parameters": (0.0, 3.0, 0.0, 0.0),
    }
    rows = np.concatenate([make_rows(sources[i], outputs[i], stream=i, **fields) for i in range(images)])
    _native.run(rows, sources, outputs, threads=threads)
    return outputs


def unaligned(array: Array) -> Array:
    """The same values at an odd address."""
    memory = np.zeros(array.nbytes + 1, np.uint8)
    memory[1:] = array.reshape(-1).view(np.uint8)
    return memory[1:].view(array.dtype).reshape(array.shape)
