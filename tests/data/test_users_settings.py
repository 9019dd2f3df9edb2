"""Settings of torch that belong to the user change nothing: neither where tensors lie, nor their dtypes or bits."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import augsynth
from augsynth import SyntheticMixDataset, SyntheticPool
from augsynth import transforms as T
from augsynth.data import DecodingTransform, DevicePrefetcher, EncodedImage, Planned
from augsynth.data.mixing.items.form import label_like
from augsynth.engine import memory
from augsynth.engine.memory import OutgoingBatch
from augsynth.transforms.registry import TRANSFORMS

KEYS = [(7, 0, index) for index in range(6)]
IMAGES = np.random.default_rng(3).integers(0, 256, (6, 40, 48, 3), np.uint8)
FLOATS = IMAGES.astype(np.float32) / 255
PIPELINE = T.Compose(
    [
        T.RandomHorizontalFlip(),
        T.RandomRotation(20),
        T.GaussianBlur(3),
        T.RandomErasing(),
        T.PoissonNoise(30),
        T.ColorJitter(0.2, 0.2, 0.2, 0.1),
        T.Normalize([0.5] * 3, [0.5] * 3),
    ]
)
SMOOTH = T.Compose(
    [T.RandomRotation(20), T.ColorJitter(0.2), T.RandomErasing(p=1.0), T.Normalize([0.5] * 3, [0.5] * 3)]
)
# Made outside: what a user brings is not what this is about.
TENSORS = torch.from_numpy(FLOATS).permute(0, 3, 1, 2).contiguous()
RECORDED = TENSORS.double().requires_grad_()
BOXES = torch.tensor([[3.0, 4, 20, 30], [10, 2, 40, 39]])
LABELS = torch.tensor([4, 5])


def transforms() -> Iterator[Any]:
    yield PIPELINE(IMAGES[0], key=KEYS[0])
    yield PIPELINE(TENSORS[0], key=KEYS[0])
    yield PIPELINE.batch(list(IMAGES), keys=KEYS)
    yield PIPELINE.batch(np.tile(IMAGES, (1, 4, 4, 1)), keys=KEYS)  # large enough for memory that is used again
    yield T.Compose([T.ToDtype("bfloat16")], memory_format="channels_last").batch(IMAGES)
    torch.manual_seed(5)
    yield PIPELINE(IMAGES[0])
    yield PIPELINE.batch(TENSORS)
    yield PIPELINE.apply(IMAGES, PIPELINE.plan([(40, 48, 3)] * 6, KEYS))
    for kind in TRANSFORMS:
        if kind.__name__.startswith(("RandAugment", "Trivial", "AutoAugment")):
            yield kind()(IMAGES[1], key=KEYS[1])


def targets() -> Iterator[Any]:
    masks = torch.from_numpy(IMAGES[:2, :, :, 0])
    for boxes, labels, moved in (
        (BOXES, LABELS, masks),
        (BOXES.numpy(), LABELS.numpy(), masks.numpy()),
        (BOXES.tolist(), LABELS.tolist(), masks.to(torch.int64)),
    ):
        target = {"boxes": boxes, "labels": labels, "masks": moved, "keypoints": [[3.0, 4.0]]}
        yield from PIPELINE(IMAGES[0], target, key=KEYS[0])
    yield PIPELINE.plan([(40, 48, 3)], KEYS[:1]).invert(boxes=BOXES[None], points=[[[1.0, 2.0]]])


def mixing() -> Iterator[Any]:
    for mix in (T.MixUp(4), T.CutMix(4)):
        yield from mix(TENSORS, [0, 1, 2, 3, 0, 1], keys=KEYS)
        yield from mix(TENSORS, np.arange(6) % 4, keys=KEYS)
        yield from mix(TENSORS, [[0.1, 0.2, 0.3, 0.4]] * 6, keys=KEYS)
        torch.manual_seed(2)
        yield from mix(TENSORS, torch.from_numpy(np.arange(6) % 4))
    augment = T.DiffAugment(("flip", "affine", "translation", "color", "cutout"))
    yield augment(TENSORS, keys=KEYS)
    torch.manual_seed(3)
    yield augment(TENSORS)


def gradients() -> Iterator[Any]:
    with torch.inference_mode(False), torch.enable_grad():
        result = SMOOTH.batch(RECORDED, keys=KEYS)
        yield result
        yield torch.autograd.grad(result.sum(), RECORDED)[0]


def loading() -> Iterator[Any]:
    file = io.BytesIO()
    Image.fromarray(IMAGES[0]).save(file, "png")
    yield DecodingTransform(PIPELINE).batch([EncodedImage(file.getvalue()), IMAGES[1]], keys=KEYS[:2])
    planned = Planned(PIPELINE).batch(list(IMAGES), keys=KEYS)
    yield planned.sources.memory
    yield planned[2].run(torch.device("cpu"))
    yield from DevicePrefetcher([planned, (TENSORS, LABELS)], device="cpu")


def datasets(pool: SyntheticPool) -> Iterator[Any]:
    real = [(image, number % 2) for number, image in enumerate(IMAGES)]
    for data in (real, [(image, np.float32(label)) for image, label in real]):
        mix = SyntheticMixDataset(data, pool, ratio=0.5, transform=PIPELINE, pairing="free")
        mix.set_epoch(2)
        yield mix[1]
        yield augsynth.collate(mix.__getitems__([0, 3, 5]))
        yield augsynth.collate([mix[0], mix[3]])
    yield label_like(1, LABELS[0])
    yield pool.take([1, 2]).images


class Through:
    """A mode of the user's that does what it is asked."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*args, **(kwargs or {}))

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*args, **(kwargs or {}))


