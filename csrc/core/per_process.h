// Objects that belong to one process.
#pragma once

#include <unistd.h>

#include <atomic>

namespace augsynth {

// The T of this process. Never destroyed: threads may wait in it until the process ends, and after a fork the
// parent's may be locked by a thread that the child does not have.
template <typename T>
T& per_process() {
  struct Owned {
    const pid_t owner;
    T value;
  };
  static std::atomic<Owned*> current{nullptr};
  const pid_t self = getpid();
  Owned* found = current;
  while (found == nullptr || found->owner != self) {
    Owned* fresh = new Owned{self, {}};
    if (current.compare_exchange_strong(found, fresh)) return fresh->value;
    delete fresh;
  }
  return found->value;
}

}  // namespace augsynth
