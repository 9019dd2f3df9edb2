// What the module offers beside running passes and memory.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <vector>

#include "python/arrays.h"

namespace augsynth {

// The structures of plan.h: for each its size, and its fields with their offsets and sizes.
pybind11::dict layout();

// ---- Random bits, for keys (n, 3) of seed, epoch and index --------------------------------------------

using KeyArray = Packed<std::int64_t>;

// (n, words)
pybind11::array_t<std::uint32_t> draw_bits(const KeyArray& keys, std::int64_t op, std::int64_t words);

// (n, count)
pybind11::array_t<double> draw_uniform(const KeyArray& keys, std::int64_t op, std::int64_t count);

// (n, count) for each operation
std::vector<pybind11::array_t<double>> draw_pipeline(const KeyArray& keys,
                                                     const std::vector<std::int64_t>& counts);

// Keyed permutations of [0, size): `x` (m,), with `sizes` (m,) and `keys` (m, 12), or (1,) and (1, 12) for
// all.
pybind11::array_t<std::int64_t> permute(const KeyArray& x, const KeyArray& sizes,
                                        const Packed<std::uint64_t>& keys, bool backwards);

// ---- Maps of the plane (n, 3, 3) ----------------------------------------------------------------------

using MapArray = Packed<double, pybind11::array::forcecast>;

using Values = pybind11::array_t<double, pybind11::array::forcecast>;

// [[a, b, c], [d, e, f], [0, 0, 1]] of numbers, one for all maps or one each.
MapArray affine(const Values& a, const Values& b, const Values& c, const Values& d, const Values& e,
                const Values& f);

// outer[i] inner[i], with one map for all where there is but one. Each sum is rounded from left to right.
MapArray compose(const MapArray& outer, const MapArray& inner);

// ---- Gradients ----------------------------------------------------------------------------------------

// Runs a linear pass over images (n, channels, height, width), float32 or float64, or its adjoint, which adds
// to what the output holds. `parameters` are those of csrc/gradient/linear_pass.h by name, arrays or None.
void linear_pass(const pybind11::array& source, const pybind11::array& output,
                 const pybind11::dict& parameters, bool adjoint, int threads);

}  // namespace augsynth
