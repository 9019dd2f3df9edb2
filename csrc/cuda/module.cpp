// The module augsynth._cuda. augsynth/_native.py is its only importer, and _cuda.pyi its typed face.
// Importing it asks nothing of a driver.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "cuda/device.h"
#include "cuda/linear.h"
#include "python/exceptions.h"
#include "python/linear_arguments.h"

namespace py = pybind11;

namespace augsynth {
namespace {

py::list devices() {
  py::list found;
  for (const DeviceInfo& one : list_devices()) {
    py::dict device;
    device["name"] = one.name;
    device["capability"] = one.capability;
    device["processors"] = one.processors;
    device["memory"] = one.memory;
    found.append(device);
  }
  return found;
}

py::dict build_info() {
  py::dict info;
  info["version"] = AUGSYNTH_VERSION;
  info["compiler"] = AUGSYNTH_CUDA_COMPILER;
  info["architectures"] = AUGSYNTH_CUDA_ARCHITECTURES;
  return info;
}

// ---- Gradients ----------------------------------------------------------------------------------------

constexpr const char* kInterface = "__cuda_array_interface__";

template <typename T>
void run_linear(const py::object& source, const py::object& output, const py::dict& parameters,
                const py::object& means, bool adjoint, int device, std::uintptr_t stream) {
  const LinearArguments<T> given = read_linear<T>(source, output, parameters, kInterface);
  if (given.pass.samples == 0) return;
  T* room = nullptr;
  if (given.pass.first.of_mean) room = read_means<T>(means, given.pass, kInterface);
  const OnDevice current(device);
  const auto launch = adjoint ? launch_adjoint<T> : launch_linear<T>;
  launch(given.pass, given.source, given.output, room, reinterpret_cast<void*>(stream));
}

void linear_pass(const py::object& source, const py::object& output, const py::dict& parameters,
                 const py::object& means, bool adjoint, int device, std::uintptr_t stream) {
  const auto typed = is_double(source, kInterface) ? run_linear<double> : run_linear<float>;
  typed(source, output, parameters, means, adjoint, device, stream);
}

}  // namespace
}  // namespace augsynth

PYBIND11_MODULE(_cuda, module) {
  using namespace augsynth;
  translate_exceptions();
  module.def("devices", devices);
  module.def("build_info", build_info);
  module.def("linear_pass", linear_pass, py::arg("source"), py::arg("output"), py::arg("parameters"),
             py::arg("means"), py::kw_only(), py::arg("adjoint"), py::arg("device"), py::arg("stream"));
}
