"""Memory that a fit and a sampling take, beside their data, and conversions in parts that change no bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from augsynth.errors import DataError
from augsynth.generators.reading import items
from augsynth.generators.reading.images import read_images

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# Peaks are those of the process, from which the memory before is subtracted. A small fit comes first, so that the
# networks and the libraries do not count as memory of the data.
SCRIPT = r"""
import json, sys
import numpy as np, torch
from torch.utils.data import TensorDataset
from augsynth.generators import Generator, create_generator
from augsynth.generators.reading import lazy

def status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":")) * 1024

def peak_over(before):
    return status("VmHWM") - before

def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")

class Items:
    def __init__(self, images):
        self.images = images
    def __len__(self):
        return len(self.images)
    def __getitem__(self, index):
        return self.images[index], index % 2

SHAPE, N, SMALL = (1, 64, 64), 13_000, 128

def make(kind, n, path):
    shape = (n, *SHAPE)
    if kind == "memory-mapped":
        array = np.lib.format.open_memmap(f"{path}-{n}.npy", "w+", np.float32, shape)
    else:
        array = np.empty(shape, np.float32)
    for first in range(0, n, 500):
        array[first : first + 500] = np.random.default_rng(first).random((min(500, n - first), *SHAPE), np.float32)
    if kind == "items":
        return Items(array.transpose(0, 2, 3, 1))
    return TensorDataset(torch.from_numpy(array), torch.arange(n) % 2)

kind, path = sys.argv[1:]
generator = create_generator("cvae" if kind != "sample" else "mlp-gan", **({"width": 4} if kind != "sample" else {}))
torch.set_num_threads(1)
generator.fit(make("items", SMALL, path), steps=2, batch_size=16, device="cpu", progress=False)
size = N * int(np.prod(SHAPE))
if kind == "sample":
    generator.sample(SMALL)
    size *= 4
    before = status("VmRSS")
    forget_peak()
    samples = generator.sample(4 * N)
else:
    if kind == "lazy":
        lazy.HELD_BYTES = 0
    size *= 4
    before = status("VmRSS")
    forget_peak()
    data = make("items" if kind == "lazy" else kind, N, path)
    import warnings; warnings.simplefilter("ignore")
    generator.fit(data, steps=2, batch_size=16, device="cpu", progress=False)
print(json.dumps({"size": size, "peak": peak_over(before)}))
"""


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "most"), [("tensors", 1.5), ("items", 1.5), ("memory-mapped", 1.5), ("lazy", 1.1), ("sample", 1.3)]
)
def test_memory_beside_the_data_is_bounded(tmp_path: Path, kind: str, most: float) -> None:
    command = [sys.executable, "-c", SCRIPT, kind, str(tmp_path / "data")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = json.loads(result.stdout.splitlines()[-1])
    ratio = measured["peak"] / measured["size"]
    print(f"{kind}: {ratio:.2f} of {measured['size'] / 1e6:.0f} MB")
    assert measured["size"] >= 2e8
    assert ratio <= most


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_parts_of_the_images_become_the_bytes_of_all(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.from_numpy(np.random.default_rng(0).random((11, 2, 4, 4))).to(dtype)
    expected = images.double().mul(255.0).round().to(torch.uint8)
    for at_once in (1, 40, 64, 10**6):
        monkeypatch.setattr(items, "_AT_ONCE", at_once)
        for copied in (False, True):
            read = read_images(TensorDataset(images, torch.arange(11)), labelled=True, copied=copied)
            assert torch.equal(read.images, expected)
            assert torch.equal(read.labels, torch.arange(11))


def test_the_image_that_is_out_of_range_is_named_in_any_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "_AT_ONCE", 40)
    images = torch.zeros(11, 1, 4, 4)
    images[7] = 2.0
    with pytest.raises(DataError, match=r"item 7: float pixels must lie in \[0, 1\]"):
        read_images(TensorDataset(images), labelled=False)


def test_bytes_are_shared_or_copied_once() -> None:
    images = torch.zeros(3, 1, 4, 4, dtype=torch.uint8)
    data = TensorDataset(images)
    assert read_images(data, labelled=False).images.data_ptr() == images.data_ptr()
    assert read_images(data, labelled=False, copied=True).images.data_ptr() != images.data_ptr()
