// Operations on whole images: one image (height, width, channels), and a new one that lies in memory like it.
#include <string>

#include "bindings/arrays.h"
#include "bindings/cpu/parts.h"
#include "bindings/cpu/signals.h"
#include "core/errors.h"
#include "whole_image/filters.h"
#include "whole_image/levels.h"

namespace py = pybind11;

namespace augsynth {
namespace {

py::array array_like(const py::array& image) {
  return py::module_::import("numpy").attr("empty_like")(image, py::arg("subok") = false);
}

Image bytes_of(const py::array& array) {
  const Image image = one_image(array, "image");
  if (image.dtype != DType::kUint8)
    throw ImageError("image has dtype " + std::string(py::str(array.dtype().attr("str"))) +
                     ", expected uint8");
  return image;
}

Kernel kernel_of(const KernelArray& weights) {
  if (weights.ndim() != 1 || weights.size() < 1 || weights.size() > kLargestMiddle + 1)
    throw ArgumentError("half a kernel has shape " + std::string(py::str(weights.attr("shape"))) +
                        ", expected 1 axis of 1 to " + std::to_string(kLargestMiddle + 1) + " weights");
  return {weights.data(), static_cast<int>(weights.size()) - 1};
}

}  // namespace

py::array blur_image(const py::array& image, const KernelArray& x, const KernelArray& y) {
  const Image source = one_image(image, "image");
  const Kernel along_x = kernel_of(x), along_y = kernel_of(y);
  py::array result = array_like(image);
  const Image output = one_image(result, "result");
  Poll poll(signals_of_this_thread());
  const py::gil_scoped_release released;
  blur(source, output, along_x, along_y, poll);
  return result;
}

py::array sharpen_image(const py::array& image, float factor) {
  const Image source = one_image(image, "image");
  py::array result = array_like(image);
  const Image output = one_image(result, "result");
  Poll poll(signals_of_this_thread());
  const py::gil_scoped_release released;
  sharpen(source, output, factor, poll);
  return result;
}

py::array_t<std::int64_t> count_image_levels(const py::array& image) {
  const Image source = bytes_of(image);
  py::array_t<std::int64_t> counts({static_cast<py::ssize_t>(source.shape[2]), py::ssize_t{kLevels}});
  std::int64_t* to = counts.mutable_data();
  Poll poll(signals_of_this_thread());
  const py::gil_scoped_release released;
  count_levels(source, to, poll);
  return counts;
}

py::array map_image_levels(const py::array& image, const LevelArray& levels) {
  const Image source = bytes_of(image);
  if (levels.ndim() != 2 || levels.shape(0) != source.shape[2] || levels.shape(1) != kLevels)
    throw ArgumentError("levels have shape " + std::string(py::str(levels.attr("shape"))) + ", expected (" +
                        std::to_string(source.shape[2]) + ", " + std::to_string(kLevels) + ")");
  py::array result = array_like(image);
  const Image output = one_image(result, "result");
  const std::uint8_t* from = levels.data();
  Poll poll(signals_of_this_thread());
  const py::gil_scoped_release released;
  map_levels(source, from, output, poll);
  return result;
}

}  // namespace augsynth
