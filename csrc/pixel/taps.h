// Tables of the filters along the axes: those of a column are alike for all lines, and those of a line for
// all columns.
#pragma once

#include "pixel/job.h"

namespace augsynth {
namespace {

template <typename Weight>
struct FilterTaps {
  int begin, count;  // of the source's pixels, before the border maps those outside
  const Weight* weight;
};

template <typename Weight>
AUGSYNTH_HD FilterTaps<Weight> taps_at(const FilterTable& table, int index) {
  const auto* head = reinterpret_cast<const TapsHead*>(table.memory + (index - table.first) * table.step);
  return {head->begin, head->count, reinterpret_cast<const Weight*>(head + 1)};
}

// Fills the entry of a column or line, whose centre lies at s.
AUGSYNTH_HD inline void weigh_taps(const FilterTable& table, SamplingKind sampler, const Axis& axis,
                                   int index, double s) {
  auto* head = reinterpret_cast<TapsHead*>(table.memory + (index - table.first) * table.step);
  const Filter& filter = table.filter;
  const Reach reach = filter.reach(axis, s);
  Range range{reach.begin, reach.end};
  if (sampler == SamplingKind::kFixedFilter) {
    weigh_fixed(filter, reach, table.bits, reinterpret_cast<std::int16_t*>(head + 1));
  } else if (sampler == SamplingKind::kFloatFilter) {
    auto* weight = reinterpret_cast<float*>(head + 1);
    const double total = filter.total(reach);
    for (int j = reach.begin; j < reach.end; ++j)
      *weight++ = static_cast<float>(filter(j + 0.5 - reach.s) / total);
  } else {
    auto* weight = reinterpret_cast<double*>(head + 1);
    range = weigh_wide(filter, axis, reach, [weight](int i) -> double& { return weight[i]; });
  }
  *head = {range.begin, range.end - range.begin};
}

template <int kMost>
AUGSYNTH_HD void weigh_column(const Job<kMost>& job, int x) {
  weigh_taps(job.across, job.sampler, job.x, x, linear(job.inverse, x + 0.5, 0.5));
}

template <int kMost>
AUGSYNTH_HD void weigh_line(const Job<kMost>& job, int y) {
  weigh_taps(job.down, job.sampler, job.y, y, linear(job.inverse + 3, 0.5, y + 0.5));
}

}  // namespace
}  // namespace augsynth
