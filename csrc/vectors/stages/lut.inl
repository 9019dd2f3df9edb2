// Part of stages.inl: looking levels up in a table, which gives each level of the source a new one.
#pragma once

#include "vectors/stages/store.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// Values are rounded first, just as storing them would, so that a table gives the same picture in the middle
// of a pass as it does to a stored one. They are times `unit` before and after.
void look_up(const PlanRow& row, const std::uint16_t* lut, double unit, Chunk& chunk) {
  const float level = static_cast<float>(unit), per_level = static_cast<float>(1.0 / unit);
  const bool is_short = static_cast<DType>(row.source_dtype) == DType::kUint8;
  const float highest = is_short ? 255.0f : 65535.0f;
  for (int c = 0; c < row.channels; ++c) {
    float* value = chunk.value[c];
    alignas(64) std::uint16_t levels[kChunk];
    for (int i = 0; i < chunk.count; i += kLanes)
      narrow(levels + i, round_within(load<Floats>(value + i) * per_level, highest));
    is_short ? look_up_bytes(lut, levels, chunk.count) : look_up_each(lut, levels, chunk.count);
    for (int i = 0; i < chunk.count; i += kLanes) store(value + i, to_floats(widen(levels + i)) * level);
  }
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
