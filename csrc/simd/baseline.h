// The vector wrapper of the portable ISA: one lane, which every compiler understands and may widen.
// Other ISAs offer the same names with more lanes.
#pragma once

#include <cstdint>

namespace augsynth {
namespace {

struct Doubles {
  static constexpr int kLanes = 1;
  double lane;

  static Doubles broadcast(double value) { return {value}; }
  static Doubles load(const double* from) { return {*from}; }
  // first, first + 1, ... one a lane.
  static Doubles ramp(double first) { return {first}; }

  void store(double* to) const { *to = lane; }
  void store(float* to) const { *to = static_cast<float>(lane); }
  void store(std::uint8_t* to) const { *to = static_cast<std::uint8_t>(round_within(255.0)); }
  void store(std::uint16_t* to) const { *to = static_cast<std::uint16_t>(round_within(65535.0)); }

  friend Doubles operator+(Doubles a, Doubles b) { return {a.lane + b.lane}; }
  friend Doubles operator*(Doubles a, Doubles b) { return {a.lane * b.lane}; }
  friend Doubles operator/(Doubles a, Doubles b) { return {a.lane / b.lane}; }

  // A NaN passes through.
  Doubles clamped(Doubles low, Doubles high) const {
    const double raised = lane < low.lane ? low.lane : lane;
    return {raised > high.lane ? high.lane : raised};
  }

 private:
  // The floor of value + 1/2 within [0, top]; 0 for NaN.
  int round_within(double top) const {
    const double raised = lane > 0.0 ? lane : 0.0;
    return static_cast<int>((raised < top ? raised : top) + 0.5);
  }
};

}  // namespace
}  // namespace augsynth
