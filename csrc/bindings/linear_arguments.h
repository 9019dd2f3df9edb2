// The arguments of a linear pass, from NumPy arrays or from tensors on a CUDA device: both describe their
// memory in the same words, `__array_interface__` and `__cuda_array_interface__`.
#pragma once

#include <pybind11/pybind11.h>

#include "gradient/linear_pass.h"

namespace augsynth {

template <typename T>
struct LinearArguments {
  LinearPass<T> pass;
  ImageBatch<const T> source;
  ImageBatch<T> output;
};

// Whether images are float64; they are float32 or refused otherwise.
bool is_double(const pybind11::object& images, const char* interface);

// Throws ImageError for a dtype, and ArgumentError for a shape, that does not fit. `parameters` are those of
// gradient/linear_pass.h by name: contiguous arrays with an entry a sample, None, or numbers.
template <typename T>
LinearArguments<T> read_linear(const pybind11::object& source, const pybind11::object& output,
                               const pybind11::dict& parameters, const char* interface);

// Room for what means add to each sample and channel of a pass: a contiguous array (n, channels).
template <typename T>
T* read_means(const pybind11::object& array, const LinearPass<T>& pass, const char* interface);

}  // namespace augsynth