class FunctionMode(Through, TorchFunctionMode):
    pass


class DispatchMode(Through, TorchDispatchMode):
    pass


@contextmanager
def restored(change: Callable[[], Any], back: Callable[[], Any]) -> Iterator[None]:
    change()
    try:
        yield
    finally:
        back()


@contextmanager
def warned() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "device of a block": lambda: torch.device("meta"),
    "default device": lambda: restored(
        lambda: torch.set_default_device("meta"),
        lambda: torch.set_default_device(None),
    ),
    "float64": lambda: restored(
        lambda: torch.set_default_dtype(torch.float64), lambda: torch.set_default_dtype(torch.float32)
    ),
    "bfloat16": lambda: restored(
        lambda: torch.set_default_dtype(torch.bfloat16), lambda: torch.set_default_dtype(torch.float32)
    ),
    "tensor type": lambda: restored(
        lambda: torch.set_default_tensor_type(torch.DoubleTensor),  # type: ignore[no-untyped-call]
        lambda: torch.set_default_tensor_type(torch.FloatTensor),  # type: ignore[no-untyped-call]
    ),
    "inference": torch.inference_mode,
    "no grad": torch.no_grad,
    "deterministic": lambda: restored(
        lambda: torch.use_deterministic_algorithms(True), lambda: torch.use_deterministic_algorithms(False)
    ),
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True),
    "NumPy raises": lambda: np.errstate(all="raise"),
    "warnings raise": warned,
    "function mode": FunctionMode,
    "dispatch mode": DispatchMode,
}


def plain(value: Any) -> Any:
    """Return a comparable form of a value: the bits, dtype and device of tensors, other values as they are."""
    if isinstance(value, torch.Tensor):
        bits = value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if not value.is_meta else b""
        return str(value.device), str(value.dtype), tuple(value.shape), value.stride(), bits
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def surface(pool: SyntheticPool) -> list[Any]:
    parts = (transforms(), targets(), mixing(), gradients(), loading(), datasets(pool))
    return [plain(value) for part in parts for value in part]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> SyntheticPool:
    from mixing_toys import toy_generator

    return SyntheticPool.create(tmp_path_factory.mktemp("pool"), toy_generator((3, 40, 48)), 8, progress=False)


@pytest.fixture(scope="module")
def expected(pool: SyntheticPool) -> list[Any]:
    return surface(pool)


@pytest.mark.filterwarnings("ignore:torch.set_default_tensor_type")
@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS.keys())
def test_the_users_settings_change_nothing(
    pool: SyntheticPool, expected: list[Any], setting: Callable[[], AbstractContextManager[Any]]
) -> None:
    with setting():
        found = surface(pool)
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert one == other, f"value {number} differs"


def test_an_epoch_is_set_outside_of_the_inference_mode_that_made_it() -> None:
    with torch.inference_mode():
        mix = SyntheticMixDataset([(image, 0) for image in IMAGES], None, ratio=0)
    mix.set_epoch(3)
    assert mix.epoch == 3


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e-42, 3e38])
def test_values_beside_the_scale_raise_nothing(value: float) -> None:
    image = FLOATS[0].copy()
    image[3, 4] = value
    for t in (T.RandomAutocontrast(1.0), T.RandomGamma((3.0, 3.0), 1.0), T.RandomEqualize(1.0), T.GaussianBlur(3)):
        with np.errstate(all="ignore"):
            expected = plain(t(image, key=KEYS[0]))
        with np.errstate(all="raise"), warned():
            assert plain(t(image, key=KEYS[0])) == expected


@pytest.mark.parametrize("setting", [torch.device("meta"), nullcontext()], ids=["meta", "plain"])
def test_what_a_worker_sends_lies_on_the_cpu(monkeypatch: pytest.MonkeyPatch, setting: Any) -> None:
    monkeypatch.setattr(memory, "get_worker_info", lambda: object())
    with setting:
        batch = PIPELINE.batch(IMAGES, keys=KEYS)
    assert isinstance(batch, OutgoingBatch)
    assert batch.device.type == "cpu"
