// The module augsynth._native._cpu. augsynth/_native/ is its only importer, and _cpu.pyi its typed face.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/cpu/parts.h"
#include "bindings/cpu/signals.h"
#include "bindings/exceptions.h"
#include "core/errors.h"
#include "cpu/run.h"
#include "dispatch/cpu_features.h"
#include "dispatch/dispatch.h"
#include "memory/buffers.h"
#include "memory/segments.h"

namespace py = pybind11;

namespace augsynth {
namespace {

// ---- Passes -------------------------------------------------------------------------------------------

// NumPy has no bfloat16: its bits come as uint16, and the row says what they are.
void name_bfloat16(const std::vector<PlanRow>& rows, std::vector<Image>& outputs) {
  for (std::size_t i = 0; i < std::min(rows.size(), outputs.size()); ++i)
    if (rows[i].output_dtype == static_cast<std::uint8_t>(DType::kBfloat16) &&
        outputs[i].dtype == DType::kUint16)
      outputs[i].dtype = DType::kBfloat16;
}

void run_arrays(const py::array& rows, const py::object& sources, const py::object& outputs,
                const py::object& tables, int threads) {
  std::vector<PlanRow> copied = copy_items<PlanRow>(rows, "rows", "ROW");
  Tables copied_tables = copy_tables(tables);
  const Batch from = collect(sources, "sources");
  Batch to = collect(outputs, "outputs");
  name_bfloat16(copied, to.images);
  const Check check = signals_of_this_thread();
  const py::gil_scoped_release released;
  run(std::move(copied), std::move(copied_tables), from.images, to.images, threads, check);
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

// ---- What was built -----------------------------------------------------------------------------------

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
  translate_exceptions();
  module.def("run", run_arrays, py::kw_only(), py::arg("rows"), py::arg("sources"), py::arg("outputs"),
             py::arg("tables"), py::arg("threads"));
  module.def("describe", describe, py::arg("images"));
  module.def("blur", blur_image, py::arg("image"), py::arg("x").noconvert(), py::arg("y").noconvert());
  module.def("sharpen", sharpen_image, py::arg("image"), py::arg("factor"));
  module.def("count_levels", count_image_levels, py::arg("image"));
  module.def("map_levels", map_image_levels, py::arg("image"), py::arg("levels").noconvert());
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
  module.def("spread", spread, py::arg("u").noconvert(), py::arg("column"), py::arg("low"), py::arg("high"));
  module.def("permute", permute, py::arg("x"), py::arg("sizes"), py::arg("keys"), py::arg("backwards"));
  module.def("affine", affine, py::arg("a"), py::arg("b"), py::arg("c"), py::arg("d"), py::arg("e"),
             py::arg("f"));
  module.def("about", about, py::arg("a"), py::arg("b"), py::arg("d"), py::arg("e"), py::arg("x"),
             py::arg("y"));
  module.def("compose", compose, py::arg("outer"), py::arg("inner"));
  module.def("make_rows", make_rows, py::arg("row"), py::arg("source_sizes"), py::arg("output_sizes"),
             py::arg("channels"), py::arg("inverse"), py::arg("stream"));
  module.def("distinct", distinct, py::arg("numbers"));
  module.def("common_output", common_output, py::arg("rows"));
  module.def("linear_pass", linear_pass, py::arg("source").noconvert(), py::arg("output").noconvert(),
             py::arg("parameters"), py::kw_only(), py::arg("adjoint"), py::arg("threads"));
  module.def("layout", layout);
  module.def("isas", available_isas);
  module.def("isa", [] { return std::string(active_isa().name); });
  module.def("set_isa", force_isa, py::arg("name"));
  module.def("build_info", build_info);
}
