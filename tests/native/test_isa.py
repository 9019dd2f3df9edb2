from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from augsynth import _native
from augsynth.errors import NativeError


def test_the_forced_isa_is_the_one_that_runs(isa: str) -> None:
    assert _native.isa() == isa
    assert isa in _native.isas()


def test_what_runs_everywhere_comes_last_and_the_scalar_executor_behind_it() -> None:
    assert _native.isas()[-2:] == ["baseline", "scalar"]


def test_an_absent_isa_is_refused_and_changes_nothing() -> None:
    before = _native.isa()
    for name in ("neon", "", "Baseline"):
        with pytest.raises(NativeError, match=f"'{name}' is not available.*baseline"):
            _native.set_isa(name)
    assert _native.isa() == before


def start(isa: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Import the core with AUGSYNTH_ISA set, in a process of its own that sees the installed package only."""
    code = "from augsynth import _native; print(_native.isa())"
    environment = os.environ | {"AUGSYNTH_ISA": isa}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", ["baseline", "scalar", ""])
def test_the_environment_forces_an_isa(name: str, tmp_path: Path) -> None:
    assert start(name, tmp_path).stdout.split() == [name or _native.isas()[0]]


def test_an_absent_isa_in_the_environment_is_an_error(tmp_path: Path) -> None:
    failed = start("itanium", tmp_path)
    assert failed.returncode != 0
    assert "NativeError: ISA 'itanium' is not available" in failed.stderr


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="the kernel's list of CPU features is not there")
def test_the_cpu_is_recognised() -> None:
    if not _native.build_info()["x86"]:
        pytest.skip("built without x86 instructions")
    flags = set(Path("/proc/cpuinfo").read_text().split("flags")[1].split("\n")[0].split())
    avx512 = {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
    expected = {"avx2": {"avx2", "fma", "f16c"} <= flags, "avx512": avx512 <= flags}
    assert _native.build_info()["cpu"] == expected
