// NumPy arrays to and from linear passes.
#include <string>
#include <type_traits>

#include "errors.h"
#include "gradient/run_linear.h"
#include "gradient/taps.h"
#include "python/arrays.h"
#include "python/parts.h"

namespace py = pybind11;

namespace augsynth {
namespace {

using Shape = std::vector<py::ssize_t>;

std::string shape_text(const py::array& array) {
  return std::string(py::str(array.dtype())) + " " + std::string(py::str(array.attr("shape")));
}

template <typename T>
bool holds(const py::array& array) {
  return py::isinstance<py::array_t<T>>(array);
}

// A batch of images (n, channels, height, width).
template <typename T>
Planes<T> planes_of(const py::array& array, const char* name) {
  using Element = std::remove_const_t<T>;
  if (!holds<Element>(array) || array.ndim() != 4)
    throw ImageError(std::string(name) + " is " + shape_text(array) + ", expected 4 axes of " +
                     std::string(py::str(py::dtype::of<Element>())));
  if (!std::is_const_v<T> && !array.writeable()) throw ImageError(std::string(name) + " is read-only");
  std::int64_t stride[4];
  for (int axis = 0; axis < 4; ++axis) {
    if (array.strides(axis) % static_cast<py::ssize_t>(sizeof(Element)) != 0)
      throw ImageError(std::string(name) + " has strides that are no multiples of its elements");
    stride[axis] = array.strides(axis) / static_cast<py::ssize_t>(sizeof(Element));
  }
  for (int axis = 2; axis < 4; ++axis)
    if (array.shape(axis) < 1 || array.shape(axis) > static_cast<py::ssize_t>(kFarthest))
      throw ArgumentError(std::string(name) + " has shape " + std::string(py::str(array.attr("shape"))) +
                          ", expected sides of 1 to 2^24");
  return {static_cast<T*>(const_cast<void*>(array.data())),
          stride[0],
          stride[1],
          stride[2],
          stride[3],
          static_cast<int>(array.shape(2)),
          static_cast<int>(array.shape(3))};
}

// A contiguous array of exactly this shape, or null for None.
template <typename E>
const E* optional(const py::object& object, const char* name, const Shape& shape) {
  if (object.is_none()) return nullptr;
  const auto array = py::cast<py::array>(object);
  bool fits = holds<E>(array) && array.ndim() == static_cast<py::ssize_t>(shape.size()) &&
              (array.flags() & py::array::c_style);
  for (std::size_t axis = 0; fits && axis < shape.size(); ++axis) fits = array.shape(axis) == shape[axis];
  if (!fits)
    throw ArgumentError(std::string(name) + " is " + shape_text(array) + ", expected a contiguous array of " +
                        std::string(py::str(py::dtype::of<E>())) + " " +
                        std::string(py::str(py::tuple(py::cast(shape)))));
  return static_cast<const E*>(array.data());
}

template <typename E>
const E* required(const py::dict& arguments, const char* name, const Shape& shape) {
  const E* data = optional<E>(arguments[name], name, shape);
  if (!data) throw ArgumentError(std::string(name) + " is missing");
  return data;
}

template <typename T>
LinearPass<T> pass_of(const py::dict& given, py::ssize_t n, py::ssize_t c) {
  if (c < 1 || c > kMaxChannels)
    throw ArgumentError("images have " + std::to_string(c) + " channels, expected 1 to 16");
  const auto interpolation = py::cast<int>(given["interpolation"]), border = py::cast<int>(given["border"]);
  if (interpolation < 0 || interpolation > 1)
    throw ArgumentError("interpolation is " + std::to_string(interpolation) +
                        ", expected 0 (nearest) or 1 (bilinear)");
  if (border < 0 || border > 4)
    throw ArgumentError("border is " + std::to_string(border) + ", expected 0 (constant) to 4 (wrap)");
  const py::object boxes = given["boxes"];
  const py::ssize_t k =
      boxes.is_none() || py::cast<py::array>(boxes).ndim() != 3 ? 0 : py::cast<py::array>(boxes).shape(1);
  LinearPass<T> pass{};
  LinearMap<T>& map = pass.first;
  map.inverse = required<double>(given, "inverse", {n, 3, 3});
  map.edge = required<double>(given, "edge", {n, 2});
  map.fill = optional<T>(given["fill"], "fill", {n, c});
  map.matrix = optional<T>(given["matrix"], "matrix", {n, c, c});
  map.of_mean = optional<T>(given["of_mean"], "of_mean", {n, c, c});
  map.offset = optional<T>(given["offset"], "offset", {n, c});
  map.boxes = optional<std::int32_t>(boxes, "boxes", {n, k, 4});
  map.values = optional<T>(given["values"], "values", {n, k, c});
  map.gain = optional<T>(given["gain"], "gain", {n, c});
  map.bias = optional<T>(given["bias"], "bias", {n, c});
  map.channels = static_cast<int>(c);
  map.box_count = static_cast<int>(k);
  map.border = static_cast<Border>(border);
  pass.samples = static_cast<int>(n);
  pass.interpolation = static_cast<Interpolation>(interpolation);
  return pass;
}

template <typename T>
void run_typed(const py::array& from, const py::array& to, const py::dict& given, bool adjoint, int threads) {
  const Planes<const T> read = planes_of<const T>(from, adjoint ? "gradient" : "images");
  const Planes<T> written = planes_of<T>(to, "output");
  const py::ssize_t n = from.shape(0), c = from.shape(1);
  if (to.shape(0) != n || to.shape(1) != c)
    throw ArgumentError("output is " + shape_text(to) + " for " + shape_text(from));
  if (threads < 1) throw ArgumentError("threads is " + std::to_string(threads) + ", expected at least 1");
  const LinearPass<T> pass = pass_of<T>(given, n, c);
  const py::gil_scoped_release released;
  if (pass.samples == 0) return;
  if (adjoint) {
    validate_maps(pass, read.height, read.width);
    run_adjoint(pass, read, written, threads);
  } else {
    validate_maps(pass, written.height, written.width);
    run_linear(pass, read, written, threads);
  }
}

}  // namespace

void linear_pass(const py::array& from, const py::array& to, const py::dict& parameters, bool adjoint,
                 int threads) {
  if (holds<double>(from)) return run_typed<double>(from, to, parameters, adjoint, threads);
  return run_typed<float>(from, to, parameters, adjoint, threads);
}

}  // namespace augsynth
