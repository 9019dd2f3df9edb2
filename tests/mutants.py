"""Breaks the code on purpose, one place at a time, and demands that the tests notice: `make mutants`.

Each mutant changes one line in a copy of the repository; a native one is compiled. The tests named beside it must then
fail. A mutant that survives, or whose line is no longer there, makes the run fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Mutant:
    """`before` becomes `after` in `file`, and `tests` (a path and a -k expression) must fail."""

    breaks: str
    file: str
    before: str
    after: str
    tests: tuple[str, str]


GEOMETRY = "tests/transforms/test_geometry.py"
EXECUTORS = "tests/transforms/test_executors.py"
LOWERING = "tests/transforms/test_lowering.py"
REMEMBERED = "tests/transforms/test_remembered.py"
TABLES = "tests/native/test_tables.py"
TABLE_RULES = "tests/native/test_table_rules.py"
RANDOMNESS = "tests/transforms/test_randomness.py"
NOISE = "tests/transforms/test_noise.py"
SHORT_LINES = "tests/native/test_short_lines.py"
IMAGES = "tests/native/test_images.py"
POINTS = "tests/transforms/test_points.py"
COLOUR = "tests/transforms/test_colour.py"
CHOICE = "tests/transforms/test_choice.py"
POLICIES = "tests/transforms/test_policies.py"
PERSPECTIVE = "tests/transforms/test_perspective.py"
LINEAR = "tests/differentiable/test_linear_pass.py"
DIFF_AUGMENT = "tests/differentiable/test_diff_augment.py"
RECORDED = "tests/differentiable/test_recorded_images.py"

MUTANTS = (
    Mutant(
        "bilinear weights do not sum to one",
        "csrc/pixel/interpolation.h",
        "static_cast<float>(1.0 - f)",
        "static_cast<float>(1.0 - f * 0.999)",
        (EXECUTORS, "any_pipeline"),
    ),
    Mutant(
        "fixed-point weights have four bits fewer",
        "csrc/pixel/fixed.h",
        "(position >> 2) & 0x3fff;",
        "(position >> 2) & 0x3ff0;",
        (EXECUTORS, "any_pipeline"),
    ),
    Mutant(
        "fixed-point taps are never mapped at a border",
        "csrc/stages/locate.inl",
        "return at_x | at_y | (x.size - taps - at_x)",
        "return at_x | at_y",
        (EXECUTORS, "any_pipeline or odd_shapes"),
    ),
    Mutant(
        "the fill is blended twice where two vectors meet",
        "csrc/stages/fill.inl",
        "if (begin >= end) return blend_columns({0, chunk.count}, chunk);",
        "",
        (EXECUTORS, "any_pipeline or odd_shapes"),
    ),
    Mutant(
        "half precision is cut off, not rounded",
        "csrc/pixel/rounding.h",
        "(rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13",
        "rebiased >> 13",
        (IMAGES, "half_precision"),
    ),
    Mutant(
        "bicubic weights lose what rounding leaves over",
        "csrc/pixel/fixed.h",
        "whole[1] += rest;",
        "whole[1] += 4 * rest;",
        (EXECUTORS, "any_pipeline or odd_shapes"),
    ),
    Mutant(
        "a table's entries lose the unit of the fixed point",
        "csrc/stages/lut.inl",
        "to_floats(widen(levels + i)) * level",
        "to_floats(widen(levels + i))",
        (TABLES, "references"),
    ),
    Mutant(
        "the last channel takes no part in a colour map",
        "csrc/stages/colour.inl",
        "for (int k = 1; k < channels; ++k)",
        "for (int k = 1; k < channels - 1; ++k)",
        (TABLES, "is_its_matrix"),
    ),
    Mutant(
        "only a line's last chunk is measured",
        "csrc/stages/measure.inl",
        "chunk.x == 0 ? sum : sums[c] + sum",
        "sum",
        (TABLES, "means_are_those"),
    ),
    Mutant(
        "an erasure takes a line too many",
        "csrc/stages/erase.inl",
        "line.y >= bottom",
        "line.y > bottom",
        (TABLES, "is_its_rectangle"),
    ),
    Mutant(
        "what was erased is clamped",
        "csrc/stages/stages.inl",
        "!eraser.is_active()",
        "true",
        (TABLES, "clamp_and_the_noise"),
    ),
    Mutant(
        "missing values are counted in means",
        "csrc/pixel/missing.h",
        "count[c] += !missing;",
        "++count[c];",
        (TABLES, "mean_is_that"),
    ),
    Mutant(
        "filled values repeat every eight pixels",
        "csrc/pixel/random.h",
        "channel << 28 | block",
        "channel << 28",
        (TABLES, "own_bits"),
    ),
    Mutant(
        "a row's erasures may end behind the table",
        "csrc/validate_tables.cpp",
        "last >= first && last <= count",
        "last >= first",
        (TABLE_RULES, "beyond_the_erasures"),
    ),
    Mutant(
        "a flip is off by one",
        "augsynth/transforms/flips.py",
        "flipped * extent",
        "flipped * (extent - 1)",
        (GEOMETRY, "flips_are_exact"),
    ),
    Mutant(
        "rotations turn about the middle pixel",
        "augsynth/transforms/affine.py",
        "return seen.sizes[:, 1] / 2, seen.sizes[:, 0] / 2",
        "return (seen.sizes[:, 1] - 1) / 2, (seen.sizes[:, 0] - 1) / 2",
        (GEOMETRY, "quarter_turns_of_squares"),
    ),
    Mutant(
        "angles turn clockwise",
        "augsynth/transforms/matrices.py",
        "cos, sin = _cos_sin(degrees)",
        "cos, sin = _cos_sin(-degrees)",
        (GEOMETRY, "counter_clockwise"),
    ),
    Mutant(
        "matrices are composed in the wrong order",
        "augsynth/lowering/open_pass.py",
        "compose(self.inverse, step.inverse)",
        "compose(step.inverse, self.inverse)",
        (GEOMETRY, "product_of_the_steps"),
    ),
    Mutant(
        "a centre crop is off by one",
        "augsynth/transforms/frames.py",
        "np.round(room / 2)",
        "np.round(room / 2 + 0.6)",
        (GEOMETRY, "crop_is_a_slice"),
    ),
    Mutant(
        "the key is ignored",
        "augsynth/transforms/base.py",
        "keys_from_torch(count) if keys is None else as_keys(keys)",
        "keys_from_torch(count)",
        (RANDOMNESS, "same_key"),
    ),
    Mutant(
        "the index does not reach the bits",
        "csrc/draw.cpp",
        "low(key.index), high(key.index)",
        "0u, high(key.index)",
        (RANDOMNESS, "different_keys or each_matter"),
    ),
    Mutant(
        "padding shows what a crop had cut off",
        "augsynth/lowering/conflicts.py",
        "if step.pads and not current.whole_frame:",
        "if False:",
        (LOWERING, "agree_where_nothing or cut_off"),
    ),
    Mutant(
        "different borders share a pass",
        "augsynth/lowering/conflicts.py",
        '("interpolation", "antialias", "border")',
        '("interpolation", "antialias")',
        (LOWERING, "different_borders"),
    ),
    Mutant(
        "different interpolations share a pass",
        "augsynth/lowering/conflicts.py",
        '("interpolation", "antialias", "border")',
        '("antialias", "border")',
        (LOWERING, "different_interpolations"),
    ),
    Mutant(
        "the border's ramp is as wide as a source pixel",
        "augsynth/lowering/open_pass.py",
        "self.edge = _extents(self.inverse)",
        "self.edge = None",
        (LOWERING, "as_soft_after_enlarging"),
    ),
    Mutant(
        "what is remembered for one number of channels serves all",
        "augsynth/lowering/lowering.py",
        "begun(dtype, _native.distinct(channels),",
        "begun(dtype, (),",
        (REMEMBERED, "number_of_channels"),
    ),
    Mutant(
        "a state is remembered with the sign of the first zero",
        "augsynth/lowering/state.py",
        "tuple(value + 0.0 for value in",
        "tuple(value for value in",
        (REMEMBERED, "negative_zero"),
    ),
    Mutant(
        "one nibble of the noise has another weight",
        "csrc/stages/noise_table.h",
        "kEvenLower = 53",
        "kEvenLower = 63",
        (NOISE, "sampled_moments"),
    ),
    Mutant(
        "all channels have the same noise",
        "csrc/stages/random.inl",
        "c << 28",
        "(c & 0) << 28",
        (NOISE, "uncorrelated"),
    ),
    Mutant(
        "lines that share a chunk have gaps in their noise",
        "csrc/stages/random.inl",
        "if (line_halves_ % kBlockHalves != 0) close_gaps();",
        "",
        (SHORT_LINES, "keep_apart"),
    ),
    Mutant(
        "what lies beyond a fill is not the fill",
        "csrc/stages/sample_padded.inl",
        "weights_across(has_fill_ ? near_x : x)",
        "weights_across(x)",
        (SHORT_LINES, "any_strides"),
    ),
    Mutant(
        "small counts are one too few",
        "csrc/pixel/quantiles.h",
        "probability = exponential_of_minus(mean), sum = probability",
        "probability = exponential_of_minus(mean), sum = probability + probability",
        (NOISE, "counts_are_poisson"),
    ),
    Mutant(
        "large counts are not skewed",
        "csrc/pixel/quantiles.h",
        "kFirst[2] = {1.0 / 3.0, 1.0 / 6.0}",
        "kFirst[2] = {1.0 / 2.0, 0.0}",
        (NOISE, "counts_are_poisson"),
    ),
    Mutant(
        "the tails of exact normal noise end early",
        "csrc/pixel/quantiles.h",
        "2.092202821e-7",
        "0.0",
        (NOISE, "quantile_of_its_bits"),
    ),
    Mutant(
        "salt and pepper change places",
        "csrc/stages/noise.inl",
        "? pepper : salt",
        "? salt : pepper",
        (NOISE, "whole_pixels"),
    ),
    Mutant(
        "channel strides are ignored",
        "csrc/stages/sample_general.inl",
        "source_.data + c * source_.stride_c",
        "source_.data + c * static_cast<std::ptrdiff_t>(sizeof(T))",
        (EXECUTORS, "strides"),
    ),
    Mutant(
        "a single pixel reflects with a period of nought",
        "csrc/pixel/border.h",
        "if (axis.size == 1) return 0;",
        "",
        (EXECUTORS, "odd_shapes"),
    ),
    Mutant(
        "positions are a ten-thousandth of a pixel off",
        "csrc/stages/chunk.inl",
        "return {u, v};",
        "return {u + 1e-4, v};",
        (EXECUTORS, "odd_shapes or any_pipeline"),
    ),
    Mutant(
        "the antialiasing filter is not widened",
        "augsynth/lowering/open_pass.py",
        'rows["support"] = np.maximum(extents, 1.0)',
        'rows["support"] = 1.0',
        (GEOMETRY, "resize_is_torchs"),
    ),
    Mutant(
        "a second lookup table comes before the first",
        "augsynth/lowering/tables.py",
        "np.take_along_axis(tables, before.astype(np.int64), axis=1)",
        "np.take_along_axis(before, tables.astype(np.int64), axis=1)",
        (POINTS, ""),
    ),
    Mutant(
        "a second colour map forgets the mean that the first one moved",
        "augsynth/lowering/tables.py",
        "matrix @ first_of_mean + of_mean @ (first + first_of_mean)",
        "matrix @ first_of_mean + of_mean @ first",
        (COLOUR, ""),
    ),
    Mutant(
        "samples that a chance leaves out are turned too",
        "augsynth/lowering/steps.py",
        "inverse = np.where(active[:, None, None], step.inverse, np.eye(3))",
        "inverse = step.inverse",
        (CHOICE, ""),
    ),
    Mutant(
        "a policy turns the other way than it drew",
        "augsynth/transforms/policy_operations.py",
        "strength = share * sign if choice.signed else share",
        "strength = share",
        (POLICIES, "full_strength"),
    ),
    Mutant(
        "a perspective is the inverse of what it says",
        "augsynth/transforms/perspective.py",
        "projective(corners + inwards * (1 - 2 * _CORNERS) * size, corners)",
        "projective(corners, corners + inwards * (1 - 2 * _CORNERS) * size)",
        (PERSPECTIVE, ""),
    ),
    Mutant(
        "a colour map is not transposed on the way back",
        "csrc/gradient/pixel.h",
        "map.matrix[k * map.channels + c] * values[k]",
        "map.matrix[c * map.channels + k] * values[k]",
        (LINEAR, "is_the_adjoint"),
    ),
    Mutant(
        "what was erased still owes its gradient",
        "csrc/gradient/pixel.h",
        "is_erased ? T{0} : gradient",
        "false ? T{0} : gradient",
        (LINEAR, "is_the_adjoint"),
    ),
    Mutant(
        "the border's part of a gradient goes to the picture",
        "csrc/gradient/pixel.h",
        "value *= taps.cover;",
        "",
        (LINEAR, "every_border"),
    ),
    Mutant(
        "means owe a little less than they took",
        "csrc/gradient/pixel.h",
        "map.of_mean[k * map.channels + c] * (sums[k] / pixels)",
        "map.of_mean[k * map.channels + c] * (sums[k] / (pixels + 1))",
        (LINEAR, "is_the_adjoint"),
    ),
    Mutant(
        "the gradient of the gradient has constants",
        "augsynth/differentiable/ops.py",
        "_backward_by(_forward, linear=True)",
        "_backward_by(_forward, linear=False)",
        (LINEAR, "their_gradients"),
    ),
    Mutant(
        "pipelines with gradients do not clamp",
        "augsynth/differentiable/plans.py",
        "values = values.clamp(low, high)",
        "pass",
        (RECORDED, "pictures_are_those or is_clamped"),
    ),
    Mutant(
        "contrast darkens",
        "augsynth/transforms/diff_augment.py",
        "(1 - contrast) * mean",
        "0 * contrast * mean",
        (DIFF_AUGMENT, "of_the_paper or scale_of_the_images"),
    ),
)


def survives(mutant: Mutant, copy: Path) -> bool:
    """Whether the tests pass although the code is broken."""
    path = copy / mutant.file
    text = path.read_text()
    if text.count(mutant.before) < 1:
        raise SystemExit(f"{mutant.file} no longer holds {mutant.before!r}: mend the mutant {mutant.breaks!r}")
    path.write_text(text.replace(mutant.before, mutant.after, 1))
    try:
        install(copy)
        where, expression = mutant.tests
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", expression, copy / where]
        environment = {**os.environ, "PYTHONPATH": str(copy / "site"), "AUGSYNTH_HYPOTHESIS": "unshrunk"}
        require_copy(copy, environment)
        done = subprocess.run(command, cwd=copy / "tests", env=environment, capture_output=True, check=False)
        if done.returncode in (2, 3, 4, 5):
            raise SystemExit(f"pytest could not run {expression!r}:\n{done.stdout.decode()}{done.stderr.decode()}")
        return done.returncode == 0
    finally:
        path.write_text(text)


def install(copy: Path) -> None:
    """Build the copy into its own folder `site`, reusing what is compiled already."""
    shutil.rmtree(copy / "site", ignore_errors=True)
    options = ["--no-build-isolation", "--no-deps", "-q", "--disable-pip-version-check", "--target", str(copy / "site")]
    build = ["-C", f"build-dir={copy / 'build' / 'mutants'}"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *build, str(copy)], check=True)


def require_copy(copy: Path, environment: dict[str, str]) -> None:
    """An editable installation would be tested in place of the copy."""
    command = [sys.executable, "-c", "import augsynth; print(augsynth.__file__)"]
    found = subprocess.run(
        command, cwd=copy / "tests", env=environment, capture_output=True, check=True
    ).stdout.decode()
    if not found.startswith(str(copy / "site")):
        raise SystemExit(
            f"the tests would import {found.strip()}: run this where augsynth is not installed as editable"
        )


def main() -> int:
    """Try every mutant; the number of survivors."""
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "augsynth"
        skipped = shutil.ignore_patterns(".git", ".venv*", "build", "out", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(ROOT, copy, ignore=skipped)
        for number, mutant in enumerate(MUTANTS, start=1):
            alive = survives(mutant, copy)
            survivors += alive
            print(f"[{number}/{len(MUTANTS)}] {'SURVIVED' if alive else 'noticed'}: {mutant.breaks}", flush=True)
    print(f"{len(MUTANTS) - survivors} noticed, {survivors} survived")
    return survivors


if __name__ == "__main__":
    sys.exit(min(main(), 1))
