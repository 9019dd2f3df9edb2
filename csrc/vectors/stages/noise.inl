// Part of stages.inl: the kinds of noise. `unit` is what one level of the source is in the chunk's values.
#pragma once

#include "vectors/stages/quantiles.inl"
#include "vectors/stages/random.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// Replaces each value by change(value, n), n being normal with the row's mean and sigma times `unit`, from 16
// bits.
template <typename Change>
void change_by_normals(const PlanRow& row, double unit, RandomBits& bits, Chunk& chunk, Change change) {
  const Floats mean = broadcast(static_cast<float>(row.noise_parameters[0] * unit));
  const Floats scale = broadcast(static_cast<float>(row.noise_parameters[1] * unit / kNormalScale));
  bits.draw(chunk, row.channels, 1);
  bits.prepare();
  const int count = chunk.count;  // a copy that no store can change
  for (int c = 0; c < row.channels; ++c) {
    const std::uint16_t* halves = bits.halves(c);
    float* line = chunk.value[c];
    for (int i = 0; i < count; i += 2 * kLanes) {
      Ints z[2];
      normals_of(halves + i, z);
      float* value = line + i;
      store(value, change(load<Floats>(value), mean + scale * to_floats(z[0])));
      store(value + kLanes, change(load<Floats>(value + kLanes), mean + scale * to_floats(z[1])));
    }
  }
}

void add_gaussian(const PlanRow& row, double unit, RandomBits& bits, Chunk& chunk) {
  change_by_normals(row, unit, bits, chunk, [](Floats value, Floats n) { return value + n; });
}

void add_speckle(const PlanRow& row, RandomBits& bits, Chunk& chunk) {
  change_by_normals(row, 1.0, bits, chunk, [](Floats value, Floats n) { return value + value * n; });
}

void add_uniform(const PlanRow& row, double unit, RandomBits& bits, Chunk& chunk) {
  const UniformLevels levels(row.noise_parameters[0], row.noise_parameters[1], unit);
  bits.draw(chunk, row.channels, 1);
  for (int c = 0; c < row.channels; ++c)
    for (int i = 0; i < chunk.count; i += kLanes) {
      float* value = chunk.value[c] + i;
      store(value, load<Floats>(value) + levels.of(to_floats(widen(bits.halves(c) + i))));
    }
}

// kLongLanes numbers in (0, 1), from 32 bits each.
Doubles uniforms(const std::uint16_t* halves) {
  using Words = std::uint32_t __attribute__((vector_size(kVectorBytes / 2)));
  return (to_doubles(__builtin_convertvector(load<Words>(halves), Longs)) + 0.5) * (1.0 / 4294967296.0);
}

// Replaces each value by change(u, value), with 32 bits a value in u.
template <typename Change>
void change_values(const PlanRow& row, RandomBits& bits, Chunk& chunk, Change change) {
  using Singles = float __attribute__((vector_size(kVectorBytes / 2)));
  bits.draw(chunk, row.channels, 2);
  for (int c = 0; c < row.channels; ++c)
    for (int i = 0; i < chunk.count; i += kLongLanes) {
      float* value = chunk.value[c] + i;
      const Doubles before = __builtin_convertvector(load<Singles>(value), Doubles);
      const Doubles after = change(uniforms(bits.halves(c) + 2 * i), before);
      store(value, __builtin_convertvector(after, Singles));
    }
}

void add_exact_gaussian(const PlanRow& row, double unit, RandomBits& bits, Chunk& chunk) {
  const double mean = row.noise_parameters[0] * unit, sigma = row.noise_parameters[1] * unit;
  change_values(row, bits, chunk,
                [=](Doubles u, Doubles value) { return value + (mean + sigma * normal_quantile(u)); });
}

void add_poisson(const PlanRow& row, double unit, RandomBits& bits, Chunk& chunk) {
  const double step = row.noise_parameters[0] * unit;
  change_values(row, bits, chunk, [=](Doubles u, Doubles value) { return poisson_level(u, value, step); });
}

// A pixel's channels change together.
void add_salt_and_pepper(const PlanRow& row, double unit, RandomBits& bits, Chunk& chunk) {
  const float pepper = static_cast<float>(row.noise_parameters[2] * unit);
  const float salt = static_cast<float>(row.noise_parameters[3] * unit);
  bits.draw(chunk, 1, 2);
  alignas(64) double u[kChunk];
  for (int i = 0; i < chunk.count; i += kLongLanes) store(u + i, uniforms(bits.halves(0) + 2 * i));
  for (int i = 0; i < chunk.count; ++i) {
    if (u[i] >= row.noise_parameters[1]) continue;
    for (int c = 0; c < row.channels; ++c) chunk.value[c][i] = u[i] < row.noise_parameters[0] ? pepper : salt;
  }
}

void add_noise(const PlanRow& row, double unit, RandomBits& bits, Chunk& chunk) {
  switch (static_cast<Noise>(row.noise)) {
    case Noise::kNone:
      return;
    case Noise::kGaussian:
      return add_gaussian(row, unit, bits, chunk);
    case Noise::kExactGaussian:
      return add_exact_gaussian(row, unit, bits, chunk);
    case Noise::kUniform:
      return add_uniform(row, unit, bits, chunk);
    case Noise::kSaltAndPepper:
      return add_salt_and_pepper(row, unit, bits, chunk);
    case Noise::kPoisson:
      return add_poisson(row, unit, bits, chunk);
    case Noise::kSpeckle:
      return add_speckle(row, bits, chunk);
  }
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
