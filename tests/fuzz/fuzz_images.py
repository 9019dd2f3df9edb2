"""Images of every kind through pipelines of every transform: odd shapes, layouts, dtypes, libraries and contents."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from fuzz_corpus import any_image, any_key, any_pil, any_pipeline
from fuzz_junk import NUMBERS, Rng, any_array, any_tensor, junk, mutated, odd_tensor, pick
from fuzz_trials import RAN, same_twice

from augsynth import transforms as T


def images(rng: Rng) -> str:
    """One image, sound or not, through up to four transforms."""
    pipeline, key, image = any_pipeline(rng), any_key(rng), hostile_image(rng)
    if isinstance(image, np.ndarray) and image.size > 2**20:
        pipeline = T.Compose([T.CenterCrop(6, pad_if_needed=True), *pipeline.transforms])
    same_twice(lambda: pipeline(image, key=key))
    return RAN


def batches(rng: Rng) -> str:
    """A batch with all that may be given beside it: images of any sizes, keys, `out`."""
    crop = T.CenterCrop(6, pad_if_needed=True)
    pipeline = T.Compose([crop, *any_pipeline(rng, 3).transforms])
    given = _any_batch(rng)
    count = int(rng.integers(0, 4)) if rng.random() < 0.1 else 2
    keys: Any = [any_key(rng) for _ in range(count)]
    if rng.random() < 0.2:
        keys = pick(rng, (mutated(rng, keys), np.asarray(keys, object), [(0, 0, pick(rng, NUMBERS))] * 2, junk(rng)))
    out = _any_out(rng) if rng.random() < 0.3 else None
    same_twice(lambda: pipeline.batch(given, keys=keys, out=out))
    return RAN


def hostile_image(rng: Rng) -> Any:
    """A sound image in an odd form, or no image at all."""
    roll = rng.random()
    if roll < 0.6:
        return odd_layout(rng, any_image(rng))
    if roll < 0.75:
        return _as_tensor(rng, any_image(rng))
    if roll < 0.85:
        return any_pil(rng)
    return pick(rng, (any_array, any_tensor, junk))(rng)


def odd_layout(rng: Rng, image: Any) -> Any:
    """The image with other strides, dimensions, dtype or channels."""
    height, width, channels = image.shape
    forms = (
        image,
        image,
        image[::-1, ::-1, ::-1],
        image.transpose(1, 0, 2),
        np.asfortranarray(image),
        image[..., 0],
        np.lib.stride_tricks.as_strided(image, (height, width, 3), (image.strides[0], 0, 0)),
        np.broadcast_to(image[:1, :1], (int(pick(rng, (1, 33, 2**20, 2**25))), 2, channels)),
        image[:0],
        image[:, :, :0],
        np.repeat(image, 17, axis=2),
        image[None],
        image.astype(image.dtype.newbyteorder()),
        image.astype(pick(rng, ("float64", "float16", "int32", "bool", "object", "complex64"))),
        _unaligned(image),
        image.tolist(),
    )
    odd: Any = pick(rng, forms)
    if isinstance(odd, np.ndarray) and rng.random() < 0.3:
        odd = odd.view()
        odd.flags.writeable = False
    return odd


def _unaligned(image: Any) -> Any:
    memory = np.zeros(image.nbytes + 1, np.uint8)
    view = memory[1:].view(image.dtype).reshape(image.shape)
    view[...] = image
    return view


def _as_tensor(rng: Rng, image: Any) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
    forms = (tensor, tensor.contiguous(), tensor.float(), tensor.half(), tensor.double(), tensor[:1].expand(3, -1, -1))
    return odd_tensor(rng, pick(rng, forms))


def _any_batch(rng: Rng) -> Any:
    roll = rng.random()
    if roll < 0.5:
        dtype = pick(rng, ("uint8", "uint16", "float32"))
        return [odd_layout(rng, any_image(rng, (dtype,))) if rng.random() < 0.2 else _three(rng, dtype) for _ in "ab"]
    shape = tuple(int(pick(rng, (0, 1, 2, 2, 2, 3, 9))) for _ in range(rng.integers(2, 6)))
    array = np.zeros(shape, pick(rng, ("uint8", "uint16", "float32", "float64")))
    return pick(rng, (array, torch.from_numpy(array), [hostile_image(rng), hostile_image(rng)], junk(rng)))


def _three(rng: Rng, dtype: str) -> Any:
    return any_image(rng, (dtype,))[..., :1].repeat(3, axis=2)


def _any_out(rng: Rng) -> Any:
    kind = pick(rng, (torch.uint8, torch.uint16, torch.float32, torch.bfloat16))
    out = torch.zeros(2, 3, 6, 6, dtype=kind)
    if rng.random() < 0.3:
        return pick(rng, (out[:, :, :, :1].expand(2, 3, 6, 6), out[:1].expand(2, 3, 6, 6), out.mT, junk(rng)))
    return odd_tensor(rng, pick(rng, (out, out.to(memory_format=torch.channels_last))))
