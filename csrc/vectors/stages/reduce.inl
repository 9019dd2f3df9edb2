// Part of stages.inl: making interleaved uint8 images smaller, from bytes to bytes.
#pragma once

#include "pass/sampler.h"
#include "vectors/stages/sample_separable.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

template <int kChannels>
void reduce_pixels(const PlanRow& row, const SourceView& source, const ReducedMemory& reduced,
                   Scratch scratch, Poll& poll) {
  SeparableFixed<kChannels> sampler(row, source, scratch);
  const Box& box = reduced.box;
  Chunk chunk;
  for (chunk.x = box.x.begin; chunk.x < box.x.end; chunk.x += kChunk) {
    chunk.count = box.x.end - chunk.x < kChunk ? box.x.end - chunk.x : kChunk;
    for (chunk.y = box.y.begin; chunk.y < box.y.end; ++chunk.y) {
      poll();
      sampler.sample_bytes(chunk, reduced.origin() + chunk.y * reduced.line + chunk.x * reduced.pixel);
    }
  }
}

// Returns true if it reduced the image. The stages handle all other cases.
bool reduce_packed(const PlanRow& row, const SourceView& source, const ReducedMemory& reduced,
                   Scratch scratch, Poll& poll) {
  if (!has_packed_bytes(row, source) || !is_filtered_fixed(row)) return false;
  const auto reduce = row.channels == 3 ? reduce_pixels<3> : reduce_pixels<4>;
  return reduce(row, source, reduced, scratch, poll), true;
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
