// NumPy arrays as the engine takes them: images are borrowed, rows and tables copied.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "core/errors.h"
#include "core/image.h"
#include "core/tables.h"

namespace augsynth {

// A contiguous array of T. One at an address that is no multiple of its elements is copied, by a flag of
// NumPy's C interface.
constexpr int kNumpyAligned = 0x0100;
template <typename T, int kFlags = 0>
using Packed = pybind11::array_t<T, pybind11::array::c_style | kNumpyAligned | kFlags>;

// Numbers of any type, converted.
using Integers = pybind11::array_t<std::int64_t, pybind11::array::forcecast | kNumpyAligned>;

// Maps of the plane (n, 3, 3), converted.
using MapArray = Packed<double, pybind11::array::forcecast>;

using ShapeArray = pybind11::array_t<std::int64_t, pybind11::array::c_style>;

// The images of one argument, and the arrays that own their memory.
struct ImageList {
  std::vector<Image> images;
  std::vector<pybind11::object> owners;
};

// Throws ImageError unless `object` is one array with four axes or a sequence of arrays with three.
ImageList collect(const pybind11::object& object, const std::string& name);

// The image in an array with three axes, none of which is empty. Throws ImageError unless a pass can read it.
Image one_image(const pybind11::array& array, const std::string& name);

// The shapes (n, 3) of images (height, width, channels) and the number of their one DType (uint8 where there
// are none); None where not all are arrays that a pass can read.
pybind11::object describe(const pybind11::list& images);

// The shape of an array, for messages.
std::string shape_text(const pybind11::array& array);

// The number of axes of an array and the size of its items, for messages.
std::string item_text(const pybind11::array& array);

// The type of a class that is an ordinary type, as the stubs say, without pybind11's metaclass.
inline pybind11::metaclass ordinary_metaclass() {
  return pybind11::metaclass(reinterpret_cast<PyObject*>(&PyType_Type));
}

// A private copy, which no other thread can change after it has been validated. `layout` names the dtype that
// is expected.
template <typename Item>
std::vector<Item> copy_items(const pybind11::array& array, const char* name, const char* layout) {
  if (array.ndim() != 1 || array.itemsize() != static_cast<pybind11::ssize_t>(sizeof(Item)))
    throw ImageError(std::string(name) + " has " + item_text(array) +
                     ", expected 1 axis of augsynth._native.layout." + layout + " (" +
                     std::to_string(sizeof(Item)) + " bytes)");
  const auto* from = static_cast<const unsigned char*>(array.data());
  const bool packed = array.strides(0) == array.itemsize();
  if (packed && reinterpret_cast<std::uintptr_t>(from) % alignof(Item) == 0) {  // as nearly all are
    const auto* first = reinterpret_cast<const Item*>(from);
    return {first, first + array.shape(0)};
  }
  std::vector<Item> items;
  items.reserve(static_cast<std::size_t>(array.shape(0)));
  for (pybind11::ssize_t i = 0; i < array.shape(0); ++i)
    std::memcpy(&items.emplace_back(), from + i * array.strides(0), sizeof(Item));
  return items;
}

// The same of an augsynth._native.layout.Tables.
Tables copy_tables(const pybind11::object& tables);

}  // namespace augsynth
