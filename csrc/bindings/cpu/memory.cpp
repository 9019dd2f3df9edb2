// Memory for batches, as arrays.
#include <pybind11/numpy.h>

#include <cstdint>
#include <memory>

#include "bindings/arrays.h"
#include "bindings/cpu/functions.h"
#include "memory/buffers.h"
#include "memory/segments.h"

namespace py = pybind11;

namespace augsynth {
namespace {

// An array over the memory of a Buffer or an Incoming, which it and all views of it keep.
template <typename Memory>
py::array_t<std::uint8_t> as_array(std::unique_ptr<Memory> memory, std::size_t bytes) {
  unsigned char* data = memory->data();
  const py::capsule owner(memory.release(), [](void* held) { delete static_cast<Memory*>(held); });
  return py::array_t<std::uint8_t>(static_cast<py::ssize_t>(bytes), data, owner);
}

py::array_t<std::uint8_t> make_buffer(std::size_t bytes) {
  return as_array(std::make_unique<Buffer>(bytes), bytes);
}

// The other end of an Outgoing of as many bytes, from a file descriptor that stays the caller's.
py::array_t<std::uint8_t> receive(int file, std::size_t bytes) {
  return as_array(std::make_unique<Incoming>(file, bytes), bytes);
}

// An Outgoing keeps its size for Python, and the array keeps the Outgoing.
struct PyOutgoing : Outgoing {
  explicit PyOutgoing(std::size_t size) : Outgoing(size), bytes(size) {}
  const std::size_t bytes;
};

py::array_t<std::uint8_t> outgoing_array(const py::object& self) {
  const auto& outgoing = self.cast<const PyOutgoing&>();
  return py::array_t<std::uint8_t>(static_cast<py::ssize_t>(outgoing.bytes), outgoing.data(), self);
}

}  // namespace

void bind_memory(py::module_& module) {
  module.def("buffer", make_buffer, py::arg("bytes"));
  module.def("receive", receive, py::arg("file"), py::arg("bytes"));
  py::class_<PyOutgoing>(module, "Outgoing", ordinary_metaclass())
      .def(py::init<std::size_t>(), py::arg("bytes"))
      .def_readonly("bytes", &PyOutgoing::bytes)
      .def_property_readonly("file", &PyOutgoing::file)
      .def("announce", &PyOutgoing::announce)
      .def("array", outgoing_array);
}

}  // namespace augsynth
