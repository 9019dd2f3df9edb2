// The module augsynth._native._cuda. augsynth/_native/ is its only importer, and _cuda.pyi its typed face.
// Importing it asks nothing of a driver.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/exceptions.h"
#include "bindings/linear_arguments.h"
#include "core/errors.h"
#include "cuda/device.h"
#include "cuda/launch.h"
#include "cuda/launch_steps.h"
#include "cuda/linear.h"

namespace py = pybind11;

namespace augsynth {
namespace {

// ---- Passes -------------------------------------------------------------------------------------------

// An image is a line of 8 numbers: its address, its shape, its strides in bytes and its dtype, the latter as
// rows say it.
using ImageAddresses = Packed<std::int64_t>;

std::vector<Image> images_at(const ImageAddresses& places, const char* name) {
  constexpr py::ssize_t kNumbers = 8;
  if (places.ndim() != 2 || places.shape(1) != kNumbers)
    throw ImageError(std::string(name) + " has shape " + shape_text(places) +
                     ", expected (n, 8): address, shape, strides in bytes and dtype");
  std::vector<Image> images;
  images.reserve(static_cast<std::size_t>(places.shape(0)));
  for (py::ssize_t i = 0; i < places.shape(0); ++i) {
    const std::int64_t* at = places.data(i, 0);
    if (at[7] < 0 || at[7] > static_cast<std::int64_t>(DType::kBfloat16))
      throw ImageError(std::string(name) + "[" + std::to_string(i) + "] has dtype " + std::to_string(at[7]) +
                       ", expected 0 (uint8) to 4 (bfloat16)");
    images.push_back({reinterpret_cast<unsigned char*>(at[0]),
                      {at[1], at[2], at[3]},
                      {at[4], at[5], at[6]},
                      static_cast<DType>(at[7]),
                      true});
  }
  return images;
}

// A launch for Python, with the steps that it wrote last.
class PyLaunch {
 public:
  PyLaunch(const py::array& rows, const ImageAddresses& sources, const ImageAddresses& outputs,
           const py::object& tables) {
    std::vector<PlanRow> copied = copy_items<PlanRow>(rows, "rows", "ROW");
    Tables copied_tables = copy_tables(tables);
    const std::vector<Image> from = images_at(sources, "sources"), to = images_at(outputs, "outputs");
    const py::gil_scoped_release released;
    launch_.emplace(std::move(copied), std::move(copied_tables), from, to);
  }

  std::size_t copied() const { return launch_->copied(); }
  std::size_t scratch() const { return launch_->scratch(); }

  void write(std::uintptr_t staging, std::uintptr_t device) {
    if (device % Launch::kAlignment != 0)
      throw ArgumentError("device is an address that is not a multiple of " +
                          std::to_string(Launch::kAlignment));
    const py::gil_scoped_release released;
    steps_ =
        launch_->write(reinterpret_cast<unsigned char*>(staging), reinterpret_cast<unsigned char*>(device));
  }

  void run(int device, std::uintptr_t stream) const {
    const py::gil_scoped_release released;
    const OnDevice on_device(device);
    for (const LaunchStep& step : steps_) launch(step, reinterpret_cast<void*>(stream));
  }

  void run_on_host() const {
    const py::gil_scoped_release released;
    for (const LaunchStep& step : steps_) simulate(step);
  }

  // What each step is, how many samples it has and how many blocks.
  py::list steps() const {
    py::list found;
    for (const LaunchStep& step : steps_)
      found.append(
          py::make_tuple(step_name(step.kind), step.kind_of_tasks, step.share.samples, step.share.blocks));
    return found;
  }

 private:
  static const char* step_name(StepKind kind) {
    constexpr const char* kNames[] = {"add present", "take means", "fill",      "weigh taps",
                                      "add columns", "add chunks", "add lines", "render pixels"};
    return kNames[static_cast<int>(kind)];
  }

  std::optional<Launch> launch_;
  std::vector<LaunchStep> steps_;
};

// ---- What was built, and where it can run ---------------------------------------------------------------

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
  py::class_<PyLaunch>(module, "Launch", ordinary_metaclass())
      .def(py::init<const py::array&, const ImageAddresses&, const ImageAddresses&, const py::object&>(),
           py::kw_only(), py::arg("rows"), py::arg("sources").noconvert(), py::arg("outputs").noconvert(),
           py::arg("tables"))
      .def_property_readonly("copied", &PyLaunch::copied)
      .def_property_readonly("scratch", &PyLaunch::scratch)
      .def("write", &PyLaunch::write, py::arg("staging"), py::arg("device"))
      .def("run", &PyLaunch::run, py::arg("device"), py::arg("stream"))
      .def("run_on_host", &PyLaunch::run_on_host)
      .def("steps", &PyLaunch::steps);
  module.def("devices", devices);
  module.def("build_info", build_info);
  module.def("linear_pass", linear_pass, py::arg("source"), py::arg("output"), py::arg("parameters"),
             py::arg("means"), py::kw_only(), py::arg("adjoint"), py::arg("device"), py::arg("stream"));
}
