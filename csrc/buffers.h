// Memory for large outputs. Fresh pages cost more than filling them, so memory that is given back waits for
// the next taker.
#pragma once

#include <cstddef>

namespace augsynth {

// Memory of at least `bytes`, undefined in contents and aligned to a page, that belongs to this object alone.
// It is on huge pages where the system has them. Given back, it serves a later Buffer of this process; at
// most kMostWaiting bytes wait for one, and the oldest go back to the system first.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes);  // std::bad_alloc where there is no memory
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  unsigned char* data() const { return data_; }

 private:
  unsigned char* data_;
  std::size_t bytes_;
};

constexpr std::size_t kMostWaiting = std::size_t{1} << 30;

}  // namespace augsynth
