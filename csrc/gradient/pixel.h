// A linear pass at one output pixel, and its adjoint: the same numbers, carried from the output to the
// source.
#pragma once

#include "gradient/taps.h"

namespace augsynth {
namespace {

// What the last of the boxes around a pixel writes there, a value a channel: erased is false outside of all.
// Null values are noughts.
template <typename T>
struct Erased {
  bool is_erased;
  const T* values;
};

template <typename T>
AUGSYNTH_HD Erased<T> erased_at(const LinearMap<T>& map, int x, int y) {
  for (int i = map.box_count - 1; i >= 0; --i) {
    const std::int32_t* box = map.boxes + 4 * i;
    if (box[0] <= y && y < box[2] && box[1] <= x && x < box[3])
      return {true, map.values ? map.values + i * map.channels : nullptr};
  }
  return {false, nullptr};
}

// The sampled value of each channel, the border included.
template <typename K, typename T>
AUGSYNTH_HD void sample_pixel(const LinearMap<T>& map, const ImageBatch<const T>& source, int sample, int x,
                              int y, T (&values)[K::kMost]) {
  const LinearTaps<T, K::kCount> taps = find_taps<K::kCount>(map, source, x, y);
  for (int c = 0; c < channels_of<K>(map); ++c) {
    const T* plane = source.at(sample, c);
    T sum{0};
    for (int j = 0; j < K::kCount; ++j) {
      if (taps.y.weight[j] == T{0}) continue;  // 0 times a NaN is not 0
      const T* line = plane + taps.y.at[j];
      T across = taps.x.weight[0] * line[taps.x.at[0]];
      for (int i = 1; i < K::kCount; ++i)
        if (taps.x.weight[i] != T{0}) across += taps.x.weight[i] * line[taps.x.at[i]];
      sum = j == 0 ? taps.y.weight[0] * across : sum + taps.y.weight[j] * across;
    }
    if (taps.cover != T{1}) {
      const T fill = map.fill ? map.fill[c] : T{0};
      sum = taps.cover == T{0} ? fill : fill * (T{1} - taps.cover) + sum * taps.cover;
    }
    values[c] = sum;
  }
}

template <typename K, typename T>
AUGSYNTH_HD void store_pixel(const LinearMap<T>& map, const ImageBatch<T>& output, int sample, int x, int y,
                             const T (&values)[K::kMost]) {
  for (int c = 0; c < channels_of<K>(map); ++c) output.at(sample, c)[output.offset(x, y)] = values[c];
}

template <typename K, typename T>
AUGSYNTH_HD void load_pixel(const LinearMap<T>& map, const ImageBatch<T>& output, int sample, int x, int y,
                            T (&values)[K::kMost]) {
  for (int c = 0; c < channels_of<K>(map); ++c) values[c] = output.at(sample, c)[output.offset(x, y)];
}

// A sum over the channels, whose weights lie `step` numbers from each other. What has none takes no part, be
// it NaN; the first part is added to -0, which does not change it.
template <typename K, typename T>
AUGSYNTH_HD T mixed(const LinearMap<T>& map, const T* weight, int step, const T (&values)[K::kMost]) {
  T sum{-0.0};
  for (int k = 0; k < channels_of<K>(map); ++k, weight += step)
    if (*weight != T{0}) sum += *weight * values[k];
  return sum;
}

// Makes the sampled values of a pixel into those of the output. `offset` is the map's, the part of the means
// included, or null.
template <typename K, typename T>
AUGSYNTH_HD void change_pixel(const LinearMap<T>& map, const T* offset, const ImageBatch<T>& output,
                              int sample, int x, int y, const T (&values)[K::kMost]) {
  const Erased<T> erased = erased_at(map, x, y);
  T changed[K::kMost];
  for (int c = 0; c < channels_of<K>(map); ++c) {
    T value = values[c];
    if (erased.is_erased) {
      value = erased.values ? erased.values[c] : T{0};
    } else {
      if (map.matrix) value = mixed<K>(map, map.matrix + c * map.channels, 1, values);
      if (offset) value += offset[c];
    }
    if (map.gain) value *= map.gain[c];
    if (map.bias) value += map.bias[c];
    changed[c] = value;
  }
  store_pixel<K>(map, output, sample, x, y, changed);
}

// The gradient behind gain and erasing, a number a channel.
template <typename K, typename T>
AUGSYNTH_HD void gradient_at(const LinearMap<T>& map, const ImageBatch<const T>& gradient, int sample, int x,
                             int y, T (&values)[K::kMost]) {
  const bool is_erased = erased_at(map, x, y).is_erased;
  for (int c = 0; c < channels_of<K>(map); ++c) {
    const T value = is_erased ? T{0} : gradient.at(sample, c)[gradient.offset(x, y)];
    values[c] = map.gain ? value * map.gain[c] : value;
  }
}

// Adds what the output pixel owes to the source's pixels, for the channels [begin, end). `through_means` is
// what every pixel owes through the means, a number a channel, or null; `add(place, value)` does the adding.
template <typename K, typename T, typename Add>
AUGSYNTH_HD void spread_pixel(const LinearMap<T>& map, const T* through_means,
                              const ImageBatch<const T>& gradient, const ImageBatch<T>& result, int sample,
                              int x, int y, int begin, int end, const Add& add) {
  T values[K::kMost];
  gradient_at<K>(map, gradient, sample, x, y, values);
  const LinearTaps<T, K::kCount> taps = find_taps<K::kCount>(map, result, x, y);
  if (taps.cover == T{0}) return;
  for (int c = begin; c < end; ++c) {
    T value = values[c];
    if (map.matrix) value = mixed<K>(map, map.matrix + c, map.channels, values);
    if (through_means) value += through_means[c];
    value *= taps.cover;
    T* plane = result.at(sample, c);
    for (int j = 0; j < K::kCount; ++j)
      for (int i = 0; i < K::kCount; ++i) {
        const T weight = taps.y.weight[j] * taps.x.weight[i];
        if (weight != T{0}) add(plane + taps.y.at[j] + taps.x.at[i], weight * value);
      }
  }
}

// ---- Means --------------------------------------------------------------------------------------------

// What the colour map adds to each channel, from the sums of the sampled picture over `pixels`.
template <typename T>
AUGSYNTH_HD void add_means(const LinearMap<T>& map, const double* sums, double pixels, T* offset) {
  for (int c = 0; c < map.channels; ++c) {
    double total = map.offset ? map.offset[c] : 0.0;
    for (int k = 0; k < map.channels; ++k) {
      const T part = map.of_mean[c * map.channels + k];
      if (part != T{0}) total += part * (sums[k] / pixels);
    }
    offset[c] = static_cast<T>(total);
  }
}

// What each pixel of the sampled picture owes through the means, from the sums of gradient_at.
template <typename T>
AUGSYNTH_HD void spread_means(const LinearMap<T>& map, const double* sums, double pixels, T* through_means) {
  for (int c = 0; c < map.channels; ++c) {
    double total = 0.0;
    for (int k = 0; k < map.channels; ++k) {
      const T part = map.of_mean[k * map.channels + c];
      if (part != T{0}) total += part * (sums[k] / pixels);
    }
    through_means[c] = static_cast<T>(total);
  }
}

}  // namespace
}  // namespace augsynth
