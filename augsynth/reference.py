"""The reference executor: `docs/design/numerics.md` in NumPy float64, clear before quick.

Every other executor is tested against this one. `run` has the signature of the native executor; `render` gives the
float64 picture before it is rounded to the output's dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augsynth.layout import Border, DType, Interpolation, Noise
from augsynth.plan import FULL_SCALE, NUMPY_DTYPES, Rows, check_rows
from augsynth.rng import philox

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Image = npt.NDArray[Any]
Images = Sequence[Image] | Image
Stream = npt.NDArray[np.uint32]

LARGE_MEAN = 16.0
_NOISY_MEAN = 2.0**48

_NIBBLES = np.array([-127, -79, -57, -44, -33, -23, -13, -4, 4, 13, 23, 33, 44, 57, 79, 127], dtype=np.int64)
_BYTES = np.arange(256)
_EVEN = 53 * _NIBBLES[_BYTES & 15] + 56 * _NIBBLES[_BYTES >> 4]
_ODD = 60 * _NIBBLES[_BYTES & 15] + 59 * _NIBBLES[_BYTES >> 4]
NOISE_SCALE = float(np.sqrt(3132762587136 / 65536))


def run(rows: Rows, sources: Images, outputs: Images) -> None:
    """Render each source (H, W, C) into its output (C, H, W)."""
    check_rows(rows)
    for row, source, output in zip(rows, sources, outputs, strict=True):
        output[...] = store(render(row, source), DType(row["output_dtype"]))


def render(row: np.void, source: Image) -> Floats:
    """The float64 output (C, H, W) of one row for a source (H, W, C)."""
    return finish(row, sample(row, source))


def finish(row: np.void, values: Floats) -> Floats:
    """What a pass does to the values (C, H, W) that it sampled: noise, clamp, gain and bias."""
    values = add_noise(row, values)
    values = np.minimum(np.maximum(values, row["clamp"][0]), row["clamp"][1])
    channels = int(row["channels"])
    result: Floats = values * row["gain"][:channels, None, None] + row["bias"][:channels, None, None]
    return result


def store(values: Floats, dtype: DType) -> Image:
    """Round to the output's dtype: integers are clamped and stored as floor(v + 1/2), NaN as 0.

    Floats are rounded to nearest even, half precision by way of float32; bfloat16 is given as its bits, in uint16.
    """
    if dtype in (DType.UINT8, DType.UINT16):
        clamped = np.clip(np.where(np.isnan(values), 0.0, values), 0, FULL_SCALE[dtype])
        return np.floor(clamped + 0.5).astype(NUMPY_DTYPES[dtype])
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
        return bfloat16_bits(single) if dtype == DType.BFLOAT16 else single.astype(NUMPY_DTYPES[dtype])


def bfloat16_bits(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """The upper half of each float32, rounded to nearest even by the lower one."""
    bits = values.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) >> np.uint64(16)
    return np.where(np.isnan(values), 0x7FC0, rounded).astype(np.uint16)


def positions(row: np.void) -> tuple[Floats, Floats]:
    """Source coordinates (x, y), each (H, W), of the output's pixel centres."""
    height, width = row["output_size"]
    x = np.arange(width) + 0.5
    y = (np.arange(height) + 0.5)[:, None]
    m = row["inverse"]
    sx = (m[0, 0] * x + m[0, 1] * y) + m[0, 2]
    sy = (m[1, 0] * x + m[1, 1] * y) + m[1, 2]
    if m[2, 0] == 0 and m[2, 1] == 0 and m[2, 2] == 1:
        return sx, sy
    w = (m[2, 0] * x + m[2, 1] * y) + m[2, 2]
    return sx / w, sy / w


def sample(row: np.void, source: Image) -> Floats:
    """Values (C, H, W) at a row's positions in a source (H, W, C), the border included."""
    if row["antialias"] and not keeps_axes(row) and row["interpolation"] != Interpolation.NEAREST:
        if np.any(reduced_size(row) != row["source_size"]):
            source = store(sample(reduction_of(row), source), DType(row["source_dtype"])).transpose(1, 2, 0)
        row = warp_of(row)
    source = source.astype(np.float64)
    sx, sy = positions(row)
    height, width = source.shape[:2]
    x_index, x_weight = taps(row, sx, width, axis=0)
    y_index, y_weight = taps(row, sy, height, axis=1)
    total = np.zeros((*sx.shape, source.shape[2]))
    for j in range(y_index.shape[-1]):
        line = np.zeros_like(total)
        for i in range(x_index.shape[-1]):
            line += x_weight[..., i, None] * source[y_index[..., j], x_index[..., i]]
        total += y_weight[..., j, None] * line
    values = np.moveaxis(total, -1, 0)
    if row["border"] != Border.CONSTANT:
        return values
    fill = row["fill"][: source.shape[2], None, None]
    k = coverage(row, sx, width, axis=0) * coverage(row, sy, height, axis=1)
    return np.where(k == 0, fill, np.where(k == 1, values, fill * (1 - k) + values * k))


