#include "bindings/exceptions.h"

#include <pybind11/pybind11.h>

#include "core/errors.h"

namespace py = pybind11;

namespace augsynth {
namespace {

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

}  // namespace

void translate_exceptions() { py::register_local_exception_translator(translate); }

}  // namespace augsynth
