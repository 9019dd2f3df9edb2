// Part of stages.inl: clamp, gain and bias, rounding, and the way into the output.
#pragma once

#include "pass/rounding.h"
#include "vectors/stages/chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

void put(float* to, Floats value) { store(to, value); }
void put(std::uint8_t* to, Floats value) { narrow(to, round_within(value, 255.0f)); }
void put(std::uint16_t* to, Floats value) { narrow(to, round_within(value, 65535.0f)); }
void put(Half* to, Floats value) { narrow(reinterpret_cast<std::uint16_t*>(to), half_bits(bits_of(value))); }
void put(Brain* to, Floats value) {
  narrow(reinterpret_cast<std::uint16_t*>(to),
         reinterpret_cast<Ints>(brain_bits(value, reinterpret_cast<Words>(value))));
}

// Clamp (unless that was done before), gain and bias in the chunk's units, of which one level of the source
// has `unit`.
struct Finish {
  float low, high, gain[kMaxChannels], bias[kMaxChannels];

  Finish(const PlanRow& row, double unit, bool clamps)
      : low(clamps ? static_cast<float>(row.clamp[0] * unit) : -__builtin_inff()),
        high(clamps ? static_cast<float>(row.clamp[1] * unit) : __builtin_inff()) {
    for (int c = 0; c < row.channels; ++c) {
      gain[c] = static_cast<float>(row.gain[c] / unit);
      bias[c] = static_cast<float>(row.bias[c]);
    }
  }
};

template <typename T, bool kBypasses = false>
void put_line(const Finish& finish, const Chunk& chunk, int channel, T* to) {
  const Floats low = broadcast(finish.low), high = broadcast(finish.high);
  const Floats gain = broadcast(finish.gain[channel]), bias = broadcast(finish.bias[channel]);
  const float* value = chunk.value[channel];
  const auto finished = [&](int i) {
    return at_most(at_least(load<Floats>(value + i), low), high) * gain + bias;
  };
  const int count = chunk.count;  // a copy that no store can change
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    if constexpr (kBypasses)
      stream(to + i, finished(i));
    else
      put(to + i, finished(i));
  }
  if (i == count) return;
  T rest[kLanes];
  put(rest, finished(i));
  __builtin_memcpy(to + i, rest, (count - i) * sizeof(T));
}

template <typename T>
void interleave(const T (*lines)[kChunk], int channels, int count, unsigned char* to) {
  for (int i = 0; i < count; ++i)
    for (int c = 0; c < channels; ++c, to += sizeof(T)) __builtin_memcpy(to, &lines[c][i], sizeof(T));
}

// Asks for memory that will soon be written, cache line by cache line. Beyond the output's end that does no
// harm.
inline void prepare(unsigned char* to, std::ptrdiff_t bytes) {
  for (std::ptrdiff_t at = 0; at < bytes; at += kCacheLine) __builtin_prefetch(to + at, 1);
}

// A chunk whose pixels lie side by side in the output, but for their channels.
template <typename T>
void store_run(const PlanRow& row, const Finish& finish, const OutputView& output, const Chunk& chunk) {
  unsigned char* to = output.data + chunk.y * output.stride_y + chunk.x * output.stride_x;
  const std::ptrdiff_t next = chunk.lines * output.stride_y;
  if constexpr (sizeof(T) == sizeof(float))
    if (output.bypasses) {
      for (int c = 0; c < row.channels; ++c, to += output.stride_c)
        put_line<T, true>(finish, chunk, c, reinterpret_cast<T*>(to));
      return;
    }
  if (output.stride_x == sizeof(T)) {
    for (int c = 0; c < row.channels; ++c, to += output.stride_c) {
      prepare(to + next, chunk.count * sizeof(T));
      put_line(finish, chunk, c, reinterpret_cast<T*>(to));
    }
    return;
  }
  T lines[kMaxChannels][kChunk];
  for (int c = 0; c < row.channels; ++c) put_line(finish, chunk, c, lines[c]);
  prepare(to + next, chunk.count * output.stride_x);
  interleave(lines, row.channels, chunk.count, to);
}

template <typename T>
void store_chunk(const PlanRow& row, const Finish& finish, const OutputView& output, const Chunk& chunk) {
  if (output.stride_y == chunk.width * output.stride_x) return store_run<T>(row, finish, output, chunk);
  for (int line = 0; line < chunk.lines; ++line) store_run<T>(row, finish, output, chunk.part(line, 1));
}

using Store = void (*)(const PlanRow&, const Finish&, const OutputView&, const Chunk&);

Store choose_store(DType dtype) {
  switch (dtype) {
    case DType::kUint8:
      return store_chunk<std::uint8_t>;
    case DType::kUint16:
      return store_chunk<std::uint16_t>;
    case DType::kFloat16:
      return store_chunk<Half>;
    case DType::kBfloat16:
      return store_chunk<Brain>;
    default:
      return store_chunk<float>;
  }
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
