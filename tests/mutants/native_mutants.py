"""Mutants of the compiled core, but for what single x86 instruction sets have for themselves: that is not built."""

from mutant import Mutant

EXECUTORS = "tests/transforms/test_executors.py"
TABLES = "tests/native/test_tables.py"
TABLE_RULES = "tests/native/test_table_rules.py"
RANDOMNESS = "tests/transforms/test_randomness.py"
NOISE = "tests/transforms/test_noise.py"
SHORT_LINES = "tests/native/test_short_lines.py"
IMAGES = "tests/native/test_images.py"
RUNS = "tests/native/test_runs.py"
WHOLE_IMAGES = "tests/native/test_whole_images.py"
LINEAR = "tests/differentiable/test_linear_pass.py"
DISPLACED_ROWS = "tests/native/test_displaced_rows.py"
CLAHE = "tests/native/test_native_clahe.py"
COPIES = "tests/transforms/test_copies.py"
WEIGHTLESS = "tests/native/test_weightless.py"
INTERRUPTS = "tests/native/test_interrupts.py"

NATIVE = (
    Mutant(
        "bilinear weights do not sum to one",
        "csrc/pass/interpolation.h",
        "static_cast<float>(1.0 - f)",
        "static_cast<float>(1.0 - f * 0.999)",
        (EXECUTORS, "any_pipeline"),
    ),
    Mutant(
        "fixed-point weights have four bits fewer",
        "csrc/pass/fixed.h",
        "(position >> 2) & 0x3fff;",
        "(position >> 2) & 0x3ff0;",
        (EXECUTORS, "any_pipeline"),
    ),
    Mutant(
        "fixed-point taps are never mapped at a border",
        "csrc/vectors/stages/locate.inl",
        "return at_x | at_y | (x.size - taps - at_x)",
        "return at_x | at_y",
        (EXECUTORS, "any_pipeline or odd_shapes"),
    ),
    Mutant(
        "the fill is blended twice where two vectors meet",
        "csrc/vectors/stages/fill.inl",
        "if (begin >= end) return blend_columns({0, chunk.count}, chunk);",
        "",
        (EXECUTORS, "any_pipeline or odd_shapes"),
    ),
    Mutant(
        "half precision is cut off, not rounded",
        "csrc/pass/rounding.h",
        "(rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13",
        "rebiased >> 13",
        (IMAGES, "half_precision"),
    ),
    Mutant(
        "bicubic weights lose what rounding leaves over",
        "csrc/pass/fixed.h",
        "whole[1] += rest;",
        "whole[1] += 4 * rest;",
        (IMAGES, "constant_picture"),
    ),
    Mutant(
        "a table's entries lose the unit of the fixed point",
        "csrc/vectors/stages/lut.inl",
        "to_floats(widen(levels + i)) * level",
        "to_floats(widen(levels + i))",
        (TABLES, "references"),
    ),
    Mutant(
        "the last channel takes no part in a colour map",
        "csrc/vectors/stages/colour.inl",
        "for (int k = 1; k < channels; ++k)",
        "for (int k = 1; k < channels - 1; ++k)",
        (TABLES, "is_its_matrix"),
    ),
    Mutant(
        "only a line's last chunk is measured",
        "csrc/vectors/stages/measure.inl",
        "chunk.x == 0 ? sum : sums[c] + sum",
        "sum",
        (TABLES, "means_are_those"),
    ),
    Mutant(
        "an erasure takes a line too many",
        "csrc/vectors/stages/erase.inl",
        "line.y >= bottom",
        "line.y > bottom",
        (TABLES, "is_its_rectangle"),
    ),
    Mutant(
        "what was erased is clamped",
        "csrc/vectors/stages/stages.inl",
        "!eraser.is_active()",
        "true",
        (TABLES, "clamp_and_the_noise"),
    ),
    Mutant(
        "missing values are counted in means",
        "csrc/pass/missing.h",
        "count[c] += !missing;",
        "++count[c];",
        (TABLES, "mean_is_that"),
    ),
    Mutant(
        "filled values repeat every eight pixels",
        "csrc/pass/random.h",
        "channel << 28 | block",
        "channel << 28",
        (TABLES, "own_bits"),
    ),
    Mutant(
        "a row's erasures may end behind the table",
        "csrc/validation/tables.cpp",
        "last >= first && last <= count",
        "last >= first",
        (TABLE_RULES, "beyond_the_erasures"),
    ),
    Mutant(
        "the index does not reach the bits",
        "csrc/core/draw.cpp",
        "low(key.index), high(key.index)",
        "0u, high(key.index)",
        (RANDOMNESS, "different_keys or each_matter"),
    ),
    Mutant(
        "one nibble of the noise has another weight",
        "csrc/pass/normal_table.h",
        "kEvenLower = 53",
        "kEvenLower = 63",
        (NOISE, "sampled_moments"),
    ),
    Mutant(
        "all channels have the same noise",
        "csrc/vectors/stages/random.inl",
        "c << 28",
        "(c & 0) << 28",
        (NOISE, "uncorrelated"),
    ),
    Mutant(
        "lines that share a chunk have gaps in their noise",
        "csrc/vectors/stages/random.inl",
        "if (line_halves_ % kBlockHalves != 0) close_gaps();",
        "",
        (SHORT_LINES, "keep_apart"),
    ),
    Mutant(
        "what lies beyond a fill is not the fill",
        "csrc/vectors/stages/sample_padded.inl",
        "weights_across(has_fill_ ? near_x : x)",
        "weights_across(x)",
        (SHORT_LINES, "any_strides"),
    ),
    Mutant(
        "small counts are one too few",
        "csrc/pass/quantiles.h",
        "probability = exponential_of_minus(mean), sum = probability",
        "probability = exponential_of_minus(mean), sum = probability + probability",
        (NOISE, "counts_are_poisson"),
    ),
    Mutant(
        "large counts are not skewed",
        "csrc/pass/quantiles.h",
        "kFirst[2] = {1.0 / 3.0, 1.0 / 6.0}",
        "kFirst[2] = {1.0 / 2.0, 0.0}",
        (NOISE, "counts_are_poisson"),
    ),
    Mutant(
        "the tails of exact normal noise end early",
        "csrc/pass/quantiles.h",
        "2.092202821e-7",
        "0.0",
        (NOISE, "quantile_of_its_bits"),
    ),
    Mutant(
        "salt and pepper change places",
        "csrc/vectors/stages/noise.inl",
        "? pepper : salt",
        "? salt : pepper",
        (NOISE, "whole_pixels"),
    ),
    Mutant(
        "channel strides are ignored",
        "csrc/vectors/stages/sample_general.inl",
        "source_.data + c * source_.stride_c",
        "source_.data + c * static_cast<std::ptrdiff_t>(sizeof(T))",
        (EXECUTORS, "strides"),
    ),
    Mutant(
        "a single pixel reflects with a period of nought",
        "csrc/pass/border.h",
        "if (axis.size == 1) return 0;",
        "",
        (EXECUTORS, "odd_shapes"),
    ),
    Mutant(
        "positions are a ten-thousandth of a pixel off",
        "csrc/vectors/stages/chunk.inl",
        "return {u, v};",
        "return {u + 1e-4, v};",
        (EXECUTORS, "odd_shapes or any_pipeline"),
    ),
    Mutant(
        "a colour map is not transposed on the way back",
        "csrc/gradient/pixel.h",
        "mixed<K>(map, map.matrix + c, map.channels, values)",
        "mixed<K>(map, map.matrix + c * map.channels, 1, values)",
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
        "pixels, T* through_means) {\n",
        "pixels, T* through_means) {\n  pixels += 1;\n",
        (LINEAR, "is_the_adjoint"),
    ),
    Mutant(
        "a pixel of weight 0 is seen all the same",
        "csrc/pass/sampler.h",
        "is_affine(row) && is_whole(m[0])",
        "false && is_affine(row) && is_whole(m[0])",
        (COPIES, "pixels_are_copied"),
    ),
    Mutant(
        "taps of no weight are left in a line's filter",
        "csrc/vectors/stages/sample_separable_float.inl",
        "if (weight != 0.0f) put_tap(",
        "put_tap(",
        (WEIGHTLESS, "filters_leave_out"),
    ),
    Mutant(
        "channels of no weight are mixed in",
        "csrc/vectors/stages/colour.inl",
        "if (mixes_some_) return mix_some(chunk);",
        "",
        (WEIGHTLESS, "channels_of_no_weight"),
    ),
    Mutant(
        "a neutral bias makes -0 a 0",
        "csrc/pass/neutral.h",
        "row.bias[c] = -0.0;",
        "row.bias[c] = 0.0;",
        (COPIES, "pixels_are_copied"),
    ),
    Mutant(
        "nobody looks for signals",
        "csrc/core/poll.cpp",
        "  check_();",
        "",
        (INTERRUPTS, "ends_a_call"),
    ),
    Mutant(
        "a blur mirrors about the edge instead of the outermost centres",
        "csrc/whole_image/filters.inl",
        "return {size, 0, Border::kReflect101};",
        "return {size, 0, Border::kReflect};",
        (WHOLE_IMAGES, "blurs_are"),
    ),
    Mutant(
        "the last vector of a blurred line is left out",
        "csrc/whole_image/filters.inl",
        "convolve_some<Floats, 1>(taps, kernel, count - kLanes, sums);",
        "(void)0;",
        (WHOLE_IMAGES, "blurs_are"),
    ),
    Mutant(
        "pixels counted apart are not added up",
        "csrc/whole_image/levels.cpp",
        "for (int k = 0; k < kApart; ++k) sum +=",
        "for (int k = 0; k < 1; ++k) sum +=",
        (WHOLE_IMAGES, "counted_and_mapped"),
    ),
    Mutant(
        "the last pixels of a copied run are left out",
        "csrc/vectors/stages/copy.inl",
        "const int at = i + kSplit <= run.count ? i : run.count - kSplit;",
        "const int at = i + kSplit <= run.count ? i : 0;",
        (RUNS, "single_pixels"),
    ),
    Mutant(
        "runs of pixels are unpacked in the order of a flip",
        "csrc/vectors/stages/sample_nearest.inl",
        "is_reversed_ ? spread<true>(line, packets)",
        "!is_reversed_ ? spread<true>(line, packets)",
        (RUNS, "single_pixels"),
    ),
    Mutant(
        "the last control point weighs too much",
        "csrc/pass/displacement.h",
        "weight[3] = t * t * t * (1.0 / 6.0);",
        "weight[3] = t * t * (1.0 / 6.0);",
        (DISPLACED_ROWS, "scipy"),
    ),
    Mutant(
        "counts of a tile are not limited",
        "csrc/whole_image/clahe.inl",
        "sum += counts[i] < limit ? counts[i] : limit;",
        "sum += counts[i];",
        (CLAHE, "of_the_definition"),
    ),
)
