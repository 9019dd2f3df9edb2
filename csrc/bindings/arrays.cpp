#include "bindings/arrays.h"

#include <algorithm>
#include <optional>

#include "core/errors.h"

namespace py = pybind11;

namespace augsynth {
namespace {

std::string type_name(const py::handle& object) { return py::str(py::type::of(object).attr("__name__")); }

// Type numbers of NumPy's C interface.
constexpr int kNumpyUint8 = 2, kNumpyUint16 = 4, kNumpyFloat32 = 11, kNumpyHalf = 23;

std::optional<DType> image_dtype(const py::array& array) {
  const py::dtype dtype = array.dtype();
  if (dtype.byteorder() != '=' && dtype.byteorder() != '|') return std::nullopt;
  switch (dtype.num()) {
    case kNumpyUint8:
      return DType::kUint8;
    case kNumpyUint16:
      return DType::kUint16;
    case kNumpyFloat32:
      return DType::kFloat32;
    case kNumpyHalf:
      return DType::kFloat16;
    default:
      return std::nullopt;
  }
}

// An array of a call, as messages name it.
struct ItemName {
  const std::string& list;
  std::size_t index;

  std::string name() const { return list + "[" + std::to_string(index) + "]"; }
};

[[noreturn]] void refuse_dtype(const py::array& array, const std::string& name) {
  throw ImageError(name + " has dtype " + std::string(py::str(array.dtype().attr("str"))) +
                   ", expected uint8, uint16, float32 or (outputs) float16 in native byte order");
}

// The last three axes of an array.
Image last_axes(const py::array& array, DType dtype) {
  Image image{};
  image.data = static_cast<unsigned char*>(const_cast<void*>(array.data()));
  image.dtype = dtype;
  image.writable = array.writeable();
  const py::ssize_t *shape = array.shape() + array.ndim() - 3, *stride = array.strides() + array.ndim() - 3;
  std::copy(shape, shape + 3, image.shape);
  std::copy(stride, stride + 3, image.stride);
  return image;
}

ImageList split_array(const py::array& array, const std::string& name) {
  if (array.ndim() != 4)
    throw ImageError(name + " is an array with " + std::to_string(array.ndim()) +
                     " axes, expected 4 axes, or a sequence of arrays with 3");
  ImageList list;
  list.owners.push_back(array);
  const std::optional<DType> dtype = image_dtype(array);
  if (!dtype) refuse_dtype(array, name);
  const Image first = last_axes(array, *dtype);
  list.images.assign(static_cast<std::size_t>(array.shape(0)), first);
  for (std::size_t i = 0; i < list.images.size(); ++i)
    list.images[i].data += static_cast<std::ptrdiff_t>(i) * array.strides(0);
  return list;
}

void copy_luts(const py::array& array, Tables& tables) {
  if (array.ndim() != 2 || (array.shape(1) != 256 && array.shape(1) != 65536) || array.itemsize() != 2)
    throw ImageError("luts has shape " + shape_text(array) + ", expected uint16 (n, 256) or (n, 65536)");
  tables.lut_levels = static_cast<std::size_t>(array.shape(1));
  if (array.size() == 0) return;
  const py::array contiguous = py::array::ensure(array, py::array::c_style);
  const auto* from = static_cast<const std::uint16_t*>(contiguous.data());
  tables.luts.assign(from, from + contiguous.size());
}

std::vector<Offset> copy_offsets(const py::array& array) {
  if (array.ndim() != 2 || array.shape(1) != 2 || array.itemsize() != sizeof(double))
    throw ImageError("offsets has shape " + std::string(py::str(array.attr("shape"))) +
                     ", expected float64 (n, 2)");
  if (array.size() == 0) return {};
  const py::array contiguous = py::array::ensure(array, py::array::c_style);
  std::vector<Offset> offsets(static_cast<std::size_t>(contiguous.shape(0)));
  std::memcpy(offsets.data(), contiguous.data(), offsets.size() * sizeof(Offset));
  return offsets;
}

}  // namespace

ImageList collect(const py::object& object, const std::string& name) {
  if (py::isinstance<py::array>(object)) return split_array(py::reinterpret_borrow<py::array>(object), name);
  if (!py::isinstance<py::sequence>(object))
    throw ImageError(name + " is a " + type_name(object) + ", expected a sequence of arrays or one array");
  const py::sequence items = py::reinterpret_borrow<py::sequence>(object);
  ImageList list;
  list.images.reserve(items.size());
  list.owners.reserve(items.size());
  for (const py::handle item : items) {
    const ItemName place{name, list.images.size()};
    if (!py::isinstance<py::array>(item))
      throw ImageError(place.name() + " is a " + type_name(item) + ", expected a NumPy array");
    const py::array array = py::reinterpret_borrow<py::array>(item);
    if (array.ndim() != 3)
      throw ImageError(place.name() + " has " + std::to_string(array.ndim()) + " axes, expected 3");
    const std::optional<DType> dtype = image_dtype(array);
    if (!dtype) refuse_dtype(array, place.name());
    list.images.push_back(last_axes(array, *dtype));
    list.owners.push_back(array);
  }
  return list;
}

Image one_image(const py::array& array, const std::string& name) {
  const std::optional<DType> dtype = image_dtype(array);
  if (!dtype || *dtype == DType::kFloat16) refuse_dtype(array, name);
  if (array.ndim() != 3 || array.size() == 0)
    throw ImageError(name + " has shape " + shape_text(array) +
                     ", expected (height, width, channels), each at least 1");
  return last_axes(array, *dtype);
}

py::object describe(const py::list& images) {
  ShapeArray shapes({static_cast<py::ssize_t>(images.size()), py::ssize_t{3}});
  std::int64_t* shape = shapes.mutable_data();
  std::optional<DType> common;
  for (const py::handle item : images) {
    if (!py::isinstance<py::array>(item)) return py::none();
    const py::array array = py::reinterpret_borrow<py::array>(item);
    const std::optional<DType> dtype = image_dtype(array);
    if (array.ndim() != 3 || !dtype || *dtype == DType::kFloat16 || (common && *common != *dtype))
      return py::none();
    common = dtype;
    shape = std::copy(array.shape(), array.shape() + 3, shape);
    if (shape[-3] < 1 || shape[-2] < 1 || shape[-1] < 1 || shape[-1] > kMaxChannels) return py::none();
  }
  return py::make_tuple(shapes, static_cast<int>(common.value_or(DType::kUint8)));
}

std::string shape_text(const py::array& array) { return py::str(array.attr("shape")); }

std::string item_text(const py::array& array) {
  return std::to_string(array.ndim()) + " axes of " + std::to_string(array.itemsize()) + "-byte items";
}

Tables copy_tables(const py::object& tables) {
  Tables copied;
  copy_luts(tables.attr("luts"), copied);
  copied.colours = copy_items<ColourMap>(tables.attr("colours"), "colours", "COLOUR");
  copied.erasures = copy_items<Erasure>(tables.attr("erasures"), "erasures", "ERASURE");
  copied.missing = copy_items<MissingRule>(tables.attr("missing"), "missing", "MISSING");
  copied.displacements =
      copy_items<Displacement>(tables.attr("displacements"), "displacements", "DISPLACEMENT");
  copied.offsets = copy_offsets(tables.attr("offsets"));
  return copied;
}

}  // namespace augsynth
