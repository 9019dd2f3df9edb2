// The filters of filters.h, compiled once an ISA, after its vector wrapper. Nothing comes from the standard
// library, as in stages.inl.
#pragma once

#include "pass/border.h"
#include "pass/rounding.h"
#include "whole_image/filters.h"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

template <typename Item>
constexpr float kFullScale = sizeof(Item) == 1 ? 255.0f : 65535.0f;
template <>
constexpr float kFullScale<float> = 1.0f;

// ---- Lines --------------------------------------------------------------------------------------------

template <typename Item>
Floats load_floats(const unsigned char* from) {
  return to_floats(widen(reinterpret_cast<const Item*>(from)));
}
template <>
inline Floats load_floats<float>(const unsigned char* from) {
  return load<Floats>(from);
}

template <typename Item>
void store_floats(unsigned char* to, Floats values) {
  narrow(reinterpret_cast<Item*>(to), round_within(values, kFullScale<Item>));
}
template <>
inline void store_floats<float>(unsigned char* to, Floats values) {
  store(to, values);
}

template <typename Item>
Item stored(float value) {
  return static_cast<Item>(round_within(value, kFullScale<Item>));
}
template <>
inline float stored<float>(float value) {
  return value;
}

// A line's values as floats, and floats as a line's values: `kLanes` at once while they lie side by side.
template <typename Item>
void load_line(const Plane& plane, int y, float* line) {
  const unsigned char* from = plane.data + y * plane.stride_y;
  const std::ptrdiff_t count = values_of(plane);
  std::ptrdiff_t i = 0;
  if (plane.stride == sizeof(Item))
    for (; i + kLanes <= count; i += kLanes) store(line + i, load_floats<Item>(from + i * sizeof(Item)));
  for (; i < count; ++i) line[i] = load<Item>(from + i * plane.stride);
}

template <typename Item>
void store_line(const float* line, const Plane& plane, int y) {
  unsigned char* to = plane.data + y * plane.stride_y;
  const std::ptrdiff_t count = values_of(plane);
  std::ptrdiff_t i = 0;
  if (plane.stride == sizeof(Item))
    for (; i + kLanes <= count; i += kLanes)
      store_floats<Item>(to + i * sizeof(Item), load<Floats>(line + i));
  for (; i < count; ++i) store(to + i * plane.stride, stored<Item>(line[i]));
}

// ---- Blurring -----------------------------------------------------------------------------------------

// The values under a kernel's weights: `step` apart in a line, or one above another.
struct AlongLine {
  const float* first;
  std::ptrdiff_t step;
  const float* operator[](int t) const { return first + t * step; }
};

// The sums of `kTogether` vectors side by side.
template <typename V, int kTogether, typename ValuesUnder>
void convolve_some(const ValuesUnder& taps, const HalfKernel& kernel, std::ptrdiff_t at, float* sums) {
  constexpr int kWidth = sizeof(V) / sizeof(float);
  V sum[kTogether];
  for (int k = 0; k < kTogether; ++k)
    sum[k] = load<V>(taps[kernel.middle] + at + k * kWidth) * kernel.weights[kernel.middle];
  for (int t = 0; t < kernel.middle; ++t) {
    const float *before = taps[t] + at, *behind = taps[2 * kernel.middle - t] + at;
    for (int k = 0; k < kTogether; ++k)
      sum[k] += (load<V>(before + k * kWidth) + load<V>(behind + k * kWidth)) * kernel.weights[t];
  }
  for (int k = 0; k < kTogether; ++k) store(sums + at + k * kWidth, sum[k]);
}

// The last vector of a line begins where it has room, and repeats some sums.
template <typename ValuesUnder>
void convolve(const ValuesUnder& taps, const HalfKernel& kernel, std::ptrdiff_t count, float* sums) {
  constexpr int kTogether = 4;
  std::ptrdiff_t i = 0;
  for (; i + kTogether * kLanes <= count; i += kTogether * kLanes)
    convolve_some<Floats, kTogether>(taps, kernel, i, sums);
  for (; i + kLanes <= count; i += kLanes) convolve_some<Floats, 1>(taps, kernel, i, sums);
  if (i < count && count >= kLanes) return convolve_some<Floats, 1>(taps, kernel, count - kLanes, sums);
  for (; i < count; ++i) convolve_some<float, 1>(taps, kernel, i, sums);
}

