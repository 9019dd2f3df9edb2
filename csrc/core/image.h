// A borrowed array with three axes. A source is (height, width, channels), an output
// (channels, height, width).
#pragma once

#include <cstdint>

#include "core/plan.h"

namespace augsynth {

struct Image {
  unsigned char* data;
  std::int64_t shape[3];
  std::int64_t stride[3];  // bytes, of either sign
  DType dtype;
  bool writable;
};

// True if the pixels of an output's line lie side by side.
inline bool is_planar(const Image& output) {
  return output.shape[2] == 1 || output.stride[2] == item_size(output.dtype);
}

// True if the channels of an output's pixel lie side by side, and the pixels of a line do too.
inline bool is_interleaved(const Image& output) {
  const std::int64_t item = item_size(output.dtype);
  return output.stride[0] == item && output.stride[2] == output.shape[0] * item;
}

}  // namespace augsynth
