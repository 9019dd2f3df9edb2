// Filling the missing values of a source, element by element, before anything is sampled. Where a rule asks
// for means, a launcher calls add_present() for each line, adds those sums up line by line, and takes the
// quotients (or `low`, where nothing is present).
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/plan.h"
#include "pass/arithmetic.h"
#include "pass/random.h"

namespace augsynth {
namespace {

// The test of one dtype's elements for missing values.
template <typename T>
struct Mark {
  T element;
  bool exists, is_nan;

  // On the host.
  explicit Mark(double value) : is_nan(std::isnan(value) && std::is_floating_point_v<T>) {
    using Limits = std::numeric_limits<T>;
    const bool fits =
        std::isinf(value) ? std::is_floating_point_v<T> : value >= Limits::lowest() && value <= Limits::max();
    element = fits ? static_cast<T>(value) : T{};
    exists = fits && static_cast<double>(element) == value;
  }

  AUGSYNTH_HD bool operator()(T value) const {
    return (exists & (value == element)) | (is_nan & (value != value));
  }
};

template <typename T>
AUGSYNTH_HD T rounded_to(double value) {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(value);
  constexpr double kHighest = sizeof(T) == 1 ? 255.0 : 65535.0;
  return static_cast<T>(within(value, 0.0, kHighest) + 0.5);
}

// A random level from 16 random bits.
AUGSYNTH_HD inline double drawn_level(const MissingRule& rule, int channel, std::uint32_t half) {
  return rule.low[channel] + (rule.high[channel] - rule.low[channel]) * ((half + 0.5) / 65536.0);
}

// The replacement of a source's element. `mean` has the channels' means if the rule asks for them.
template <typename T>
AUGSYNTH_HD T filled(const Mark<T>& is_missing, const MissingRule& rule, const double* mean, T value, int x,
                     int y, int channel) {
  if (!is_missing(value)) return value;
  if (rule.by_mean) return rounded_to<T>(mean[channel]);
  if (rule.low[channel] == rule.high[channel]) return rounded_to<T>(rule.low[channel]);
  const PhiloxBlock block = block_at(rule.stream, x / kBlockHalves, y, channel);
  return rounded_to<T>(drawn_level(rule, channel, bits_of_pixel(block, x, 1)));
}

// The type of a line's sum. A sum of integers is exact in any order.
template <typename T>
using LineSum = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;

// Adds what is present in a line to `channels` sums and counts.
template <typename T>
AUGSYNTH_HD void add_present(Mark<T> is_missing, const T* line, std::int64_t width, std::int64_t channels,
                             LineSum<T>* sum, std::int64_t* count) {
  for (std::int64_t x = 0; x < width; ++x)
    for (std::int64_t c = 0; c < channels; ++c, ++line) {
      const bool missing = is_missing(*line);
      sum[c] += missing ? T{} : *line;
      count[c] += !missing;
    }
}

}  // namespace
}  // namespace augsynth