def reduced_size(row: np.void) -> Ints:
    """The (height, width) to which antialiasing makes the source smaller before it is turned."""
    size = np.floor(row["source_size"] / row["support"][::-1] + 0.5)
    whole: Ints = np.maximum(size, 1).astype(np.int64)
    return whole


def keeps_axes(row: np.void) -> bool:
    """Whether a map takes the output's axes to the source's, in either order."""
    m = row["inverse"]
    affine = m[2, 0] == 0 and m[2, 1] == 0 and m[2, 2] == 1
    return bool(affine and (m[0, 1] == m[1, 0] == 0 or m[0, 0] == m[1, 1] == 0))


def reduction_of(row: np.void) -> np.void:
    """The row that makes the source smaller, in its own dtype."""
    size = reduced_size(row)
    scale = (row["source_size"] / size)[::-1]
    reduction: np.void = np.zeros(1, row.dtype)[0]
    for field in ("source_size", "channels", "source_dtype", "interpolation", "antialias", "border"):
        reduction[field] = row[field]
    reduction["output_size"], reduction["output_dtype"] = size, row["source_dtype"]
    reduction["inverse"], reduction["support"] = np.diag([*scale, 1.0]), scale
    reduction["gain"], reduction["edge"], reduction["clamp"] = 1.0, 1.0, (-np.inf, np.inf)
    if row["border"] == Border.CONSTANT:
        reduction["border"] = Border.REPLICATE
    return reduction


def warp_of(row: np.void) -> np.void:
    """The row that renders the output from the smaller picture, without antialiasing."""
    size = reduced_size(row)
    ratio = (size / row["source_size"])[::-1]
    warp: np.void = row.copy()
    warp["source_size"], warp["antialias"], warp["support"] = size, 0, 1.0
    warp["inverse"][:2] *= ratio[:, None]
    warp["edge"] *= ratio
    return warp


def taps(row: np.void, s: Floats, size: int, axis: int) -> tuple[Ints, Floats]:
    """Indices and weights (H, W, taps) along one axis (0 is x) for positions s of a source `size` pixels long."""
    interpolation = Interpolation(row["interpolation"])
    if interpolation == Interpolation.NEAREST:
        return mapped(np.floor(s)[..., None], size, Border(row["border"])), np.ones((*s.shape, 1))
    if row["antialias"]:
        return _filter_taps(row, s, size, float(row["support"][axis]))
    u = s - 0.5
    base = np.floor(u)
    f = u - base
    if interpolation == Interpolation.BILINEAR:
        index = np.stack([base, base + 1], axis=-1)
        weight = np.stack([1 - f, f], axis=-1)
    else:
        index = np.stack([base - 1, base, base + 1, base + 2], axis=-1)
        weight = np.stack(
            [
                keys_cubic(f + 1, -0.75),
                keys_cubic(f, -0.75),
                keys_cubic(1 - f, -0.75),
                keys_cubic(2 - f, -0.75),
            ],
            axis=-1,
        )
    return mapped(index, size, Border(row["border"])), weight


def _filter_taps(row: np.void, s: Floats, size: int, support: float) -> tuple[Ints, Floats]:
    linear = row["interpolation"] == Interpolation.BILINEAR
    border = Border(row["border"])
    drops = border in (Border.CONSTANT, Border.REPLICATE)
    if drops:
        s = np.clip(s, 0, size)
    radius = support if linear else 2 * support
    first = np.floor(s - radius)
    index = first[..., None] + np.arange(int(np.ceil(2 * radius)) + 2)
    offset = (index + 0.5 - s[..., None]) / support
    distance = np.abs(offset)
    weight = np.maximum(1 - distance, 0) if linear else keys_cubic(distance, -0.5)
    kept = distance < (1 if linear else 2)
    if drops:
        kept &= (index >= 0) & (index < size)
    weight = np.where(kept, weight, 0.0)
    # Nought times a pixel is not nothing if the pixel is NaN: what is left out points at a tap that counts.
    index = np.where(kept, index, np.take_along_axis(index, weight.argmax(axis=-1)[..., None], axis=-1))
    return mapped(index, size, border), weight / weight.sum(axis=-1, keepdims=True)


def keys_cubic(t: Floats, a: float) -> Floats:
    """Keys' cubic convolution kernel at distances t >= 0 (Keys 1981, eq. 4)."""
    inner = ((a + 2) * t - (a + 3)) * t * t + 1
    outer = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, inner, np.where(t < 2, outer, 0.0))


def mapped(index: Floats | Ints, size: int, border: Border) -> Ints:
    """Indices inside [0, size) for taps anywhere, by the border's rule."""
    i = index.astype(np.int64)
    if border in (Border.CONSTANT, Border.REPLICATE):
        return np.clip(i, 0, size - 1)
    if border == Border.WRAP:
        return i % size
    if border == Border.REFLECT:
        i = i % (2 * size)
        return np.where(i < size, i, 2 * size - 1 - i)
    period = max(2 * (size - 1), 1)
    i = i % period
    return np.where(i < size, i, period - i)


