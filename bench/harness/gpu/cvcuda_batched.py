"""CV-CUDA (0.19 or newer): one batched operator after the other, into memory that is laid out once, on torch's stream.

Where every image has parameters of its own, operators take a batch of images of any sizes (`ImageBatchVarShape`) with
an array of parameters, which is drawn on the device. Values are uint8 and interleaved until the last operator,
which crops, mirrors, normalises and separates the channels in one launch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import cvcuda
import numpy as np
import torch

from harness.gpu.draws import colour_maps, crop_windows, flips, inverse_maps, resized_windows
from harness.ops import Affine, Crop, Flip, Jitter, Noise, Normalize, Ops, ResizedCrop
from harness.peers.base import Unsupported, has

Run = Callable[[], Any]
OperatorBuilder = Callable[[Any, torch.Tensor, Any], tuple[torch.Tensor, Run]]

BLACK = np.zeros(3, np.float32)
NOT_MIRRORED = 2  # a flip code that is none of -1, 0 and 1


def notes(ops: Ops) -> list[str]:
    """Return the differences of CV-CUDA."""
    found = []
    if has(ops, Noise):
        found.append("rounds to whole levels before noise and after it: less work")
    if has(ops, Jitter):
        found.append("contrast about mid-grey, not about the mean of the image: less work")
    return found


def build_pipeline(ops: Ops, images: torch.Tensor) -> Run:
    """Return a function that fills and returns the same batch (n, C, H, W) in each call, from uint8 images."""
    single, last = _split(ops)
    stream = cvcuda.as_stream(torch.cuda.current_stream(images.device).cuda_stream)
    pixels = images.permute(0, 2, 3, 1).contiguous()
    runs: list[Run] = []
    for op in single:
        if type(op) not in STEPS:
            raise Unsupported(f"no {type(op).__name__}")
        pixels, run = STEPS[type(op)](op, pixels, stream)
        runs.append(run)
    output, run = _finish(last, pixels, stream)

    def all_of_them() -> torch.Tensor:
        for operator in (*runs, run):
            operator()
        return output

    return all_of_them


def _split(ops: Ops) -> tuple[Ops, Ops]:
    """Return the operations that are single operators, and crop, flip and normalise at the end, which are one."""
    at = len(ops)
    for kind in (Normalize, Flip, Crop):
        if has(ops[at - 1 : at], kind):
            at -= 1
    if not has(ops[at:], Normalize):
        raise Unsupported("written for pipelines that end by normalising")
    return ops[:at], ops[at:]


def _affine(op: Affine, source: torch.Tensor, stream: Any) -> tuple[torch.Tensor, Run]:
    """Apply inverse maps, which avoids a launch that inverts them."""
    count, side = source.shape[:2]
    target = torch.empty_like(source)
    maps = source.new_empty(count, 6, dtype=torch.float32)
    given, written, shared = _as_images(source), _as_images(target), _as_tensor(maps, "NC")
    flags = int(cvcuda.Interp.LINEAR) | int(cvcuda.Interp.WARP_INVERSE_MAP)

    def run() -> None:
        maps.copy_(inverse_maps(op, count, side, source.device).view(count, 6))
        cvcuda.warp_affine_into(
            written, given, shared, flags, border_mode=cvcuda.Border.CONSTANT, border_value=BLACK, stream=stream
        )

    return target, run


def _noise(op: Noise, source: torch.Tensor, stream: Any) -> tuple[torch.Tensor, Run]:
    """Add noise with one sigma for a batch of one size; its random state continues between calls, without a seed."""
    target = torch.empty_like(source)
    given, written = _as_tensor(source, "NHWC"), _as_tensor(target, "NHWC")

    def run() -> None:
        cvcuda.gaussiannoise_into(written, given, 0.0, 255 * op.sigma, True, clip=True, stream=stream)

    return target, run


def _resized_crop(op: ResizedCrop, source: torch.Tensor, stream: Any) -> tuple[torch.Tensor, Run]:
    """It wants its windows on the processor, to choose the filters by them."""
    count, side = source.shape[:2]
    target = source.new_empty(count, op.size, op.size, source.shape[3])
    given, written = _as_images(source), _as_images(target)

    def run() -> None:
        windows = resized_windows(op, count, side, torch.device("cpu")).tolist()
        cvcuda.hq_resize_into(
            written,
            given,
            antialias=op.antialias,
            roi=[tuple(window) for window in windows],
            interpolation=cvcuda.Interp.LINEAR,
            stream=stream,
        )

    return target, run


def _colours(op: Jitter, source: torch.Tensor, stream: Any) -> tuple[torch.Tensor, Run]:
    """Apply all four as one map of colours."""
    count = len(source)
    target = torch.empty_like(source)
    maps = source.new_empty(count, 3, 4, dtype=torch.float32)
    given, written, shared = _as_images(source), _as_images(target), _as_tensor(maps, "NHW")

    def run() -> None:
        maps.copy_(colour_maps(op, count, source.device))
        cvcuda.color_twist_into(written, given, shared, stream=stream)

    return target, run


STEPS: dict[type[Any], OperatorBuilder] = {Affine: _affine, Noise: _noise, ResizedCrop: _resized_crop, Jitter: _colours}


def _finish(ops: Ops, source: torch.Tensor, stream: Any) -> tuple[torch.Tensor, Run]:
    """Crop, mirror, normalise, to float32 with channels first."""
    count, side, _, channels = source.shape
    by_kind: dict[type[Any], Any] = {type(op): op for op in ops}
    crop, flip, normalize = by_kind.get(Crop, Crop(side)), by_kind.get(Flip, Flip(0.0)), by_kind[Normalize]
    target = source.new_empty(count, channels, crop.size, crop.size, dtype=torch.float32)
    windows = source.new_empty(count, 1, 1, 4, dtype=torch.int32)
    codes = source.new_empty(count, 1, dtype=torch.int32)
    levels = 255 * source.new_tensor([normalize.mean, normalize.std], dtype=torch.float32).view(2, 1, 1, 1, -1)
    base, scale = _as_tensor(levels[0], "NHWC"), _as_tensor(1 / levels[1], "NHWC")
    given, written = _as_images(source), _as_tensor(target, "NCHW")
    rect, flip_code = _as_tensor(windows, "NHWC"), _as_tensor(codes, "NC")

    def draw(kinds: Iterable[type[Any]]) -> None:
        if Crop in kinds:
            windows.copy_(crop_windows(crop, count, side, source.device).view(windows.shape))
        if Flip in kinds:
            codes.copy_(NOT_MIRRORED - flips(flip, count, source.device).int().view(codes.shape))

    def run() -> None:
        draw(by_kind)
        cvcuda.crop_flip_normalize_reformat_into(written, given, rect, flip_code, base, scale, stream=stream)

    draw((Crop, Flip))
    return target, run


class _Shared:
    """Memory of torch, as CV-CUDA takes it in.

    Stream -1 says that nothing has to be waited for, as all work is on one stream. torch itself names none, for which
    CV-CUDA waits until the whole device is idle.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {**self.tensor.__cuda_array_interface__, "version": 3, "stream": -1}


def _as_tensor(tensor: torch.Tensor, layout: str) -> Any:
    return cvcuda.as_tensor(_Shared(tensor), layout)


def _as_images(batch: torch.Tensor) -> Any:
    """Return a batch (n, H, W, 3) as n images."""
    return cvcuda.as_images([_Shared(image) for image in batch], cvcuda.Format.RGB8)
