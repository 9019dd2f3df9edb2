"""The portable vectors, compiled on their own: the same bits as the ISAs', and quantiles out to the rarest bits."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from native_rows import NOISE_PARAMETERS, Array, make_rows, picture, rotation
from native_tables import colours, erasures, luts

from augsynth import _native
from augsynth._native.layout import Border, Tables
from augsynth.engine import reference

CSRC = Path(__file__).parents[2] / "csrc"
PROGRAM = """
#include <cstdio>
#include <vector>
#define AUGSYNTH_ISA_NAME portable
#include "vectors/simd/portable.h"
#include "vectors/stages/stages.inl"
using namespace augsynth;
using namespace augsynth::portable;

// Pairs (u, mean) become pairs (normal, count).
void find_quantiles() {
  for (double pair[2]; std::fread(pair, sizeof pair, 1, stdin);) {
    const double found[2] = {normal_quantile(broadcast(pair[0]))[0],
                             poisson_quantile(broadcast(pair[0]), broadcast(pair[1]))[0]};
    std::fwrite(found, sizeof found, 1, stdout);
  }
}

// Rows, each with a table of every kind and a uint8 image, interleaved, become float32 pictures in planes.
void render() {
  std::uint16_t lut[256];
  ColourMap colour;
  Erasure erasure;
  Poll poll(nullptr);
  for (PlanRow row; std::fread(&row, sizeof row, 1, stdin);) {
    if (!std::fread(lut, sizeof lut, 1, stdin) || !std::fread(&colour, sizeof colour, 1, stdin) ||
        !std::fread(&erasure, sizeof erasure, 1, stdin))
      return;
    const Entries entries = {lut, &colour, colour.offset, &erasure, &erasure + row.erasures[1]};
    const int height = row.output_size[0], width = row.output_size[1], channels = row.channels;
    std::vector<unsigned char> image(row.source_size[0] * row.source_size[1] * channels + 8), memory(1 << 20);
    std::vector<float> picture(height * width * channels);
    image.resize(std::fread(image.data(), 1, image.size() - 8, stdin));
    run_tile(row, row.lut < 0 ? Entries{} : entries, {image.data(), row.source_size[1] * channels, channels, 1},
             {reinterpret_cast<unsigned char*>(picture.data()), height * width * 4, width * 4, 4}, 0, height,
             memory.data(), poll);
    std::fwrite(picture.data(), 4, picture.size(), stdout);
  }
}

int main(int count, char**) { count > 1 ? find_quantiles() : render(); }
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if not compiler:
        pytest.skip("no C++ compiler")
    folder = tmp_path_factory.mktemp("portable")
    (folder / "main.cpp").write_text(PROGRAM)
    flags = ["-std=c++17", "-ffp-contract=off", "-fno-math-errno", f"-I{CSRC}"]
    sources = [folder / "main.cpp", CSRC / "core" / "poll.cpp"]
    subprocess.run([*shlex.split(compiler), *flags, *sources, "-o", folder / "main"], check=True)
    return folder / "main"


def run(program: Path, *arguments: str, given: bytes) -> bytes:
    return subprocess.run([program, *arguments], input=given, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("with_tables", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_portable_vectors_give_the_same_bits(isa: str, program: Path, channels: int, with_tables: bool) -> None:
    source = picture((40, 300, channels))
    outputs = [np.zeros((channels, 40, 300), np.float32) for _ in NOISE_PARAMETERS]
    tables = Tables(luts(source), colours(channels, 255.0), erasures((40, 300), 255.0, count=1))
    fields = {"inverse": rotation(0.2, 40, 300), "border": Border.REFLECT, "stream": (1, 2, 3, 4)}
    if with_tables:
        fields |= {"lut": 0, "colour": 0, "erasures": (0, 1)}
    rows = [
        make_rows(source, output, noise=kind, noise_parameters=parameters, **fields)
        for output, (kind, parameters) in zip(outputs, NOISE_PARAMETERS.items(), strict=True)
    ]
    _native.run(np.concatenate(rows), [source] * len(rows), outputs, tables=tables)
    entries = tables.luts.tobytes() + tables.colours.tobytes() + tables.erasures.tobytes()
    printed = run(program, given=b"".join(row.tobytes() + entries + source.tobytes() for row in rows))
    portable: Array = np.frombuffer(printed, np.float32).reshape(len(rows), *outputs[0].shape)
    for kind, native, other in zip(NOISE_PARAMETERS, outputs, portable, strict=True):
        np.testing.assert_array_equal(native, other, err_msg=kind.name)


def test_quantiles_out_to_the_rarest_bits(program: Path) -> None:
    rare = np.concatenate([2.0 ** np.arange(-33, -1), 2.0**-33 * np.arange(1, 2000, 2), np.linspace(0.01, 0.5, 500)])
    u = np.concatenate([rare, 1 - rare])
    for mean in (0.0, 1e-8, 0.5, 15.999, 16.0, 16.001, 40.0, 1e4, 1e12):
        means = np.full(u.shape, mean)
        found = np.frombuffer(run(program, "quantiles", given=np.column_stack([u, means]).tobytes())).reshape(-1, 2)
        exact = torch.special.ndtri(torch.from_numpy(u)).numpy()
        assert np.abs(found[:, 0] - exact).max() < 3e-8
        # Only a count in the millions is likely to turn on the error of the normal quantile.
        assert np.abs(found[:, 1] - reference.poisson_quantile(u, means)).max() <= (mean > 1e6)
