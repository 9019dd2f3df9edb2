"""The module of CUDA kernels: that it imports without a driver, and what it says then."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from augsynth import _native
from augsynth import transforms as T
from augsynth.errors import ArgumentError, ArgumentTypeError, NativeError

HERE = importlib.util.find_spec("augsynth._native._cuda") is not None
built = pytest.mark.skipif(not HERE, reason="augsynth._native._cuda was not built: no nvcc was found then")
no_device = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


def test_what_was_not_built_is_said_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "augsynth._native._cuda", None)
    monkeypatch.delattr("augsynth._native._cuda", raising=False)
    with pytest.raises(NativeError, match=r"no CUDA kernels .*AUGSYNTH_CUDA=ON"):
        _native.cuda_build_info()
    with pytest.raises(NativeError, match="no CUDA kernels"):
        T.Compose([]).to("cuda")


def test_augsynth_imports_the_kernels_only_when_they_are_asked_for(tmp_path: Path) -> None:
    code = "import sys, augsynth.transforms; print('augsynth._native._cuda' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@built
def test_it_says_for_which_architectures_it_was_built() -> None:
    info = _native.cuda_build_info()
    assert info["compiler"].startswith("nvcc ")
    assert {"75", "80", "90"} <= set(info["architectures"].split())


@built
@no_device
def test_without_a_device_it_says_so() -> None:
    with pytest.raises(NativeError, match=r"cudaGetDeviceCount failed: .*\(cudaError"):
        _native.cuda_devices()
    with pytest.raises(NativeError, match=r"CPU build|no CUDA device"):
        T.Compose([]).to("cuda")


def test_a_pipeline_that_stays_on_the_cpu_is_the_same_one() -> None:
    t = T.Compose([T.RandomRotation(30)])
    there = t.to("cpu")
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    torch.testing.assert_close(there(image, key=(1, 2, 3)), t(image, key=(1, 2, 3)))
    assert there != t
    assert there.to(None) == t
    assert "device" not in there.to_dict()
    assert repr(there).endswith(".to('cpu')")


@pytest.mark.parametrize("device", ["gpu", "mps", 3.5, "cuda:-2"])
def test_a_device_that_is_none_is_refused(device: object) -> None:
    with pytest.raises(ArgumentError, match="device must be 'cpu', 'cuda' or one of its numbers"):
        T.Compose([]).to(device)  # type: ignore[arg-type]


@built
def test_images_and_addresses_are_checked() -> None:
    rows = T.Compose([]).plan([(4, 6, 3)], [(0, 0, 0)]).passes[0].rows
    image = np.array([[4096, 4, 6, 3, 18, 3, 1, 0]])
    with pytest.raises(ArgumentTypeError, match=r"sources has shape \(1, 7\), expected \(n, 8\)"):
        _native.launch(rows, image[:, :7].copy(), image)
    image[0, 7] = 5
    with pytest.raises(ArgumentTypeError, match=r"sources\[0\] has dtype 5"):
        _native.launch(rows, image, image)
    image[0, 7] = 0
    launch = _native.launch(rows, image, np.array([[8192, 3, 4, 6, 24, 6, 1, 0]]))
    with pytest.raises(ArgumentError, match="not a multiple of 256"):
        launch.write(0, 100)
