"""Properties that only a compiler can show. The tests are skipped, with the reason, without one."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "csrc"
ISAS = re.findall(r'AUGSYNTH_(?:X86_)?ISA\(DO, (\w+), "([^"]*)"', (CSRC / "dispatch" / "isas.h").read_text())
DISPATCHED = {
    name
    for file in CSRC.rglob("*.cpp")
    for name in re.findall(r"^AUGSYNTH_BY_ISA\(\w+, (\w+)\)", file.read_text(), re.MULTILINE)
}
PHILOX = """
#include <cstdio>
#include "core/philox.h"
template <int kRounds>
void print() {
  const std::uint32_t ones = 0xffffffff;
  const auto block = augsynth::philox4x32<kRounds>({{ones, ones, ones, ones}}, ones, ones);
  for (std::uint32_t word : block.word) std::printf("%08x ", word);
}
int main() {
  print<augsynth::kPhiloxRounds>();
  print<augsynth::kPhiloxPixelRounds>();
}
"""


@pytest.fixture(scope="module")
def compiler() -> list[str]:
    name = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if not name:
        pytest.skip("no C++ compiler")
    return [*shlex.split(name), "-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{CSRC}"]


def test_philox_known_answer_of_ones(compiler: list[str], tmp_path: Path) -> None:
    """The second of Random123's vectors, whose counter no key reaches, with ten rounds and with seven."""
    (tmp_path / "ones.cpp").write_text(PHILOX)
    subprocess.run([*compiler, tmp_path / "ones.cpp", "-o", tmp_path / "ones"], check=True)
    printed = subprocess.run([tmp_path / "ones"], check=True, capture_output=True, text=True).stdout
    ten, seven = "408f276d 41c83b0e a20bc7c6 6d5451fd", "5207ddc2 45165e59 4d8ee751 8c52f662"
    assert printed.split() == f"{ten} {seven}".split()


@pytest.mark.skipif(not shutil.which("nm"), reason="nm is not installed")
@pytest.mark.parametrize(("name", "flags"), ISAS, ids=[name for name, _ in ISAS])
def test_an_isa_shares_nothing_with_the_others(compiler: list[str], tmp_path: Path, name: str, flags: str) -> None:
    """No weak symbols, of which the linker would keep one copy for all; without inlining all would show."""
    built = tmp_path / "isa.o"
    subprocess.run(
        [*compiler, *flags.split(), "-O0", "-c", CSRC / "vectors" / "isa" / f"{name}.cpp", "-o", built], check=True
    )
    listing = subprocess.run(["nm", "-C", "--defined-only", built], check=True, capture_output=True, text=True)
    symbols = [line.split(" ", 2)[1:] for line in listing.stdout.splitlines()]
    shared = [symbol for kind, symbol in symbols if kind in "TDBRWVu"]
    assert {"run_tile", "blur_plane"} < DISPATCHED
    assert {symbol.split("(")[0] for symbol in shared} == {f"augsynth::{name}::{function}" for function in DISPATCHED}


def test_the_portable_build_compiles(compiler: list[str]) -> None:
    rooms = ("core", "cpu", "dispatch", "memory", "validation", "whole_image")
    files = sorted(path for room in rooms for path in (CSRC / room).glob("*.cpp"))
    assert len(files) > 4
    subprocess.run([*compiler, "-DAUGSYNTH_X86=0", "-fsyntax-only", *files], check=True)