def coverage(row: np.void, s: Floats, size: int, axis: int) -> Floats:
    """How much of the source a position sees along one axis, 0 to 1."""
    if row["interpolation"] == Interpolation.NEAREST:
        return np.where((s >= 0) & (s < size), 1.0, 0.0)
    edge = float(row["edge"][axis])
    return np.clip(0.5 + s / edge, 0, 1) * np.clip(0.5 + (size - s) / edge, 0, 1)


def add_noise(row: np.void, values: Floats) -> Floats:
    """The values (C, H, W) with the noise of the row, in the source's units."""
    stream, shape = row["stream"], values.shape
    p0, p1, p2, p3 = (float(parameter) for parameter in row["noise_parameters"])
    match Noise(row["noise"]):
        case Noise.NONE:
            return values
        case Noise.GAUSSIAN:
            return values + (p0 + p1 * table_normal(stream, shape))
        case Noise.EXACT_GAUSSIAN:
            return values + (p0 + p1 * normal_quantile(uniform(stream, shape)))
        case Noise.UNIFORM:
            return values + (p0 + (p1 - p0) * (halves(stream, shape) + 0.5) / 2**16)
        case Noise.SALT_AND_PEPPER:
            u = uniform(stream, (1, *shape[1:]))
            return np.where(u < p0, p2, np.where(u < p1, p3, values))
        case Noise.POISSON:
            mean = np.maximum(values, 0.0) / p0
            noisy = mean < _NOISY_MEAN
            counts = poisson_quantile(uniform(stream, shape), np.where(noisy, mean, 0.0))
            return np.where(noisy, counts * p0, values)
        case Noise.SPECKLE:
            return values + values * (p0 + p1 * table_normal(stream, shape))


def halves(stream: Stream, shape: tuple[int, ...]) -> npt.NDArray[np.uint32]:
    """16 random bits for each value of an image (C, H, W)."""
    channels, height, width = shape
    words = _words(stream, channels, height, -(-width // 8))
    pairs = np.stack([words & np.uint32(0xFFFF), words >> np.uint32(16)], axis=-1)
    return pairs.reshape(channels, height, -1)[..., :width]


def uniform(stream: Stream, shape: tuple[int, ...]) -> Floats:
    """Uniform numbers in (0, 1) for each value of an image (C, H, W), from 32 random bits each."""
    channels, height, width = shape
    words = _words(stream, channels, height, -(-width // 4)).reshape(channels, height, -1)[..., :width]
    result: Floats = (words + 0.5) / 2**32
    return result


def _words(stream: Stream, channels: int, height: int, blocks: int) -> npt.NDArray[np.uint32]:
    """The words (channels, height, blocks, 4) of a noise stream."""
    counter = np.empty((channels, height, blocks, 4), dtype=np.uint32)
    channel = np.arange(channels, dtype=np.uint32)[:, None, None]
    counter[..., 0] = (channel << np.uint32(28)) | np.arange(blocks, dtype=np.uint32)
    counter[..., 1] = np.arange(height, dtype=np.uint32)[:, None]
    counter[..., 2:] = stream[2:]
    return philox(counter, np.asarray(stream[:2], dtype=np.uint32))


def table_normal(stream: Stream, shape: tuple[int, ...]) -> Floats:
    """Standard normal variates (C, H, W) from 16 random bits each."""
    bits = halves(stream, shape)
    result: Floats = (_EVEN[bits & 0xFF] + _ODD[bits >> 8]) / NOISE_SCALE
    return result


def normal_quantile(u: Floats) -> Floats:
    """The inverse of the normal distribution function."""
    result: Floats = torch.special.ndtri(torch.from_numpy(u)).numpy()
    return result


def poisson_quantile(u: Floats, mean: Floats) -> Floats:
    """The Poisson count below which less than `u` of all lie; for means above 16 the stated approximation of it."""
    large = mean > LARGE_MEAN
    return np.where(large, _expanded_poisson(u, np.where(large, mean, 1.0)), _summed_poisson(u, mean * ~large))


def _summed_poisson(u: Floats, mean: Floats) -> Floats:
    probability = np.exp(-mean)
    total, count, following = probability.copy(), np.zeros_like(mean), 1
    while np.any(total < u):
        count += total < u
        probability *= mean / following
        total += probability
        following += 1
    return count


def _expanded_poisson(u: Floats, mean: Floats) -> Floats:
    z, root = normal_quantile(u), np.sqrt(mean)
    count = mean + root * z + (1 / 3 + z**2 / 6) - (z / 36 + z**3 / 72) / root
    count += (-8 / 405 + 7 * z**2 / 810 + z**4 / 270) / mean
    return np.floor(np.maximum(count, 0.0))
