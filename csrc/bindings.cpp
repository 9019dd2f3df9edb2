// The module augsynth._cpu. augsynth/_native.py is its only importer, and _cpu.pyi its typed face.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "cpu.h"
#include "dispatch.h"
#include "draw.h"
#include "errors.h"
#include "memory/buffers.h"
#include "memory/segments.h"
#include "run.h"

namespace py = pybind11;

namespace augsynth {
namespace {

// ---- Errors -------------------------------------------------------------------------------------------

void raise(const char* name, const std::exception& error) {
  const py::object type = py::module_::import("augsynth.errors").attr(name);
  PyErr_SetString(type.ptr(), error.what());
}

void translate(std::exception_ptr pending) {
  try {
    std::rethrow_exception(pending);
  } catch (const PlanError& error) {
    raise("PlanError", error);
  } catch (const ImageError& error) {
    raise("ArgumentTypeError", error);
  } catch (const ArgumentError& error) {
    raise("ArgumentError", error);
  } catch (const NativeError& error) {
    raise("NativeError", error);
  }
}

// ---- Arrays -------------------------------------------------------------------------------------------

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

// The images of one argument, and the arrays that own their memory.
struct Batch {
  std::vector<Image> images;
  std::vector<py::object> owners;
};

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

// A private copy, which no other thread can change after it has been validated.
std::vector<PlanRow> copy_rows(const py::array& array) {
  if (array.ndim() != 1 || array.itemsize() != static_cast<py::ssize_t>(sizeof(PlanRow)))
    throw ImageError("rows has " + std::to_string(array.ndim()) + " axes of " +
                     std::to_string(array.itemsize()) +
                     "-byte items, expected 1 axis of augsynth.layout.ROW (" +
                     std::to_string(sizeof(PlanRow)) + " bytes)");
  std::vector<PlanRow> rows(static_cast<std::size_t>(array.shape(0)));
  const auto* from = static_cast<const unsigned char*>(array.data());
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::memcpy(&rows[i], from + static_cast<std::ptrdiff_t>(i) * array.strides(0), sizeof(PlanRow));
  return rows;
}

// NumPy has no bfloat16: its bits come as uint16, and the row says what they are.
void name_bfloat16(const std::vector<PlanRow>& rows, std::vector<Image>& outputs) {
  for (std::size_t i = 0; i < std::min(rows.size(), outputs.size()); ++i)
    if (rows[i].output_dtype == static_cast<std::uint8_t>(DType::kBfloat16) &&
        outputs[i].dtype == DType::kUint16)
      outputs[i].dtype = DType::kBfloat16;
}

void run_arrays(const py::array& rows, const py::object& sources, const py::object& outputs, int threads) {
  const std::vector<PlanRow> copied = copy_rows(rows);
  const Batch from = collect(sources, "sources");
  Batch to = collect(outputs, "outputs");
  name_bfloat16(copied, to.images);
  const py::gil_scoped_release released;
  run(copied, from.images, to.images, threads);
}

// ---- Memory -------------------------------------------------------------------------------------------

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

// ---- Random bits --------------------------------------------------------------------------------------

using KeyArray = py::array_t<std::int64_t, py::array::c_style>;

std::vector<Key> copy_keys(const KeyArray& array) {
  if (array.ndim() != 2 || array.shape(1) != 3)
    throw ArgumentError("keys has shape " + std::string(py::str(array.attr("shape"))) +
                        ", expected (n, 3): seed, epoch and index");
  std::vector<Key> keys;
  keys.reserve(static_cast<std::size_t>(array.shape(0)));
  for (py::ssize_t i = 0; i < array.shape(0); ++i) {
    keys.push_back({array.at(i, 0), array.at(i, 1), array.at(i, 2)});
    validate_key(keys.back(), static_cast<std::size_t>(i));
  }
  return keys;
}

void require_range(const char* name, std::int64_t came, std::int64_t last) {
  if (came < 0 || came > last)
    throw ArgumentError(std::string(name) + " is " + std::to_string(came) + ", expected 0 to " +
                        std::to_string(last));
}

constexpr std::int64_t kLastOp = (1 << 16) - 1;
constexpr std::int64_t kMostWords = 1 << 18;

py::array_t<std::uint32_t> draw_bits(const KeyArray& keys, std::int64_t op, std::int64_t words) {
  require_range("op", op, kLastOp);
  require_range("words", words, kMostWords);
  const std::vector<Key> valid = copy_keys(keys);
  py::array_t<std::uint32_t> drawn({static_cast<py::ssize_t>(valid.size()), static_cast<py::ssize_t>(words)});
  std::uint32_t* to = drawn.mutable_data();
  for (const Key& key : valid) {
    draw_words(key, static_cast<std::uint32_t>(op), 0, static_cast<std::size_t>(words), to);
    to += words;
  }
  return drawn;
}

py::array_t<double> draw_uniform(const KeyArray& keys, std::int64_t op, std::int64_t count) {
  require_range("op", op, kLastOp);
  require_range("count", count, kMostWords / 2);
  const std::vector<Key> valid = copy_keys(keys);
  py::array_t<double> drawn({static_cast<py::ssize_t>(valid.size()), static_cast<py::ssize_t>(count)});
  std::vector<std::uint32_t> words(2 * static_cast<std::size_t>(count));
  double* to = drawn.mutable_data();
  for (const Key& key : valid) {
    draw_words(key, static_cast<std::uint32_t>(op), 0, words.size(), words.data());
    for (std::size_t i = 0; i < words.size(); i += 2) *to++ = uniform(words[i], words[i + 1]);
  }
  return drawn;
}

// One row a number, operation after operation: a pipeline reads all samples' first number, then all their
// second.
py::array_t<double> draw_pipeline(const KeyArray& keys, const std::vector<std::int64_t>& counts) {
  require_range("the number of operations", static_cast<std::int64_t>(counts.size()), kLastOp + 1);
  std::int64_t total = 0;
  for (const std::int64_t count : counts) {
    require_range("count", count, kMostWords / 4);
    total += count;
  }
  const std::vector<Key> valid = copy_keys(keys);
  py::array_t<double> drawn({static_cast<py::ssize_t>(total), static_cast<py::ssize_t>(valid.size())});
  std::vector<std::uint32_t> words;
  double* to = drawn.mutable_data();
  for (std::uint32_t op = 0; op < counts.size();
       to += counts[op++] * static_cast<std::int64_t>(valid.size())) {
    words.resize(2 * static_cast<std::size_t>(counts[op]));
    for (std::size_t sample = 0; sample < valid.size(); ++sample) {
      draw_words(valid[sample], op, kStreamBlocks, words.size(), words.data());
      for (std::size_t i = 0; i < words.size(); i += 2)
        to[i / 2 * valid.size() + sample] = uniform(words[i], words[i + 1]);
    }
  }
  return drawn;
}

// ---- What was built -----------------------------------------------------------------------------------

py::dict layout() {
  py::dict fields;
#define AUGSYNTH_FIELD(name) fields[#name] = py::make_tuple(offsetof(PlanRow, name), sizeof(PlanRow::name))
  AUGSYNTH_FIELD(inverse);
  AUGSYNTH_FIELD(fill);
  AUGSYNTH_FIELD(gain);
  AUGSYNTH_FIELD(bias);
  AUGSYNTH_FIELD(edge);
  AUGSYNTH_FIELD(support);
  AUGSYNTH_FIELD(clamp);
  AUGSYNTH_FIELD(noise_parameters);
  AUGSYNTH_FIELD(stream);
  AUGSYNTH_FIELD(source_size);
  AUGSYNTH_FIELD(output_size);
  AUGSYNTH_FIELD(channels);
  AUGSYNTH_FIELD(source_dtype);
  AUGSYNTH_FIELD(output_dtype);
  AUGSYNTH_FIELD(interpolation);
  AUGSYNTH_FIELD(antialias);
  AUGSYNTH_FIELD(border);
  AUGSYNTH_FIELD(noise);
#undef AUGSYNTH_FIELD
  py::dict layout;
  layout["magic"] = kPlanMagic;
  layout["version"] = kPlanVersion;
  layout["itemsize"] = sizeof(PlanRow);
  layout["fields"] = fields;
  return layout;
}

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa& isa : built_isas())
    if (isa.available) names.emplace_back(isa.name);
  return names;
}

