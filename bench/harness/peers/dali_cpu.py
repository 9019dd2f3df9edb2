"""NVIDIA DALI on the CPU, with one thread: a batch from memory, without a copy of the input, through one pipeline.

The pipelines are those of the GPU too (`harness/gpu`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import nvidia.dali.fn as fn
from nvidia.dali import Pipeline, math, types

from harness.images import ImageSet
from harness.ops import Affine, Crop, Flip, Letterbox, Noise, Normalize, Ops, Resize, ResizedCrop, Rotation
from harness.peers.base import Peer, Unsupported, has
from harness.timing import Way

Node = Any


def _resize(node: Node, op: Resize) -> Node:
    return fn.resize(node, resize_x=op.size, resize_y=op.size, interp_type=types.INTERP_LINEAR, antialias=op.antialias)


def _resized_crop(node: Node, op: ResizedCrop) -> Node:
    return fn.random_resized_crop(
        node,
        size=(op.size, op.size),
        random_area=op.scale,
        random_aspect_ratio=op.ratio,
        interp_type=types.INTERP_LINEAR,
        antialias=op.antialias,
    )


def _crop(node: Node, op: Crop) -> Node:
    room = node.shape(dtype=types.INT32)[:2] + (2 * op.padding - op.size)
    drawn = fn.random.uniform(range=(0.0, 1.0), shape=[2])
    start = fn.cast(math.floor(drawn * (room + 1)), dtype=types.INT32) - op.padding
    return fn.slice(node, start=start, shape=[op.size, op.size], axes=[0, 1], out_of_bounds_policy="pad")


def _letterbox(node: Node, op: Letterbox) -> Node:
    large = fn.resize(node, resize_longer=op.size, interp_type=types.INTERP_LINEAR, antialias=False)
    return fn.crop(large, crop=(op.size, op.size), out_of_bounds_policy="pad", fill_values=0)


def _rotation(node: Node, op: Rotation) -> Node:
    return fn.rotate(node, angle=_uniform(*op.degrees), keep_size=True, fill_value=0, interp_type=types.INTERP_LINEAR)


def _affine(node: Node, op: Affine) -> Node:
    extent = fn.cast(node.shape()[:2], dtype=types.FLOAT)
    size = fn.stack(extent[1], extent[0])
    scale, moved = _uniform(*op.scale), (-op.translate, op.translate)
    matrix = fn.transforms.combine(
        fn.transforms.shear(angles=fn.stack(_uniform(-op.shear, op.shear), 0.0), center=size / 2),
        fn.transforms.scale(scale=fn.stack(scale, scale), center=size / 2),
        fn.transforms.rotation(angle=_uniform(-op.degrees[1], -op.degrees[0]), center=size / 2),
        fn.transforms.translation(offset=size * fn.stack(_uniform(*moved), _uniform(*moved))),
    )
    return fn.warp_affine(node, matrix=matrix, fill_value=0, interp_type=types.INTERP_LINEAR, inverse_map=False)


def _uniform(low: float, high: float) -> Node:
    """Return a random number an image; DALI refuses empty ranges."""
    return fn.random.uniform(range=(low, high)) if low < high else types.Constant(float(low))


def _noise(node: Node, op: Noise) -> Node:
    return fn.noise.gaussian(node, stddev=255 * op.sigma)


STEPS: dict[type[Any], Callable[[Node, Any], Node]] = {
    Flip: lambda node, op: fn.flip(node, horizontal=fn.random.coin_flip(probability=op.p)),
    Crop: _crop,
    Resize: _resize,
    ResizedCrop: _resized_crop,
    Letterbox: _letterbox,
    Rotation: _rotation,
    Affine: _affine,
    Noise: _noise,
}


class Dali(Peer):
    """Peer for DALI, whose own threads do the work; so its time is that of the whole process."""

    name = "DALI CPU"
    distribution = "nvidia-dali-cuda130"
    clock = staticmethod(time.process_time)

    def transform(self, ops: Ops) -> Callable[[Any], Any]:
        raise Unsupported("works on batches only")

    def ways(self, ops: Ops, images: ImageSet, batch: int) -> list[Way]:
        pipeline = build_pipeline(ops, batch)

        def run(start: int) -> Iterator[Any]:
            for first in range(start, start + images.window, batch):
                pipeline.feed_input("images", images.images[first : first + batch])
                yield pipeline.run()[0]

        return [run]

    def loader(self, ops: Ops, images: ImageSet, batch: int) -> Iterable[Any]:
        raise Unsupported("brings its own loader")

    def notes(self, ops: Ops) -> list[str]:
        found = ["black outside: it has no mirrored border"] if has(ops, Rotation, reflect=True) else []
        if has(ops, Noise):
            found.append("rounds to whole levels before noise and after it: less work")
        return found


def build_pipeline(ops: Ops, batch: int, gpu: int | None = None) -> Any:
    """For batches (n, H, W, C) that are fed as "images": on that GPU, or on the CPU."""
    for op in ops:
        if type(op) not in STEPS and not isinstance(op, Normalize):
            raise Unsupported(f"no {type(op).__name__}")
    # Only the dynamic executor lets an image's size, which places are drawn from, go from the GPU to the processor.
    dynamic = gpu is not None
    model = {"exec_dynamic": dynamic, "exec_pipelined": dynamic, "exec_async": dynamic}
    pipeline = Pipeline(batch, 1, gpu, seed=0, prefetch_queue_depth=1, **model)
    with pipeline:
        device = "cpu" if gpu is None else "gpu"
        source = fn.external_source(name="images", device=device, layout="HWC", no_copy=True)
        pipeline.set_outputs(_graph(source, ops))
    pipeline.build()
    return pipeline


def _graph(node: Node, ops: Ops) -> Node:
    """Flip directly before normalising is one operator, `crop_mirror_normalize`."""
    flips = len(ops) > 1 and isinstance(ops[-1], Normalize) and isinstance(ops[-2], Flip)
    for op in ops[:-2] if flips else ops[:-1] if isinstance(ops[-1], Normalize) else ops:
        node = STEPS[type(op)](node, op)
    if not isinstance(ops[-1], Normalize):
        return node
    mirror = fn.random.coin_flip(probability=ops[-2].p) if flips and isinstance(ops[-2], Flip) else 0
    mean, std = ([255 * value for value in values] for values in (ops[-1].mean, ops[-1].std))
    return fn.crop_mirror_normalize(node, mirror=mirror, mean=mean, std=std, dtype=types.FLOAT, output_layout="CHW")


PEER = Dali
