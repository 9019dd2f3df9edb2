// The module augsynth._cuda. augsynth/_native.py is its only importer, and _cuda.pyi its typed face.
// Importing it asks nothing of a driver.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "cuda/device.h"
#include "python/exceptions.h"

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

}  // namespace
}  // namespace augsynth

PYBIND11_MODULE(_cuda, module) {
  using namespace augsynth;
  translate_exceptions();
  module.def("devices", devices);
  module.def("build_info", build_info);
}
