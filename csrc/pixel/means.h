// Adding a picture's pixels up, where a colour map looks at means: in an order that depends neither on
// vectors nor on threads. The columns of a chunk go to kAdders sums in turn, which are added two by two; a
// line's chunks are added one after the other, and then the lines. find_offset() makes of the totals what
// set_offset() gives the job.
#pragma once

#include "pass/colour.h"
#include "pixel/render.h"

namespace augsynth {
namespace {

constexpr int kAdders = 16;

// The k-th sum of the chunk of columns from x on (a multiple of kChunk) in a picture of `width`.
template <int kMost>
AUGSYNTH_HD void add_columns(const Job<kMost>& job, int x, int y, int k, int width, double (&sum)[kMost]) {
  for (double& one : sum) one = 0.0;
  const int end = x + kChunk < width ? x + kChunk : width;
  for (x += k; x < end; x += kAdders) {
    float value[kMost];
    render_plain(job, x, y, value);
    for (int c = 0; c < channels_of(job); ++c) sum[c] += value[c];
  }
}

// Adds a chunk to its line's sums, from the k-th sums for all k. The first is added to 0.
template <int kMost>
AUGSYNTH_HD void add_chunk(const Job<kMost>& job, double (&sums)[kAdders][kMost], double* line) {
  for (int half = kAdders / 2; half > 0; half /= 2)
    for (int k = 0; k < half; ++k)
      for (int c = 0; c < channels_of(job); ++c) sums[k][c] += sums[half + k][c];
  for (int c = 0; c < channels_of(job); ++c) line[c] += job.per_level * sums[0][c];
}

}  // namespace
}  // namespace augsynth
