"""`DevicePrefetcher` on the CPU: the ordinary path's batches, bit for bit, whatever makes them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import augsynth
from augsynth import SyntheticMixDataset
from augsynth import transforms as T
from augsynth.data import DecodingTransform, DevicePrefetcher, Planned, PlannedBatch
from augsynth.errors import ArgumentError, ArgumentTypeError, NativeError

PIPELINE = T.Compose(
    [T.RandomResizedCrop(12), T.GaussianBlur(3), T.GaussianNoise(0.1), T.ToDtype("float16", scale=True)]
)
COUNT = 10


def items(targets: bool = False) -> list[Any]:
    random = np.random.default_rng(5)
    images = [random.integers(0, 256, (8 + i, 20 - i, 3), dtype=np.uint8) for i in range(COUNT)]
    if not targets:
        return [(image, number) for number, image in enumerate(images)]
    return [{"image": image, "boxes": np.array([[1.0, 1, 7, 7]] * (1 + i % 2))} for i, image in enumerate(images)]


def loader(transform: Any, workers: int = 0, data: list[Any] | None = None) -> DataLoader[Any]:
    mix = SyntheticMixDataset(data or items(), None, ratio=0, transform=transform, seed=3)
    return DataLoader(mix, batch_size=4, num_workers=workers, collate_fn=augsynth.collate)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_labels_and_order_are_those_of_the_loader(workers: int) -> None:
    batches = DevicePrefetcher(loader(Planned(PIPELINE), workers), device="cpu")
    assert len(batches) == 3
    for _ in range(2):
        found, expected = list(batches), list(loader(PIPELINE))
        assert [len(images) for images, _ in found] == [4, 4, 2]
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_epochs_reach_it() -> None:
    planned = loader(Planned(PIPELINE))
    batches = DevicePrefetcher(planned, device="cpu")
    first = next(iter(batches))[0]
    planned.dataset.set_epoch(1)  # type: ignore[attr-defined]
    assert not torch.equal(next(iter(batches))[0], first)


def test_targets_come_moved() -> None:
    found = list(DevicePrefetcher(loader(Planned(PIPELINE), data=items(targets=True)), device="cpu"))
    expected = list(loader(PIPELINE, data=items(targets=True)))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one["image"], other["image"], rtol=0, atol=0)
        for boxes, others in zip(one["boxes"], other["boxes"], strict=True):
            np.testing.assert_array_equal(boxes, others)


def test_any_loader_of_tensors_will_do_and_a_transform_of_batches_comes_last() -> None:
    images = torch.arange(24, dtype=torch.uint8).reshape(2, 1, 3, 4)
    batches = DevicePrefetcher([(images, {"label": torch.tensor([1, 2])})], lambda batch: batch[0] + 1, device="cpu")
    assert torch.equal(next(iter(batches)), images + 1)


def test_memory_formats_and_dtypes_are_those_of_the_pipeline() -> None:
    pipeline = T.Compose([T.Resize((6, 6)), T.ToDtype("bfloat16")], memory_format="channels_last")
    images, _ = next(iter(DevicePrefetcher(loader(Planned(pipeline)), device="cpu")))
    assert images.dtype == torch.bfloat16
    assert images.is_contiguous(memory_format=torch.channels_last)


class Failing:
    """Two batches, and then an error."""

    def __iter__(self) -> Iterator[Any]:
        yield torch.zeros(1)
        yield torch.ones(1)
        raise OSError("the disk is gone")


def test_an_error_comes_after_the_batches_before_it() -> None:
    came = iter(DevicePrefetcher(Failing(), device="cpu"))
    assert [next(came).item(), next(came).item()] == [0, 1]
    with pytest.raises(OSError, match="the disk is gone"):
        next(came)


def test_an_error_in_a_worker_comes_through() -> None:
    data = [(np.zeros((4, 4, 3), np.uint8), 0), (np.zeros((4, 4, 17), np.uint8), 0)]
    with pytest.raises(ArgumentError, match="17 channels"):
        list(DevicePrefetcher(loader(Planned(PIPELINE), 1, data), device="cpu"))


def test_leaving_an_epoch_early_leaves_nothing_behind() -> None:
    batches = DevicePrefetcher(loader(Planned(PIPELINE), 1), device="cpu")
    for images, _ in batches:
        assert len(images) == 4
        break
    assert len(list(batches)) == 3


def test_a_planned_batch_survives_pickling_and_gives_single_samples() -> None:
    images = [image for image, _ in items()]
    keys = [(3, 0, i) for i in range(COUNT)]
    planned = pickle.loads(pickle.dumps(Planned(PIPELINE).batch(images, keys=keys)))
    assert isinstance(planned, PlannedBatch)
    expected = PIPELINE.batch(images, keys=keys)
    assert torch.equal(planned.run(torch.device("cpu")), expected)
    assert torch.equal(planned[7].run(torch.device("cpu"))[0], expected[7])
    with pytest.raises(IndexError, match="10 samples, got index 10"):
        planned[10]


def test_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match="depth must be at least 1, got 0"):
        DevicePrefetcher([], device="cpu", depth=0)
    with pytest.raises(ArgumentError, match="device must be 'cpu', 'cuda'"):
        DevicePrefetcher([], device="meta")
    with pytest.raises(ArgumentTypeError, match="transform must be callable, got int"):
        DevicePrefetcher([], 3, device="cpu")  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match=r"one of augsynth\.transforms, got function"):
        Planned(lambda image: image)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("wrapper", [Planned, DecodingTransform])
def test_a_flag_in_a_key_is_no_number(wrapper: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="key must be integers"):
        wrapper(PIPELINE)(np.zeros((8, 8, 3), np.uint8), key=(True, 0, 0))


def test_without_a_device_it_says_so() -> None:
    with pytest.raises(NativeError, match=r"CUDA"):
        DevicePrefetcher([])
