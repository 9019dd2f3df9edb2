// Part of stages.inl: each channel of a pixel as a sum over its channels.
#pragma once

#include "pass/colour.h"
#include "vectors/stages/chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

class ColourMixer {
 public:
  // `offset` is what is added to each channel, and `unit` what one level of the source is in the chunk's
  // values. Without a map nothing is done.
  ColourMixer(const PlanRow& row, const ColourMap* map, const double* offset, double unit)
      : channels_(map == nullptr ? 0 : row.channels) {
    if (map == nullptr) return;
    mixes_some_ = mixes_some(*map, static_cast<DType>(row.source_dtype), channels_);
    low_ = static_cast<float>(map->clamp[0] * unit);
    high_ = static_cast<float>(map->clamp[1] * unit);
    for (int c = 0; c < channels_; ++c) {
      offset_[c] = static_cast<float>(offset[c] * unit);
      for (int k = 0; k < channels_; ++k)
        matrix_[c][k] = static_cast<float>(map->matrix[c * kMaxChannels + k]);
    }
  }

  void mix(Chunk& chunk) const {
    if (mixes_some_) return mix_some(chunk);
    switch (channels_) {
      case 0:
        return;
      case 1:
        return mix<1>(chunk);
      case 3:
        return mix<3>(chunk);
      case 4:
        return mix<4>(chunk);
      default:
        return mix<kMaxChannels>(chunk);
    }
  }

 private:
  // kMost is the number of channels where that is known, which unrolls the loops.
  template <int kMost>
  void mix(Chunk& chunk) const {
    const int channels = kMost == kMaxChannels ? channels_ : kMost;
    const Floats low = broadcast(low_), high = broadcast(high_);
    for (int i = 0; i < chunk.count; i += kLanes) {
      Floats value[kMost];
      for (int k = 0; k < channels; ++k) value[k] = load<Floats>(chunk.value[k] + i);
      for (int c = 0; c < channels; ++c) {
        Floats sum = matrix_[c][0] * value[0];
        for (int k = 1; k < channels; ++k) sum += matrix_[c][k] * value[k];
        store(chunk.value[c] + i, at_most(at_least(sum + offset_[c], low), high));
      }
    }
  }

  void mix_some(Chunk& chunk) const {
    const Floats low = broadcast(low_), high = broadcast(high_);
    for (int i = 0; i < chunk.count; i += kLanes) {
      Floats value[kMaxChannels];
      for (int k = 0; k < channels_; ++k) value[k] = load<Floats>(chunk.value[k] + i);
      for (int c = 0; c < channels_; ++c) {
        Floats sum = broadcast(-0.0f);  // to which the first part is added without a change, be it -0
        for (int k = 0; k < channels_; ++k)
          if (matrix_[c][k] != 0.0f) sum += matrix_[c][k] * value[k];
        store(chunk.value[c] + i, at_most(at_least(sum + offset_[c], low), high));
      }
    }
  }

  const int channels_;
  bool mixes_some_ = false;
  float low_, high_, offset_[kMaxChannels], matrix_[kMaxChannels][kMaxChannels];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
