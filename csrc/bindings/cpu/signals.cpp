#include "bindings/cpu/signals.h"

#include <pybind11/pybind11.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace py = pybind11;

namespace augsynth {
namespace {

void run_handlers() {
  const py::gil_scoped_acquire held;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

}  // namespace

Check signals_of_this_thread() { return syscall(SYS_gettid) == getpid() ? run_handlers : nullptr; }

}  // namespace augsynth
