// Parts of a pass that change nothing. They must not touch anything either: 0 added to -0 is 0, and 0 times
// an infinity is NaN. So each is given the form that leaves every value as it is, or is taken out.
#pragma once

#include <algorithm>
#include <vector>

#include "core/tables.h"

namespace augsynth {

// True if noise of a row's kind and parameters leaves every value as it is.
inline bool is_silent(const PlanRow& row) {
  const double* p = row.noise_parameters;
  switch (static_cast<Noise>(row.noise)) {
    case Noise::kGaussian:
    case Noise::kExactGaussian:
    case Noise::kUniform:
    case Noise::kSpeckle:
      return p[0] == 0.0 && p[1] == 0.0;
    case Noise::kSaltAndPepper:
      return p[1] == 0.0;
    default:
      return false;
  }
}

// True if a colour map copies a channel, its own or another one, without a change.
inline bool is_copied(const ColourMap& map, int channel) {
  const double *matrix = map.matrix + channel * kMaxChannels, *of_mean = map.of_mean + channel * kMaxChannels;
  const auto holds = [](const double* numbers, double number) {
    return std::count(numbers, numbers + kMaxChannels, number);
  };
  return holds(matrix, 1.0) == 1 && holds(matrix, 0.0) == kMaxChannels - 1 &&
         holds(of_mean, 0.0) == kMaxChannels && map.offset[channel] == 0.0;
}

// Neutralises validated rows.
inline void neutralise(std::vector<PlanRow>& rows, Tables& tables) {
  for (PlanRow& row : rows) {
    if (is_silent(row)) row.noise = static_cast<std::uint8_t>(Noise::kNone);
    for (int c = 0; c < row.channels; ++c)
      if (row.gain[c] == 1.0 && row.bias[c] == 0.0) row.bias[c] = -0.0;
  }
  for (ColourMap& map : tables.colours)
    for (int c = 0; c < kMaxChannels; ++c)
      if (is_copied(map, c)) map.offset[c] = -0.0;
}

}  // namespace augsynth
