// A pool of worker threads that starts on first use and never at import. A child process makes its own:
// threads do not survive a fork.
#pragma once

#include <cstddef>
#include <functional>

#include "core/poll.h"

namespace augsynth {

// Calls body(task, worker, poll) once for each task below `tasks`, on at most `threads` threads, of which the
// caller is one; `worker`, below `threads`, is never used by two at the same time. Any number of threads
// may call this at once. The first exception of the body is rethrown here, when all workers have left.
//
// Between tasks, and wherever the body calls its `poll`, the call ends if `check` throws or the body has
// failed on another thread.
void parallel_for(std::size_t tasks, int threads, Check check,
                  const std::function<void(std::size_t task, int worker, Poll& poll)>& body);

}  // namespace augsynth
