// What the module offers beside running passes and memory.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "bindings/arrays.h"

namespace augsynth {

// The structures of plan.h: for each its size, and its fields with their offsets and sizes.
pybind11::dict layout();

// ---- Random bits, for keys (n, 3) of seed, epoch and index --------------------------------------------

using KeyArray = Packed<std::int64_t>;
using BitsArray = Packed<std::uint32_t>;

// (n, words)
pybind11::array_t<std::uint32_t> draw_bits(const KeyArray& keys, std::int64_t op, std::int64_t words);

// (n, count)
pybind11::array_t<double> draw_uniform(const KeyArray& keys, std::int64_t op, std::int64_t count);

// (n, count) for each operation
std::vector<pybind11::array_t<double>> draw_pipeline(const KeyArray& keys,
                                                     const std::vector<std::int64_t>& counts);

using Uniforms = pybind11::array_t<double, kNumpyAligned>;

// Column `column` of uniform numbers (n, k), spread over [low, high): low + (high - low) u.
pybind11::array_t<double> spread(const Uniforms& u, pybind11::ssize_t column, double low, double high);

// Keyed permutations of [0, size): `x` (m,), with `sizes` (m,) and `keys` (m, 12), or (1,) and (1, 12) for
// all.
pybind11::array_t<std::int64_t> permute(const KeyArray& x, const KeyArray& sizes,
                                        const Packed<std::uint64_t>& keys, bool backwards);

// ---- Maps of the plane (n, 3, 3) ----------------------------------------------------------------------

using MapArray = Packed<double, pybind11::array::forcecast>;

using Values = pybind11::array_t<double, pybind11::array::forcecast>;

// [[a, b, c], [d, e, f], [0, 0, 1]] of numbers, one for all maps or one each.
MapArray affine(const pybind11::object& a, const pybind11::object& b, const pybind11::object& c,
                const pybind11::object& d, const pybind11::object& e, const pybind11::object& f);

// The linear maps [[a, b], [d, e]] with (x, y) as the point that stays where it is.
MapArray about(const pybind11::object& a, const pybind11::object& b, const pybind11::object& d,
               const pybind11::object& e, const pybind11::object& x, const pybind11::object& y);

// outer[i] inner[i], with one map for all where there is but one. Each sum is rounded from left to right.
MapArray compose(const MapArray& outer, const MapArray& inner);

// ---- Operations on whole images (height, width, channels) of uint8, uint16 or float32 -----------------

using KernelArray = Packed<float>;
using LevelArray = Packed<std::uint8_t>;

constexpr pybind11::ssize_t kLargestMiddle = 2047;

// The first half of a symmetric kernel and its middle, for each axis.
pybind11::array blur_image(const pybind11::array& image, const KernelArray& x, const KernelArray& y);

pybind11::array sharpen_image(const pybind11::array& image, float factor);

// (channels, 256), of bytes
pybind11::array_t<std::int64_t> count_image_levels(const pybind11::array& image);
pybind11::array map_image_levels(const pybind11::array& image, const LevelArray& levels);

// ---- Rows ---------------------------------------------------------------------------------------------

using Integers = pybind11::array_t<std::int64_t, pybind11::array::forcecast | kNumpyAligned>;

// n copies of a row (1,), with the sizes (n, 2) and channels (n,) of the samples, and of `inverse` (n, 3, 3),
// or (1, 3, 3) for all, and `stream` (n, 4) what is not None.
pybind11::array make_rows(const pybind11::array& row, const Integers& source_sizes,
                          const Integers& output_sizes, const Integers& channels,
                          const std::optional<MapArray>& inverse, const std::optional<BitsArray>& stream);

// The different ones among numbers (n,), in order.
pybind11::tuple distinct(const Integers& numbers);

// (channels, height, width, dtype) of the outputs of rows (n,); None where they differ, and where there are
// none.
pybind11::object common_output(const pybind11::array& rows);

// ---- Gradients ----------------------------------------------------------------------------------------

// Runs a linear pass over images (n, channels, height, width), float32 or float64, or its adjoint, which adds
// to what the output holds. `parameters` are those of csrc/gradient/linear_pass.h by name, arrays or None.
void linear_pass(const pybind11::array& source, const pybind11::array& output,
                 const pybind11::dict& parameters, bool adjoint, int threads);

}  // namespace augsynth
