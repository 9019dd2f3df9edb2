#include <cstddef>

#include "bindings/cpu/functions.h"
#include "core/plan.h"

namespace py = pybind11;

namespace augsynth {
namespace {

template <typename Structure>
py::dict structure(const py::dict& fields) {
  py::dict described;
  described["itemsize"] = sizeof(Structure);
  described["fields"] = fields;
  return described;
}

// The structures of plan.h: for each its size, and its fields with their offsets and sizes.
py::dict layout() {
  py::dict row, colour, erasure, missing, displacement;
#define AUGSYNTH_FIELD(fields, type, name) \
  fields[#name] = py::make_tuple(offsetof(type, name), sizeof(type::name))
  AUGSYNTH_FIELD(row, PlanRow, inverse);
  AUGSYNTH_FIELD(row, PlanRow, fill);
  AUGSYNTH_FIELD(row, PlanRow, gain);
  AUGSYNTH_FIELD(row, PlanRow, bias);
  AUGSYNTH_FIELD(row, PlanRow, edge);
  AUGSYNTH_FIELD(row, PlanRow, support);
  AUGSYNTH_FIELD(row, PlanRow, clamp);
  AUGSYNTH_FIELD(row, PlanRow, noise_parameters);
  AUGSYNTH_FIELD(row, PlanRow, stream);
  AUGSYNTH_FIELD(row, PlanRow, source_size);
  AUGSYNTH_FIELD(row, PlanRow, output_size);
  AUGSYNTH_FIELD(row, PlanRow, channels);
  AUGSYNTH_FIELD(row, PlanRow, lut);
  AUGSYNTH_FIELD(row, PlanRow, colour);
  AUGSYNTH_FIELD(row, PlanRow, missing);
  AUGSYNTH_FIELD(row, PlanRow, displacement);
  AUGSYNTH_FIELD(row, PlanRow, erasures);
  AUGSYNTH_FIELD(row, PlanRow, source_dtype);
  AUGSYNTH_FIELD(row, PlanRow, output_dtype);
  AUGSYNTH_FIELD(row, PlanRow, interpolation);
  AUGSYNTH_FIELD(row, PlanRow, antialias);
  AUGSYNTH_FIELD(row, PlanRow, border);
  AUGSYNTH_FIELD(row, PlanRow, noise);
  AUGSYNTH_FIELD(colour, ColourMap, matrix);
  AUGSYNTH_FIELD(colour, ColourMap, of_mean);
  AUGSYNTH_FIELD(colour, ColourMap, offset);
  AUGSYNTH_FIELD(colour, ColourMap, clamp);
  AUGSYNTH_FIELD(erasure, Erasure, low);
  AUGSYNTH_FIELD(erasure, Erasure, high);
  AUGSYNTH_FIELD(erasure, Erasure, stream);
  AUGSYNTH_FIELD(erasure, Erasure, box);
  AUGSYNTH_FIELD(missing, MissingRule, value);
  AUGSYNTH_FIELD(missing, MissingRule, low);
  AUGSYNTH_FIELD(missing, MissingRule, high);
  AUGSYNTH_FIELD(missing, MissingRule, stream);
  AUGSYNTH_FIELD(missing, MissingRule, by_mean);
  AUGSYNTH_FIELD(displacement, Displacement, before);
  AUGSYNTH_FIELD(displacement, Displacement, after);
  AUGSYNTH_FIELD(displacement, Displacement, origin);
  AUGSYNTH_FIELD(displacement, Displacement, spacing);
  AUGSYNTH_FIELD(displacement, Displacement, first);
  AUGSYNTH_FIELD(displacement, Displacement, grid);
#undef AUGSYNTH_FIELD
  py::dict layout;
  layout["magic"] = kPlanMagic;
  layout["version"] = kPlanVersion;
  layout["row"] = structure<PlanRow>(row);
  layout["colour"] = structure<ColourMap>(colour);
  layout["erasure"] = structure<Erasure>(erasure);
  layout["missing"] = structure<MissingRule>(missing);
  layout["displacement"] = structure<Displacement>(displacement);
  return layout;
}

}  // namespace

void bind_layout(py::module_& module) { module.def("layout", layout); }

}  // namespace augsynth
