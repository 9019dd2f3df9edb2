// Interpolations: a fixed number of neighbouring taps, the first one at the floor of s + kShift, and their
// weights by what the floor has left.
#pragma once

#include "pass/arithmetic.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

// Keys' cubic convolution kernel; `a` is its slope at 1.
AUGSYNTH_HD inline double keys(double t, double a) {
  t = absolute(t);
  if (t < 1.0) return ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
  if (t < 2.0) return ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a;
  return 0.0;
}

// The weights at f + 1, f, 1 - f and 2 - f, in the precision of `a`. F is that type, or vectors of it.
template <typename F, typename E>
AUGSYNTH_HD void weigh_cubic(F f, E a, F (&weight)[4]) {
  const F g = E{1} - f;
  weight[0] = a * f * g * g;
  weight[1] = ((a + 2) * f - (a + 3)) * f * f + E{1};
  weight[2] = ((a + 2) * g - (a + 3)) * g * g + E{1};
  weight[3] = a * g * f * f;
}

struct Nearest {
  static constexpr int kTaps = 1;
  static constexpr double kShift = 0.0;
  AUGSYNTH_HD static void weigh(double, float (&weight)[1]) { weight[0] = 1.0f; }
};

struct Bilinear {
  static constexpr int kTaps = 2;
  static constexpr double kShift = -0.5;
  AUGSYNTH_HD static void weigh(double f, float (&weight)[2]) {
    weight[0] = static_cast<float>(1.0 - f);
    weight[1] = static_cast<float>(f);
  }
};

struct Bicubic {
  static constexpr int kTaps = 4;
  static constexpr double kShift = -1.5;
  static constexpr double kSlope = -0.75;
  AUGSYNTH_HD static void weigh(double f, float (&weight)[4]) {
    double exact[4];
    weigh_cubic(f, kSlope, exact);
    for (int k = 0; k < 4; ++k) weight[k] = static_cast<float>(exact[k]);
  }
};

}  // namespace
}  // namespace augsynth
