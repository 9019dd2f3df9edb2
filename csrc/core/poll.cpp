#include "core/poll.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace augsynth {
namespace {

constexpr std::int64_t kMillisecond = 1000000;
constexpr std::int64_t kBetweenChecks = kMillisecondsBetweenChecks * kMillisecond;
constexpr std::int64_t kBetweenLooks = 5 * kMillisecond;
constexpr int kMostCallsPerLook = 16;  // where they follow each other quickly

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void Poll::look() {
  if (ended_ != nullptr && ended_->load(std::memory_order_relaxed))
    throw std::runtime_error("another thread of the call has failed");  // whose own error is the call's
  calls_left_ = kMostCallsPerLook;
  if (check_ == nullptr) return;
  const std::int64_t time = now();
  if (looked_at_ == 0) checks_at_ = time + kBetweenChecks;
  calls_per_look_ = time - looked_at_ < kBetweenLooks ? std::min(2 * calls_per_look_, kMostCallsPerLook) : 1;
  calls_left_ = calls_per_look_;
  looked_at_ = time;
  if (time < checks_at_) return;
  checks_at_ = time + kBetweenChecks;
  check_();
}

}  // namespace augsynth
