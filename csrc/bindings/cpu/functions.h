// The functions of the module, by their file. Each adds its own to the module.
#pragma once

#include <pybind11/pybind11.h>

namespace augsynth {

void bind_layout(pybind11::module_& module);
void bind_linear(pybind11::module_& module);
void bind_maps(pybind11::module_& module);
void bind_memory(pybind11::module_& module);
void bind_random(pybind11::module_& module);
void bind_rows(pybind11::module_& module);
void bind_whole_image(pybind11::module_& module);

}  // namespace augsynth
