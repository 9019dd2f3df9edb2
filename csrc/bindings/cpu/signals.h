// Signals that arrive while native code runs.
#pragma once

#include "core/poll.h"

namespace augsynth {

// What long work calls for Python's signal handlers to run, which only the process's first thread can do: for
// calls of others, nothing. It takes the GIL, and throws what a handler raises (Ctrl-C: KeyboardInterrupt).
Check signals_of_this_thread();

}  // namespace augsynth
