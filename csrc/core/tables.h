// The tables that the rows of a pass point into, by their fields `lut`, `colour`, `erasures`, `missing` and
// `displacement`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/plan.h"

namespace augsynth {

struct Tables {
  std::vector<std::uint16_t> luts;  // one after the other
  std::size_t lut_levels = 256;     // of each: 256, or 65536 for uint16 sources
  std::vector<ColourMap> colours;
  std::vector<Erasure> erasures;
  std::vector<MissingRule> missing;
  std::vector<Displacement> displacements;
  std::vector<Offset> offsets;  // the grids of the displacements

  std::size_t lut_count() const { return luts.size() / lut_levels; }
  const std::uint16_t* lut(std::int32_t index) const { return luts.data() + index * lut_levels; }
};

// True if a row's colour map looks at the means of its picture.
inline bool looks_at_means(const PlanRow& row, const Tables& tables) {
  if (row.colour < 0) return false;
  const double* of_mean = tables.colours[row.colour].of_mean;
  for (int c = 0; c < row.channels; ++c, of_mean += kMaxChannels)
    if (std::any_of(of_mean, of_mean + row.channels, [](double part) { return part != 0.0; })) return true;
  return false;
}

}  // namespace augsynth
