// Inverse distribution functions, of sums, products, quotients and square roots alone, so that every executor
// finds the same bits. D is double, or vectors of it, for which bits_of(), double_of(), square_root() and
// any() are declared before this file is included.
#pragma once

#include <cstdint>

#include "pass/arithmetic.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

constexpr double kTwo52 = 4503599627370496.0;  // from here to 2^53 a double's spacing is 1

// Integers below 2^52 as numbers; L is std::uint64_t, or vectors of it.
template <typename L>
AUGSYNTH_HD auto to_doubles(L integers) {
  return double_of(integers | bits_of(double_of(L{}) + kTwo52)) - kTwo52;
}

// c[0] + c[1] x + c[2] x^2 + ...
template <int kCount, typename D>
AUGSYNTH_HD D polynomial(const double (&c)[kCount], D x) {
  D sum = D{} + c[kCount - 1];
  for (int i = kCount - 2; i >= 0; --i) sum = sum * x + c[i];
  return sum;
}

// The natural logarithm of normal numbers above 0, with an error below 1e-9: x = 2^k m with m from sqrt(1/2)
// on, and ln m = 2 artanh((m - 1) / (m + 1)).
template <typename D>
AUGSYNTH_HD D logarithm(D x) {
  constexpr double kSeries[5] = {2.0, 2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0};
  constexpr double kLog2 = 0.6931471805599453;
  const auto one = bits_of(D{} + 1.0), root = bits_of(D{} + 0.7071067811865476);
  const auto raised = bits_of(x) + (one - root);
  const D k = to_doubles(raised >> 52) - 1023.0;
  const D m = double_of((raised & 0xfffffffffffff) + root);
  const D s = (m - 1.0) / (m + 1.0);
  return k * kLog2 + s * polynomial(kSeries, s * s);
}

// The standard normal variate below which `u` of all lie, for 2^-33 <= u <= 1 - 2^-33, with an error below
// 3e-8: a rational function of w = -ln 4u(1 - u), by the criterion of the least maximum, times 2u - 1.
template <typename D>
AUGSYNTH_HD D normal_quantile(D u) {
  constexpr double kAbove[7] = {1.253313948,    0.4462297288,   0.09086005014, 0.01253603699,
                                0.001143609061, 6.211735257e-5, 2.092202821e-7};
  constexpr double kBelow[6] = {1.0,           0.09423888409, 0.03479655803, 0.002293639947, 0.0002552287725,
                                3.996473229e-6};
  const D w = 0.0 - logarithm(4.0 * u * (1.0 - u));
  return (u - (1.0 - u)) * (polynomial(kAbove, w) / polynomial(kBelow, w));
}

// exp(-x) for 0 <= x <= 16, with a relative error below 1e-12: (exp(-x / 64))^64.
template <typename D>
AUGSYNTH_HD D exponential_of_minus(D x) {
  constexpr double kSeries[11] = {
      1.0,         -1.0,          1.0 / 2.0,     -1.0 / 6.0,      1.0 / 24.0,     -1.0 / 120.0,
      1.0 / 720.0, -1.0 / 5040.0, 1.0 / 40320.0, -1.0 / 362880.0, 1.0 / 3628800.0};
  D power = polynomial(kSeries, x * (1.0 / 64.0));
  for (int i = 0; i < 6; ++i) power *= power;
  return power;
}

constexpr double kLargeMean = 16.0;

// The Poisson count below which less than `u` of all lie, for means up to kLargeMean: the probabilities are
// summed.
template <typename D>
AUGSYNTH_HD D small_poisson_quantile(D u, D mean) {
  D probability = exponential_of_minus(mean), sum = probability, count{};
  for (double next = 1.0; any(sum < u); next += 1.0) {
    count += sum < u ? D{} + 1.0 : D{};
    probability *= mean * (1.0 / next);
    sum += probability;
  }
  return count;
}

template <typename D>
AUGSYNTH_HD D floor_of(D x) {
  const D rounded = (x + kTwo52) - kTwo52;
  return rounded - (rounded > x ? D{} + 1.0 : D{});
}

// The Poisson quantile for larger means: the Cornish-Fisher expansion about the normal quantile, rounded
// down.
template <typename D>
AUGSYNTH_HD D large_poisson_quantile(D u, D mean) {
  constexpr double kFirst[2] = {1.0 / 3.0, 1.0 / 6.0}, kSecond[2] = {-1.0 / 36.0, -1.0 / 72.0},
                   kThird[3] = {-8.0 / 405.0, 7.0 / 810.0, 1.0 / 270.0};
  const D z = normal_quantile(u), z2 = z * z, root = square_root(mean);
  const D count = mean + root * z + polynomial(kFirst, z2) + z * polynomial(kSecond, z2) / root +
                  polynomial(kThird, z2) / mean;
  return floor_of(count > 0.0 ? count : D{});
}

template <typename D>
AUGSYNTH_HD D poisson_quantile(D u, D mean) {
  const auto large = mean > kLargeMean;
  const D many = any(large) ? large_poisson_quantile(u, mean) : D{};
  const auto small = mean <= kLargeMean;
  if (!any(small)) return many;
  const D few = small_poisson_quantile(u, small ? mean : D{});
  return small ? few : many;
}

constexpr double kNoisyMean = 281474976710656.0;  // 2^48: the noise of larger counts is lost in a float

// A level as a count of steps, with the count's noise.
template <typename D>
AUGSYNTH_HD D poisson_level(D u, D level, double step) {
  const D mean = (level < 0.0 ? D{} : level) / step;
  return mean < kNoisyMean ? poisson_quantile(u, mean) * step : level;
}

}  // namespace
}  // namespace augsynth
