// Linear passes on NumPy arrays.
#include <string>

#include "bindings/cpu/parts.h"
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

}  // namespace

void linear_pass(const py::array& source, const py::array& output, const py::dict& parameters, bool adjoint,
                 int threads) {
  const auto typed = is_double(source, kInterface) ? run<double> : run<float>;
  typed(source, output, parameters, adjoint, threads);
}

}  // namespace augsynth