py::dict build_info() {
  py::dict isas;
  for (const Isa& isa : built_isas()) isas[isa.name] = isa.flags;
  const CpuFeatures cpu = detect_cpu();
  py::dict features;
  features["avx2"] = cpu.avx2;
  features["avx512"] = cpu.avx512;
  py::dict info;
  info["version"] = AUGSYNTH_VERSION;
  info["compiler"] = AUGSYNTH_COMPILER;
  info["cxx_standard"] = __cplusplus;
  info["flags"] = AUGSYNTH_FLAGS;
  info["isas"] = isas;
  info["x86"] = AUGSYNTH_X86 != 0;
  info["cpu"] = features;
  return info;
}

}  // namespace
}  // namespace augsynth

PYBIND11_MODULE(_cpu, module) {
  using namespace augsynth;
  py::register_local_exception_translator(translate);
  module.def("run", run_arrays, py::kw_only(), py::arg("rows"), py::arg("sources"), py::arg("outputs"),
             py::arg("threads"));
  module.def("buffer", make_buffer, py::arg("bytes"));
  module.def("receive", receive, py::arg("file"), py::arg("bytes"));
  // An ordinary type, as the stub says, without pybind11's metaclass.
  const py::metaclass ordinary(reinterpret_cast<PyObject*>(&PyType_Type));
  py::class_<PyOutgoing>(module, "Outgoing", ordinary)
      .def(py::init<std::size_t>(), py::arg("bytes"))
      .def_readonly("bytes", &PyOutgoing::bytes)
      .def_property_readonly("file", &PyOutgoing::file)
      .def("announce", &PyOutgoing::announce)
      .def("array", outgoing_array);
  module.def("draw_bits", draw_bits, py::arg("keys").noconvert(), py::arg("op"), py::arg("words"));
  module.def("draw_uniform", draw_uniform, py::arg("keys").noconvert(), py::arg("op"), py::arg("count"));
  module.def("draw_pipeline", draw_pipeline, py::arg("keys").noconvert(), py::arg("counts"));
  module.def("layout", layout);
  module.def("isas", available_isas);
  module.def("isa", [] { return std::string(active_isa().name); });
  module.def("set_isa", force_isa, py::arg("name"));
  module.def("build_info", build_info);
}
