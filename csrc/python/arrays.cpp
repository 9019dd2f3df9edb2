#include "python/arrays.h"

#include "errors.h"

namespace py = pybind11;

namespace augsynth {
namespace {

std::string type_name(const py::handle& object) { return py::str(py::type::of(object).attr("__name__")); }

constexpr int kNumpyHalf = 23;  // NPY_HALF, which C++ has no type for

DType image_dtype(const py::array& array, const std::string& name) {
  const py::dtype dtype = array.dtype();
  if (dtype.byteorder() == '=' || dtype.byteorder() == '|') {
    if (dtype.num() == py::dtype::of<std::uint8_t>().num()) return DType::kUint8;
    if (dtype.num() == py::dtype::of<std::uint16_t>().num()) return DType::kUint16;
    if (dtype.num() == py::dtype::of<float>().num()) return DType::kFloat32;
    if (dtype.num() == kNumpyHalf) return DType::kFloat16;
  }
  throw ImageError(name + " has dtype " + std::string(py::str(dtype.attr("str"))) +
                   ", expected uint8, uint16, float32 or (outputs) float16 in native byte order");
}

// The last three axes of an array.
Image last_axes(const py::array& array, const std::string& name) {
  Image image{};
  image.data = static_cast<unsigned char*>(const_cast<void*>(array.data()));
  image.dtype = image_dtype(array, name);
  image.writable = array.writeable();
  for (int axis = 0; axis < 3; ++axis) {
    image.shape[axis] = array.shape(array.ndim() - 3 + axis);
    image.stride[axis] = array.strides(array.ndim() - 3 + axis);
  }
  return image;
}

Batch split_array(const py::array& array, const std::string& name) {
  if (array.ndim() != 4)
    throw ImageError(name + " is an array with " + std::to_string(array.ndim()) +
                     " axes, expected 4 axes, or a sequence of arrays with 3");
  Batch batch;
  batch.owners.push_back(array);
  const Image first = last_axes(array, name);
  batch.images.assign(static_cast<std::size_t>(array.shape(0)), first);
  for (std::size_t i = 0; i < batch.images.size(); ++i)
    batch.images[i].data += static_cast<std::ptrdiff_t>(i) * array.strides(0);
  return batch;
}

}  // namespace

Batch collect(const py::object& object, const std::string& name) {
  if (py::isinstance<py::array>(object)) return split_array(py::reinterpret_borrow<py::array>(object), name);
  if (!py::isinstance<py::sequence>(object))
    throw ImageError(name + " is a " + type_name(object) + ", expected a sequence of arrays or one array");
  Batch batch;
  for (const py::handle item : py::reinterpret_borrow<py::sequence>(object)) {
    const std::string item_name = name + "[" + std::to_string(batch.images.size()) + "]";
    if (!py::isinstance<py::array>(item))
      throw ImageError(item_name + " is a " + type_name(item) + ", expected a NumPy array");
    const py::array array = py::reinterpret_borrow<py::array>(item);
    if (array.ndim() != 3)
      throw ImageError(item_name + " has " + std::to_string(array.ndim()) + " axes, expected 3");
    batch.images.push_back(last_axes(array, item_name));
    batch.owners.push_back(array);
  }
  return batch;
}

std::string item_text(const py::array& array) {
  return std::to_string(array.ndim()) + " axes of " + std::to_string(array.itemsize()) + "-byte items";
}

void copy_luts(const py::array& array, Tables& tables) {
  if (array.ndim() != 2 || (array.shape(1) != 256 && array.shape(1) != 65536) || array.itemsize() != 2)
    throw ImageError("luts has shape " + std::string(py::str(array.attr("shape"))) +
                     ", expected uint16 (n, 256) or (n, 65536)");
  tables.lut_levels = static_cast<std::size_t>(array.shape(1));
  if (array.size() == 0) return;
  const py::array contiguous = py::array::ensure(array, py::array::c_style);
  const auto* from = static_cast<const std::uint16_t*>(contiguous.data());
  tables.luts.assign(from, from + contiguous.size());
}

}  // namespace augsynth
