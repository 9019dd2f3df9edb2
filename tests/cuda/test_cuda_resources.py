"""Report of nvcc on the kernels: they compile without a warning, fit into registers, and spill next to nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "csrc"
ARCHITECTURE = "90"
MOST_REGISTERS = 128  # of 65,536 a processor: 512 threads stay resident
MOST_SPILLED = 128  # bytes a thread, written to memory that its cache holds

KERNEL = re.compile(
    r"entry function '(?P<name>\w+)' for 'sm_\d+'.*?"
    r"(?P<stack>\d+) bytes stack frame, (?P<stored>\d+) bytes spill stores, (?P<loaded>\d+) bytes spill loads.*?"
    r"Used (?P<registers>\d+) registers",
    re.DOTALL,
)


@dataclass(frozen=True)
class Resources:
    stack: int
    spilled: int
    registers: int


def read_resources(log: str) -> dict[str, Resources]:
    """Return the resources of each kernel, from the output of `ptxas -v`."""
    found = {}
    for one in KERNEL.finditer(log):
        spilled = int(one["stored"])
        found[one["name"]] = Resources(int(one["stack"]), spilled, int(one["registers"]))
    return found


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Resources]:
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("nvcc is not on the PATH")
    target = f"-gencode=arch=compute_{ARCHITECTURE},code=sm_{ARCHITECTURE}"
    flags = ["-std=c++17", "--fmad=false", "-Xptxas=-v", "-Xcompiler=-Wall,-Wextra", "-Werror=all-warnings", target]
    output = tmp_path_factory.mktemp("kernels") / "kernels.o"
    command = [nvcc, *flags, f"-I{CSRC}", "-c", str(CSRC / "cuda" / "kernels.cu"), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return read_resources(done.stdout + done.stderr)


def test_there_is_a_kernel_for_each_part_and_kind(kernels: dict[str, Resources]) -> None:
    parts = {"AddPresent": 3, "TakeMeans": 3, "Fill": 3, "WeighTaps": 5, "AddColumns": 2, "AddChunks": 2, "AddLines": 2}
    parts["RenderPixels"] = 5
    for part, count in parts.items():
        named = [name for name in kernels if re.search(rf"\d{part}I", name)]
        assert len(named) == count, part
    assert len(kernels) == sum(parts.values())


def test_registers_and_spills_are_bounded(kernels: dict[str, Resources]) -> None:
    for name, used in kernels.items():
        assert used.registers <= MOST_REGISTERS, name
        assert used.spilled <= MOST_SPILLED, name


def test_only_pixels_of_many_channels_need_a_large_stack(kernels: dict[str, Resources]) -> None:
    """Kernels for up to 16 channels have arrays of as many, which no registers hold."""
    for name, used in kernels.items():
        if "Li16E" not in name:
            assert used.stack <= 256, name


def test_what_ptxas_prints_is_read() -> None:
    log = """ptxas info    : Compiling entry function '_Z3oneI4PartEvv' for 'sm_90'
ptxas info    : Function properties for _Z3oneI4PartEvv
    24 bytes stack frame, 8 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 96 registers, used 0 barriers, 24 bytes cumulative stack size
ptxas info    : Compiling entry function '_Z3two' for 'sm_90'
ptxas info    : Function properties for _Z3two
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 16 registers, used 0 barriers
"""
    assert read_resources(log) == {"_Z3oneI4PartEvv": Resources(24, 8, 96), "_Z3two": Resources(0, 0, 16)}
