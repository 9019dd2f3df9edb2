// Part of stages.inl: noise from keyed bits.
#pragma once

#include "chunk.inl"
#include "philox.h"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kBlockHalves = 8;  // 16-bit halves of a Philox block

// One Philox4x32-10 block a lane, as philox4x32(): the words lie in the lower halves of the lanes.
void draw_blocks(Longs (&word)[4], std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const Longs product0 = multiply_lower(word[0], broadcast(kPhiloxMultiplier0));
    const Longs product1 = multiply_lower(word[2], broadcast(kPhiloxMultiplier1));
    word[0] = (product1 >> 32) ^ word[1] ^ broadcast(std::uint64_t{key0});
    word[1] = product1;
    word[2] = (product0 >> 32) ^ word[3] ^ broadcast(std::uint64_t{key1});
    word[3] = product0;
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
}

// The block of each lane that store_halves() expects.
Longs lane_blocks() {
  Longs blocks{};
  for (int lane = 0; lane < kLongLanes; ++lane) blocks[lane] = lane / 2 + lane % 2 * (kLongLanes / 2);
  return blocks;
}

// 16 bits for every pixel of the chunk, at least.
void draw_bits(const PlanRow& row, const Chunk& chunk, int channel, std::uint16_t* bits) {
  const Longs blocks = lane_blocks();
  for (int i = 0; i < chunk.count; i += kBlockHalves * kLongLanes) {
    const std::uint32_t first = static_cast<std::uint32_t>(channel) << 28 | (chunk.x + i) / kBlockHalves;
    Longs words[4] = {blocks + first, broadcast(static_cast<std::uint64_t>(chunk.y)),
                      broadcast(std::uint64_t{row.stream[2]}), broadcast(std::uint64_t{row.stream[3]})};
    draw_blocks(words, row.stream[0], row.stream[1]);
    store_halves(words, bits + i);
  }
}

void add_gaussian(const PlanRow& row, double unit, Chunk& chunk) {
  const Floats mean = broadcast(static_cast<float>(row.noise_parameters[0] * unit));
  const Floats scale = broadcast(static_cast<float>(row.noise_parameters[1] * unit / kNormalScale));
  alignas(64) std::uint16_t bits[kChunk];
  for (int c = 0; c < row.channels; ++c) {
    draw_bits(row, chunk, c, bits);
    for (int i = 0; i < chunk.count; i += kLanes) {
      float* value = chunk.value[c] + i;
      store(value, load<Floats>(value) + (mean + scale * to_floats(normals_of(bits + i))));
    }
  }
}

// `unit` is what one level of the source is in the chunk's values.
void add_noise(const PlanRow& row, double unit, Chunk& chunk) {
  if (static_cast<Noise>(row.noise) == Noise::kGaussian) add_gaussian(row, unit, chunk);
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
