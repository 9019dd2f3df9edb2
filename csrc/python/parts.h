// What the module offers beside running passes and memory.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <vector>

namespace augsynth {

// The structures of plan.h: for each its size, and its fields with their offsets and sizes.
pybind11::dict layout();

// ---- Random bits, for keys (n, 3) of seed, epoch and index --------------------------------------------

using KeyArray = pybind11::array_t<std::int64_t, pybind11::array::c_style>;

// (n, words)
pybind11::array_t<std::uint32_t> draw_bits(const KeyArray& keys, std::int64_t op, std::int64_t words);

// (n, count)
pybind11::array_t<double> draw_uniform(const KeyArray& keys, std::int64_t op, std::int64_t count);

// (sum of counts, n)
pybind11::array_t<double> draw_pipeline(const KeyArray& keys, const std::vector<std::int64_t>& counts);

// ---- Gradients ----------------------------------------------------------------------------------------

// Runs a linear pass over images (n, channels, height, width), float32 or float64, or its adjoint, which adds
// to what the output holds. `parameters` are those of csrc/gradient/linear_pass.h by name, arrays or None.
void linear_pass(const pybind11::array& source, const pybind11::array& output,
                 const pybind11::dict& parameters, bool adjoint, int threads);

}  // namespace augsynth