Axis mirrored(int size) { return {size, 0, Border::kReflect101}; }

// Writes `margin` pixels on both sides of a line.
void mirror_ends(float* line, const Plane& plane, int margin) {
  const Axis axis = mirrored(plane.pixels);
  const std::ptrdiff_t step = plane.step;
  const auto mirror = [&](int x) {
    __builtin_memcpy(line + x * step, line + inside(axis, x) * step, step * sizeof(float));
  };
  for (int m = 1; m <= margin; ++m) {
    mirror(-m);
    mirror(plane.pixels - 1 + m);
  }
}

template <typename Item>
void blur_items(const Plane& source, const Plane& output, const HalfKernel& x, const HalfKernel& y,
                const BlurMemory& memory, Poll& poll) {
  const std::ptrdiff_t count = values_of(source);
  const int height = 2 * y.middle + 1, kept = height < source.lines ? height : source.lines;
  const Axis axis = mirrored(source.lines);
  float* const line = memory.margined + std::ptrdiff_t{x.middle} * source.step;
  for (int at = 0, next = 0; at < output.lines; ++at) {
    poll();
    for (; next < source.lines && next <= at + y.middle; ++next) {
      poll();
      load_line<Item>(source, next, line);
      mirror_ends(line, source, x.middle);
      convolve(AlongLine{memory.margined, source.step}, x, count, memory.kept + next % kept * count);
    }
    for (int t = 0; t < height; ++t)
      memory.taps[t] = memory.kept + inside(axis, at - y.middle + t) % kept * count;
    convolve(memory.taps, y, count, memory.sums);
    store_line<Item>(memory.sums, output, at);
  }
}

// ---- Sharpening ---------------------------------------------------------------------------------------

// The pixels of a line that have neighbours on all sides.
void sharpen_line(const float* above, const float* line, const float* below, std::ptrdiff_t step,
                  std::ptrdiff_t count, float factor, float* columns, float* result) {
  for (std::ptrdiff_t i = 0; i < count; ++i) columns[i] = above[i] + line[i] + below[i];
  for (std::ptrdiff_t i = step; i < count - step; ++i) {
    const float smooth = (columns[i - step] + columns[i] + columns[i + step] + 4.0f * line[i]) / 13.0f;
    result[i] = smooth + (line[i] - smooth) * factor;
  }
}

template <typename Item>
void sharpen_items(const Plane& source, const Plane& output, float factor, const SharpenMemory& memory,
                   Poll& poll) {
  const std::ptrdiff_t count = values_of(source);
  const auto kept = [&](int y) { return memory.kept + y % 3 * count; };
  load_line<Item>(source, 0, kept(0));
  for (int y = 0; y < source.lines; ++y) {
    poll();
    if (y + 1 < source.lines) load_line<Item>(source, y + 1, kept(y + 1));
    __builtin_memcpy(memory.result, kept(y), count * sizeof(float));
    if (y > 0 && y + 1 < source.lines && source.pixels > 2)
      sharpen_line(kept(y - 1), kept(y), kept(y + 1), source.step, count, factor, memory.columns,
                   memory.result);
    for (std::ptrdiff_t i = 0; i < count; ++i)
      memory.result[i] = at_most(at_least(memory.result[i], 0.0f), kFullScale<Item>);
    store_line<Item>(memory.result, output, y);
  }
}

}  // namespace

// ---- Entry points -------------------------------------------------------------------------------------

void blur_plane(DType dtype, const Plane& source, const Plane& output, const HalfKernel& x,
                const HalfKernel& y, const BlurMemory& memory, Poll& poll) {
  switch (dtype) {
    case DType::kUint8:
      return blur_items<std::uint8_t>(source, output, x, y, memory, poll);
    case DType::kUint16:
      return blur_items<std::uint16_t>(source, output, x, y, memory, poll);
    default:
      return blur_items<float>(source, output, x, y, memory, poll);
  }
}

void sharpen_plane(DType dtype, const Plane& source, const Plane& output, float factor,
                   const SharpenMemory& memory, Poll& poll) {
  switch (dtype) {
    case DType::kUint8:
      return sharpen_items<std::uint8_t>(source, output, factor, memory, poll);
    case DType::kUint16:
      return sharpen_items<std::uint16_t>(source, output, factor, memory, poll);
    default:
      return sharpen_items<float>(source, output, factor, memory, poll);
  }
}

}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
