// Working memory of one worker, laid out by the same functions that say how much of it a row needs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

// Hands out parts of a memory, one after the other. Over address 0 it only counts, up to kMost.
class Scratch {
 public:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kMost = PTRDIFF_MAX / kAlignment * kAlignment;

  explicit Scratch(unsigned char* memory) : start_(reinterpret_cast<std::uintptr_t>(memory)) {}

  template <typename T>
  T* take(std::ptrdiff_t count) {
    const std::uintptr_t part = start_ + used_;
    std::size_t bytes;
    const bool overflows = __builtin_mul_overflow(static_cast<std::size_t>(count), sizeof(T), &bytes);
    if (overflows || bytes > kMost - used_)
      used_ = kMost;
    else
      used_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return reinterpret_cast<T*>(part);
  }

  std::size_t used() const { return used_; }

 private:
  std::uintptr_t start_;
  std::size_t used_ = 0;
};

}  // namespace
}  // namespace augsynth
