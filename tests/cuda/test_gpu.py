"""On a CUDA device: the CPU's pictures for the same plans, on any stream, in any layout, and through a prefetcher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from beside_native import CudaBesideNative
from bounds import Between, envelope, moves_only
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

import augsynth
from augsynth import SyntheticMixDataset
from augsynth import transforms as T
from augsynth._native.layout import DType
from augsynth.core.images import TORCH_DTYPES
from augsynth.data import DevicePrefetcher, Planned
from augsynth.engine import CpuExecutor
from augsynth.engine import run as run_plan
from augsynth.engine.cuda.passes import run_pass
from augsynth.errors import ArgumentError
from augsynth.plan import Barrier, Pass
from augsynth.testing import strategies as aug

pytestmark = pytest.mark.gpu

Image = npt.NDArray[Any]
TRAINING = T.Compose(
    [
        T.RandomResizedCrop(32),
        T.RandomHorizontalFlip(),
        T.ColorJitter(0.4, 0.4, 0.4, 0.1),
        T.GaussianNoise(0.05),
        T.RandomErasing(0.5),
        T.Normalize([0.5], [0.25]),
    ]
)


def pictures(count: int, dtype: str = "uint8") -> list[Image]:
    """Return images of different sizes."""
    random = np.random.default_rng(count)
    values = [random.random((20 + 3 * i, 50 - 2 * i, 3), dtype=np.float32) for i in range(count)]
    return values if dtype == "float32" else [(one * np.iinfo(dtype).max).astype(dtype) for one in values]


def on(gpu: torch.device, images: Sequence[Image]) -> list[torch.Tensor]:
    return [torch.from_numpy(image.copy()).to(gpu).permute(2, 0, 1) for image in images]


def run(one: Pass, source: Image, gpu: torch.device) -> Image:
    """A pass of one row on the device."""
    like = CpuExecutor().allocate(one.rows)[0]
    output = torch.empty(like.shape, dtype=TORCH_DTYPES[DType(int(one.rows["output_dtype"][0]))], device=gpu)
    run_pass(one, [torch.from_numpy(source.copy()).to(gpu)], [output])
    found: Image = (output.view(torch.uint16) if output.dtype == torch.bfloat16 else output).cpu().numpy()
    return found


@settings(max_examples=max(300, settings().max_examples))
@given(case=aug.cases())
def test_any_pipeline_gives_the_bits_of_the_cpu(gpu: torch.device, case: aug.Case) -> None:
    run_plan(case.plan, [torch.from_numpy(case.image.copy()).to(gpu)], CudaBesideNative(gpu), None)


@given(case=aug.cases())
def test_any_pipeline_keeps_the_bounds_of_the_reference(gpu: torch.device, case: aug.Case) -> None:
    """Differences stay within the bound of docs/design/numerics.md, if a device does not give the bits of the CPU."""
    first = case.plan.steps[0]
    if isinstance(first, Barrier) or moves_only(first.rows[0]):
        return
    found = run(first, case.image, gpu)
    ends: Between = envelope(first.rows[0], case.image, first.tables)
    low, high = ends.low, ends.high
    if found.dtype.kind == "u":
        low, high = (np.clip(end, 0, np.iinfo(found.dtype).max) + half for end, half in ((low, -0.5), (high, 0.5)))
    assert not np.any((found < low) | (found > high))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("end", ["uint8", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("memory_format", ["contiguous_format", "channels_last"])
def test_batches_of_different_sizes(gpu: torch.device, dtype: str, end: str, memory_format: str) -> None:
    t = T.Compose([T.RandomResizedCrop((31, 33)), T.RandomRotation(20), T.ToDtype(end)], memory_format=memory_format)
    images, keys = pictures(9, dtype), [(1, 2, i) for i in range(9)]
    found, expected = t.batch(on(gpu, images), keys=keys), t.batch(images, keys=keys)
    assert found.device == gpu
    assert found.stride() == expected.stride()
    torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=0)


def test_batches_of_one_tensor_in_either_layout(gpu: torch.device) -> None:
    images = torch.randint(0, 256, (5, 3, 40, 50), dtype=torch.uint8)
    expected = TRAINING.batch(images, keys=[(0, 0, i) for i in range(5)])
    for one in (images, images.contiguous(memory_format=torch.channels_last)):
        found = TRAINING.batch(one.to(gpu), keys=[(0, 0, i) for i in range(5)])
        torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=0)


def test_pipelines_that_were_moved_move_their_images(gpu: torch.device) -> None:
    images, keys = pictures(6), [(4, 0, i) for i in range(6)]
    expected = TRAINING.batch(images, keys=keys)
    there = TRAINING.to("cuda")
    for sources in (images, on(gpu, images)):
        found = there.batch(sources, keys=keys)
        assert found.device == gpu
        torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=0)
    back = TRAINING.to("cpu").batch(on(gpu, images), keys=keys)
    torch.testing.assert_close(back, expected, rtol=0, atol=0)
    assert there(images[0], key=keys[0]).device == gpu


def test_out_is_written_and_checked(gpu: torch.device) -> None:
    images, keys = on(gpu, pictures(4)), [(0, 0, i) for i in range(4)]
    out = torch.zeros(4, 3, 32, 32, device=gpu)
    assert TRAINING.batch(images, keys=keys, out=out) is out
    torch.testing.assert_close(out, TRAINING.batch(images, keys=keys), rtol=0, atol=0)
    with pytest.raises(ArgumentError, match=r"out must be a tensor of shape .* on cuda"):
        TRAINING.batch(images, keys=keys, out=out.cpu())


def test_images_on_two_devices_are_refused(gpu: torch.device) -> None:
    with pytest.raises(ArgumentError, match="on one device, got cpu and cuda:0"):
        TRAINING.batch([*on(gpu, pictures(1)), torch.zeros(3, 9, 9, dtype=torch.uint8)])


def test_a_pass_runs_on_the_current_stream(gpu: torch.device) -> None:
    """Its source is made by work that was put on the same stream before, and takes a while."""
    expected = T.RandomHorizontalFlip(p=1.0).batch(torch.full((1, 1, 64, 64), 4, dtype=torch.uint8))
    with torch.cuda.stream(torch.cuda.Stream(gpu)):
        busy = torch.rand(2048, 2048, device=gpu)
        for _ in range(20):
            busy = busy @ busy / 2048
        image = torch.zeros(1, 1, 64, 64, dtype=torch.uint8, device=gpu) + (busy.sum() * 0).byte() + 4
        found = T.RandomHorizontalFlip(p=1.0).batch(image)
        torch.testing.assert_close(found.cpu(), expected)


def test_nothing_waits_for_the_device(gpu: torch.device) -> None:
    images, keys = on(gpu, pictures(8)), [(0, 0, i) for i in range(8)]
    t = T.Compose([T.GaussianBlur(5), T.RandomEqualize(1.0), T.RandomAutocontrast(1.0), TRAINING])
    t.batch(images, keys=keys)
    torch.cuda.set_sync_debug_mode("error")
    try:
        t.batch(images, keys=keys)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_targets_move_with_their_image(gpu: torch.device) -> None:
    image = pictures(1)[0]
    masks = np.random.default_rng(0).integers(0, 5, (2, *image.shape[:2]))
    boxes = [[3.0, 4, 20, 18], [1, 1, 9, 9]]
    expected = TRAINING(image, {"boxes": boxes, "masks": masks}, key=(1, 2, 3))[1]
    target = {"boxes": torch.tensor(boxes, device=gpu), "masks": torch.from_numpy(masks).to(gpu)}
    found = TRAINING(on(gpu, [image])[0], target, key=(1, 2, 3))[1]
    assert found["masks"].device == found["boxes"].device == gpu
    np.testing.assert_array_equal(found["masks"].cpu().numpy(), expected["masks"])
    np.testing.assert_allclose(found["boxes"].cpu().numpy(), expected["boxes"], rtol=1e-6)


@pytest.mark.parametrize("pin_memory", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_prefetcher_gives_the_batches_of_the_cpu(gpu: torch.device, pin_memory: bool, workers: int) -> None:
    data = [(image, number) for number, image in enumerate(pictures(9))]

    def loader(transform: Any, **options: Any) -> DataLoader[Any]:
        mix = SyntheticMixDataset(data, None, ratio=0, transform=transform)
        return DataLoader(mix, batch_size=4, collate_fn=augsynth.collate, **options)

    made = DevicePrefetcher(loader(Planned(TRAINING), num_workers=workers, pin_memory=pin_memory))
    for _ in range(2):
        for (found, labels), (expected, others) in zip(made, loader(TRAINING), strict=True):
            assert found.device == labels.device == gpu
            torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=0)
            torch.testing.assert_close(labels.cpu(), others)


@given(size=st.integers(1, 70), count=st.integers(1, 40))
def test_small_images(gpu: torch.device, size: int, count: int) -> None:
    images = torch.randint(0, 256, (count, 1, size, size), dtype=torch.uint8)
    t = T.Compose([T.RandomCrop(size, padding=4), T.RandomHorizontalFlip(), T.ToDtype("float32", scale=True)])
    keys = [(0, 1, i) for i in range(count)]
    torch.testing.assert_close(t.batch(images.to(gpu), keys=keys).cpu(), t.batch(images, keys=keys), rtol=0, atol=0)
