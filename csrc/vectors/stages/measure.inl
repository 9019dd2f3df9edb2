// Part of stages.inl: adding pixels up, one double a line and channel, where a pass looks at means. The order
// depends neither on the vectors nor on the tiles: a chunk's columns go to kAdders sums in turn, which are
// added two by two, and a line's chunks are added one after the other.
#pragma once

#include "vectors/stages/store.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kAdders = 16;

double sum_of(const float* value, int count) {
  double sum[kAdders] = {};
  int i = 0;
  for (; i + kAdders <= count; i += kAdders)
    for (int k = 0; k < kAdders; ++k) sum[k] += value[i + k];
  for (int k = 0; i + k < count; ++k) sum[k] += value[i + k];
  for (int half = kAdders / 2; half > 0; half /= 2)
    for (int k = 0; k < half; ++k) sum[k] += sum[half + k];
  return sum[0];
}

// Replaces storing: the output is one line of doubles for each line of the picture.
void add_chunk(const PlanRow& row, const Finish& finish, const OutputView& output, const Chunk& chunk) {
  for (int line = 0; line < chunk.lines; ++line) {
    double* sums = reinterpret_cast<double*>(output.data + (chunk.y + line) * output.stride_y);
    for (int c = 0; c < row.channels; ++c) {
      const double sum = finish.gain[c] * sum_of(chunk.value[c] + line * chunk.width, chunk.width);
      sums[c] = chunk.x == 0 ? sum : sums[c] + sum;
    }
  }
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
