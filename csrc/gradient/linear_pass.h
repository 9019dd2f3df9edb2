// A pass whose stages are linear in the image: sampling, colour map, erasing, gain and bias. What it is made
// of, as the CPU and CUDA both read it; docs/design/numerics.md says what it computes.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/host_device.h"
#include "core/plan.h"

namespace augsynth {

// A batch of images, strides in elements and of either sign.
template <typename T>
struct ImageBatch {
  T* data;
  std::int64_t stride_n, stride_c, stride_y, stride_x;
  int height, width;

  AUGSYNTH_HD T* at(int sample, int channel) const { return data + sample * stride_n + channel * stride_c; }
  AUGSYNTH_HD std::int64_t offset(int x, int y) const { return y * stride_y + x * stride_x; }
};

// One sample's part of the pass. All arrays are contiguous; one that is null has no effect.
template <typename T>
struct LinearMap {
  const double* inverse;      // 3x3: output coordinates to source coordinates
  const double* edge;         // 2: width of the constant border's ramp (x, y)
  const T* fill;              // a channel
  const T* matrix;            // channels x channels
  const T* of_mean;           // channels x channels
  const T* offset;            // a channel
  const std::int32_t* boxes;  // a box: top, left, bottom, right
  const T* values;            // a box and channel
  const T* gain;              // a channel
  const T* bias;              // a channel
  int channels, box_count;
  Border border;
};

// The same of a batch: each array has one more axis in front.
template <typename T>
struct LinearPass {
  LinearMap<T> first;
  int samples;
  Interpolation interpolation;  // nearest or bilinear

  AUGSYNTH_HD LinearMap<T> of(int sample) const {
    const int c = first.channels, k = first.box_count;
    const auto move = [sample](auto& array, int size) {
      if (array) array += static_cast<std::int64_t>(sample) * size;
    };
    LinearMap<T> map = first;
    move(map.inverse, 9);
    move(map.edge, 2);
    move(map.fill, c);
    move(map.matrix, c * c);
    move(map.of_mean, c * c);
    move(map.offset, c);
    move(map.boxes, 4 * k);
    move(map.values, c * k);
    move(map.gain, c);
    move(map.bias, c);
    return map;
  }
};

// What loops over a pixel are compiled for: kMost is the number of channels where that is 1 or 3, and else
// kMaxChannels; kCount the number of taps along an axis.
template <int kMostChannels, int kTaps>
struct Kind {
  static constexpr int kMost = kMostChannels, kCount = kTaps;
};

template <typename K, typename T>
AUGSYNTH_HD int channels_of(const LinearMap<T>& map) {
  return K::kMost == kMaxChannels ? map.channels : K::kMost;
}

// Calls body(Kind<...>{}) with the pass's own.
template <typename T, typename Body>
void with_kind(const LinearPass<T>& pass, const Body& body) {
  const auto with_channels = [&](auto taps) {
    constexpr int kCount = decltype(taps)::value;
    if (pass.first.channels == 1) return body(Kind<1, kCount>{});
    if (pass.first.channels == 3) return body(Kind<3, kCount>{});
    return body(Kind<kMaxChannels, kCount>{});
  };
  if (pass.interpolation == Interpolation::kNearest) return with_channels(std::integral_constant<int, 1>{});
  return with_channels(std::integral_constant<int, 2>{});
}

}  // namespace augsynth
