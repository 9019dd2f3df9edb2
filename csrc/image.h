// A borrowed array with three axes. A source is (height, width, channels), an output
// (channels, height, width).
#pragma once

#include <cstdint>

#include "plan.h"

namespace augsynth {

struct Image {
  unsigned char* data;
  std::int64_t shape[3];
  std::int64_t stride[3];  // bytes, of either sign
  DType dtype;
  bool writable;
};

inline std::int64_t item_size(DType dtype) {
  return dtype == DType::kUint8 ? 1 : dtype == DType::kUint16 ? 2 : 4;
}

}  // namespace augsynth
