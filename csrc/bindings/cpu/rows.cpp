#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/cpu/functions.h"
#include "core/errors.h"
#include "core/plan.h"

namespace py = pybind11;

namespace augsynth {
namespace {

void require_shape(const char* name, const py::array& array, const std::vector<py::ssize_t>& shape) {
  if (!std::equal(shape.begin(), shape.end(), array.shape(), array.shape() + array.ndim()))
    throw ArgumentError(std::string(name) + " has shape " + shape_text(array) + ", expected " +
                        std::string(py::str(py::tuple(py::cast(shape)))));
}

void require_rows(const py::array& rows) {
  if (rows.ndim() != 1 || rows.itemsize() != static_cast<py::ssize_t>(sizeof(PlanRow)))
    throw ImageError("rows has " + item_text(rows) + ", expected 1 axis of augsynth._native.layout.ROW");
}

// Copies of a row (1,), with the sizes (n, 2) and channels (n,) of the samples. `inverse` (n, 3, 3), or
// (1, 3, 3) for all, and `stream` (n, 4) replace the row's own unless they are None.
py::array make_rows(const py::array& row, const Integers& source_sizes, const Integers& output_sizes,
                    const Integers& channels, const std::optional<MapArray>& inverse,
                    const std::optional<Packed<std::uint32_t>>& stream) {
  const py::ssize_t count = channels.size();
  require_rows(row);
  require_shape("row", row, {1});
  require_shape("channels", channels, {count});
  require_shape("source_sizes", source_sizes, {count, 2});
  require_shape("output_sizes", output_sizes, {count, 2});
  const bool each = inverse && inverse->ndim() == 3 && inverse->shape(0) != 1;
  if (inverse) require_shape("inverse", *inverse, {each ? count : 1, 3, 3});
  if (stream) require_shape("stream", *stream, {count, 4});
  // NumPy looks at each field of a structure when it allocates one, but not when it is given memory.
  py::array_t<unsigned char> memory(count * static_cast<py::ssize_t>(sizeof(PlanRow)));
  auto* rows = reinterpret_cast<PlanRow*>(memory.mutable_data());
  const auto sources = source_sizes.unchecked<2>(), outputs = output_sizes.unchecked<2>();
  const auto counts = channels.unchecked<1>();
  for (py::ssize_t i = 0; i < count; ++i) {
    std::memcpy(static_cast<void*>(rows + i), row.data(), sizeof(PlanRow));  // with the padding
    for (int axis = 0; axis < 2; ++axis) {
      rows[i].source_size[axis] = static_cast<std::int32_t>(sources(i, axis));
      rows[i].output_size[axis] = static_cast<std::int32_t>(outputs(i, axis));
    }
    rows[i].channels = static_cast<std::int32_t>(counts(i));
    if (inverse) std::copy_n(inverse->data() + (each ? 9 * i : 0), 9, rows[i].inverse);
    if (stream) std::copy_n(stream->data() + 4 * i, 4, rows[i].stream);
  }
  return py::array(row.dtype(), count, memory.data(), memory);
}

// The different ones among numbers (n,), in order.
py::tuple distinct(const Integers& numbers) {
  if (numbers.ndim() != 1) throw ArgumentError("numbers are " + item_text(numbers) + ", expected 1 axis");
  const auto at = numbers.unchecked<1>();
  std::vector<std::int64_t> found;
  for (py::ssize_t i = 0; i < numbers.size(); ++i)  // of which nearly all are alike
    if (found.empty() || at(i) != found.back()) found.push_back(at(i));
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return py::tuple(py::cast(found));
}

// (channels, height, width, dtype) of the outputs of rows (n,); None if they differ or if there are none.
py::object common_output(const py::array& rows) {
  require_rows(rows);
  // Rows need not be aligned, so their bytes are compared.
  constexpr std::size_t kShape = offsetof(PlanRow, output_size), kDType = offsetof(PlanRow, output_dtype);
  static_assert(offsetof(PlanRow, channels) == kShape + 2 * sizeof(std::int32_t));
  std::int32_t shape[3];
  const auto* first = static_cast<const unsigned char*>(rows.data());
  for (py::ssize_t i = 0; i < rows.shape(0); ++i)
    if (std::memcmp(first + i * rows.strides(0) + kShape, first + kShape, sizeof shape) != 0)
      return py::none();
  if (rows.shape(0) == 0) return py::none();
  std::memcpy(shape, first + kShape, sizeof shape);
  return py::make_tuple(shape[2], shape[0], shape[1], static_cast<int>(first[kDType]));
}

}  // namespace

void bind_rows(py::module_& module) {
  module.def("make_rows", make_rows, py::arg("row"), py::arg("source_sizes"), py::arg("output_sizes"),
             py::arg("channels"), py::arg("inverse"), py::arg("stream"));
  module.def("distinct", distinct, py::arg("numbers"));
  module.def("common_output", common_output, py::arg("rows"));
}

}  // namespace augsynth
