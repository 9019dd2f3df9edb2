// Memory for large outputs.
#pragma once

#include <cstddef>

namespace augsynth {

// Memory of at least `bytes`, undefined in contents and aligned to a page, that belongs to this object alone.
// It is on huge pages where the system has them. Given back, it serves a later Buffer of this process.
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

}  // namespace augsynth
