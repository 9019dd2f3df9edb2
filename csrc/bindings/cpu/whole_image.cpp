// Operations on whole images: one image (height, width, channels), and a new one that lies in memory like it.
#include <string>

#include "bindings/arrays.h"
#include "bindings/cpu/functions.h"
#include "bindings/cpu/signals.h"
#include "core/errors.h"
#include "whole_image/clahe.h"
#include "whole_image/filters.h"
#include "whole_image/levels.h"

namespace py = pybind11;

namespace augsynth {
namespace {

using KernelArray = Packed<float>;
using LevelArray = Packed<std::uint8_t>;

constexpr py::ssize_t kLargestMiddle = 2047;

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

HalfKernel kernel_of(const KernelArray& weights) {
  if (weights.ndim() != 1 || weights.size() < 1 || weights.size() > kLargestMiddle + 1)
    throw ArgumentError("half a kernel has shape " + shape_text(weights) + ", expected 1 axis of 1 to " +
                        std::to_string(kLargestMiddle + 1) + " weights");
  return {weights.data(), static_cast<int>(weights.size()) - 1};
}

// A new image that lies in memory like `image`, written by work(source, output, poll) without the GIL.
template <typename Work>
py::array written(const py::array& image, const Image& source, const Work& work) {
  py::array result = array_like(image);
  const Image output = one_image(result, "result");
  Poll poll(signals_of_this_thread());
  const py::gil_scoped_release released;
  work(source, output, poll);
  return result;
}

// `x` and `y` hold the first half of a symmetric kernel and its middle.
py::array blur_image(const py::array& image, const KernelArray& x, const KernelArray& y) {
  const HalfKernel along_x = kernel_of(x), along_y = kernel_of(y);
  return written(image, one_image(image, "image"), [&](const Image& source, const Image& output, Poll& poll) {
    blur(source, output, along_x, along_y, poll);
  });
}

py::array sharpen_image(const py::array& image, float factor) {
  return written(image, one_image(image, "image"), [&](const Image& source, const Image& output, Poll& poll) {
    sharpen(source, output, factor, poll);
  });
}

py::array clahe_image(const py::array& image, double clip_limit, int columns, int rows) {
  if (!(clip_limit > 0) || columns < 1 || rows < 1)
    throw ArgumentError("clip_limit is " + std::to_string(clip_limit) + " and the grid " +
                        std::to_string(columns) + " x " + std::to_string(rows) +
                        ", expected numbers above 0");
  return written(image, one_image(image, "image"), [&](const Image& source, const Image& output, Poll& poll) {
    clahe(source, output, clip_limit, columns, rows, poll);
  });
}

// Counts (channels, 256) of the levels of bytes.
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
    throw ArgumentError("levels have shape " + shape_text(levels) + ", expected (" +
                        std::to_string(source.shape[2]) + ", " + std::to_string(kLevels) + ")");
  const std::uint8_t* table = levels.data();
  return written(image, source, [&](const Image& from, const Image& output, Poll& poll) {
    map_levels(from, table, output, poll);
  });
}

}  // namespace

void bind_whole_image(py::module_& module) {
  module.def("blur", blur_image, py::arg("image"), py::arg("x").noconvert(), py::arg("y").noconvert());
  module.def("sharpen", sharpen_image, py::arg("image"), py::arg("factor"));
  module.def("clahe", clahe_image, py::arg("image"), py::arg("clip_limit"), py::arg("columns"),
             py::arg("rows"));
  module.def("count_levels", count_image_levels, py::arg("image"));
  module.def("map_levels", map_image_levels, py::arg("image"), py::arg("levels").noconvert());
}

}  // namespace augsynth
