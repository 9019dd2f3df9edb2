// Part of stages.inl: rectangles that are overwritten.
#pragma once

#include "vectors/stages/random.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// The row's clamp comes before, and must not touch what is written: where anything is, it is done here.
class Eraser {
 public:
  // `unit` is what one level of the source is in the chunk's values.
  Eraser(const PlanRow& row, const Erasure* begin, const Erasure* end, double unit)
      : row_(row), begin_(begin), end_(end), unit_(unit) {}

  bool is_active() const { return begin_ != end_; }

  void clamp_and_erase(Chunk& chunk) const {
    if (!is_active()) return;
    clamp(chunk);
    for (int line = 0; line < chunk.lines; ++line) erase(chunk.part(line, 1));
  }

 private:
  void erase(const Chunk& line) const {
    for (const Erasure* erasure = begin_; erasure != end_; ++erasure) {
      const auto [top, left, bottom, right] = erasure->box;
      const Range columns{left > line.x ? left - line.x : 0,
                          right - line.x < line.width ? right - line.x : line.width};
      if (line.y < top || line.y >= bottom || columns.begin >= columns.end) continue;
      overwrite(*erasure, columns, line);
    }
  }

  void clamp(Chunk& chunk) const {
    const Floats low = broadcast(static_cast<float>(row_.clamp[0] * unit_));
    const Floats high = broadcast(static_cast<float>(row_.clamp[1] * unit_));
    for (int c = 0; c < row_.channels; ++c)
      for (int i = 0; i < chunk.count; i += kLanes) {
        float* value = chunk.value[c] + i;
        store(value, at_most(at_least(load<Floats>(value), low), high));
      }
  }

  void overwrite(const Erasure& erasure, Range columns, const Chunk& line) const {
    bool is_random = false;
    for (int c = 0; c < row_.channels; ++c) is_random |= erasure.low[c] < erasure.high[c];
    if (is_random) return overwrite_randomly(erasure, columns, line);
    for (int c = 0; c < row_.channels; ++c) {
      const float value = static_cast<float>(erasure.low[c] * unit_);
      for (int i = columns.begin; i < columns.end; ++i) line.value[c][i] = value;
    }
  }

  // By uniform noise, from the bits of the erasure's own stream.
  void overwrite_randomly(const Erasure& erasure, Range columns, const Chunk& line) const {
    const int begin = columns.begin / kBlockHalves * kBlockHalves;  // whole blocks, of one half a pixel
    const int width = (columns.end - begin + kBlockHalves - 1) / kBlockHalves * kBlockHalves;
    RandomBits bits(erasure.stream);
    bits.draw({line.y, line.x + begin, width, 1, width, {nullptr}}, row_.channels, 1);
    for (int c = 0; c < row_.channels; ++c) {
      const UniformLevels levels(erasure.low[c], erasure.high[c], unit_);
      const std::uint16_t* halves = bits.halves(c);
      for (int i = columns.begin; i < columns.end; ++i)
        line.value[c][i] = levels.of(static_cast<float>(halves[i - begin]));
    }
  }

  const PlanRow& row_;
  const Erasure *const begin_, *const end_;
  const double unit_;
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
