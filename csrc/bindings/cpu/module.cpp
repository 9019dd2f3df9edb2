// The module augsynth._native._cpu. augsynth/_native/ is its only importer, and _cpu.pyi its typed face.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/cpu/functions.h"
#include "bindings/cpu/signals.h"
#include "bindings/exceptions.h"
#include "core/errors.h"
#include "cpu/run.h"
#include "dispatch/cpu_features.h"
#include "dispatch/dispatch.h"

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
  const ImageList from = collect(sources, "sources");
  ImageList to = collect(outputs, "outputs");
  name_bfloat16(copied, to.images);
  const Check check = signals_of_this_thread();
  const py::gil_scoped_release released;
  run(std::move(copied), std::move(copied_tables), from.images, to.images, threads, check);
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
  bind_layout(module);
  bind_linear(module);
  bind_maps(module);
  bind_memory(module);
  bind_random(module);
  bind_rows(module);
  bind_whole_image(module);
  module.def("isas", available_isas);
  module.def("isa", [] { return std::string(active_isa().name); });
  module.def("set_isa", force_isa, py::arg("name"));
  module.def("build_info", build_info);
}
