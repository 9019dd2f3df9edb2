// Signals that arrive while native code runs.
#pragma once

#include "core/poll.h"

namespace augsynth {

// Returns a check that runs Python's signal handlers during long work. Python runs handlers in the first
// thread of the process only, so other threads get null. The check takes the GIL and throws what a handler
// raises (Ctrl-C: KeyboardInterrupt).
Check signals_of_this_thread();

}  // namespace augsynth
