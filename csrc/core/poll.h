// Lets long work be ended from outside, whoever it is that ends it: between its lines it calls a Poll.
#pragma once

#include <atomic>
#include <cstdint>

namespace augsynth {

constexpr int kMillisecondsBetweenChecks = 50;

// Throws what shall end the work that is under way, if anything shall. The thread that called for the work
// calls it now and then, but not before some milliseconds are over. Null: nothing ends it.
using Check = void (*)();

// The poll of one thread during one piece of work. Another thread that fails sets `ended`.
class Poll {
 public:
  explicit Poll(Check check, const std::atomic<bool>* ended = nullptr) : check_(check), ended_(ended) {}

  // Throws where the work shall end. It is called for every line of pixels, so most calls only count. It is
  // always inlined: the linker would keep one copy for all ISAs, with the instructions of any of them.
  __attribute__((always_inline)) void operator()() {
    if (--calls_left_ == 0) look();
  }

 private:
  void look();

  const Check check_;
  const std::atomic<bool>* const ended_;
  int calls_left_ = 1, calls_per_look_ = 1;     // until, and between, looks at the clock
  std::int64_t looked_at_ = 0, checks_at_ = 0;  // nanoseconds
};

}  // namespace augsynth
