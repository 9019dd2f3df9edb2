// Linear passes on NumPy arrays.
#include <pybind11/numpy.h>

#include <string>

#include "bindings/cpu/functions.h"
#include "bindings/cpu/signals.h"
#include "bindings/linear_arguments.h"
#include "core/errors.h"
#include "cpu/run_linear.h"

namespace py = pybind11;

namespace augsynth {
namespace {

constexpr const char* kInterface = "__array_interface__";

template <typename T>
void run(const py::array& source, const py::array& output, const py::dict& parameters, bool adjoint,
         int threads) {
  const LinearArguments<T> given = read_linear<T>(source, output, parameters, kInterface);
  if (threads < 1) throw ArgumentError("threads is " + std::to_string(threads) + ", expected at least 1");
  const Check check = signals_of_this_thread();
  const py::gil_scoped_release released;
  if (given.pass.samples == 0) return;
  if (adjoint) {
    validate_maps(given.pass, given.source.height, given.source.width);
    run_adjoint(given.pass, given.source, given.output, threads, check);
  } else {
    validate_maps(given.pass, given.output.height, given.output.width);
    run_linear(given.pass, given.source, given.output, threads, check);
  }
}

// Runs a linear pass over images (n, channels, height, width), float32 or float64, or its adjoint, which adds
// to the output. `parameters` are those of gradient/linear_pass.h by name, arrays or None.
void linear_pass(const py::array& source, const py::array& output, const py::dict& parameters, bool adjoint,
                 int threads) {
  const auto typed = is_double(source, kInterface) ? run<double> : run<float>;
  typed(source, output, parameters, adjoint, threads);
}

}  // namespace

void bind_linear(py::module_& module) {
  module.def("linear_pass", linear_pass, py::arg("source").noconvert(), py::arg("output").noconvert(),
             py::arg("parameters"), py::kw_only(), py::arg("adjoint"), py::arg("threads"));
}

}  // namespace augsynth
