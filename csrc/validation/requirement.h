// What the checks of rows and of tables have in common: saying which field of which row holds what.
#pragma once

#include <cmath>
#include <sstream>
#include <string>

#include "core/errors.h"
#include "core/plan.h"

namespace augsynth {

constexpr double kFarthestPosition = 16777216.0;  // 2^24
constexpr double kSmallestW = 1e-6;

class Requirement {
 public:
  explicit Requirement(std::size_t row) : row_(row) {}

  // `at` is the element of a field that has several.
  template <typename T>
  void operator()(bool holds, const char* field, T came, const char* expected, int at = -1) const {
    if (!holds) fail_at(field, at, came, expected);
  }

  void finite(const char* field, double came, int at) const {
    (*this)(std::isfinite(came), field, came, "a finite number", at);
  }

  // Where the map `m` takes (x, y): in front of its horizon, and not too far. `field` names it, `point` what
  // (x, y) is, and `frame` where it leads.
  Offset maps(const char* field, const double* m, const char* point, double x, double y,
              const char* frame) const {
    const double w = m[6] * x + m[7] * y + m[8];
    double sx = m[0] * x + m[1] * y + m[2], sy = m[3] * x + m[4] * y + m[5];
    if (w != 1.0) {  // an affine map needs no divisions, which take longer than all else here
      sx /= w;
      sy /= w;
    }
    const auto place = [=](const char* what, const char* of = "") {
      std::ostringstream text;
      text << field << ": at " << point << " (" << x << ", " << y << ") " << of << what;
      return text.str();
    };
    if (!(w > kSmallestW)) fail(place("w"), w, "more than 1e-6");
    if (!(std::abs(sx) <= kFarthestPosition)) fail(place("'s x", frame), sx, "a position within 2^24");
    if (!(std::abs(sy) <= kFarthestPosition)) fail(place("'s y", frame), sy, "a position within 2^24");
    return {sx, sy};
  }

  // What is said of a row that fails costs those that hold nothing, as long as it is not inlined.
  template <typename T>
  [[noreturn, gnu::noinline, gnu::cold]] void fail(const std::string& field, T came,
                                                   const std::string& expected) const {
    std::ostringstream message;
    message.precision(17);
    message << "row " << row_ << ": " << field << " is " << came << ", expected " << expected;
    throw PlanError(message.str());
  }

 private:
  template <typename T>
  [[noreturn, gnu::noinline, gnu::cold]] void fail_at(const char* field, int at, T came,
                                                      const char* expected) const {
    fail(at < 0 ? field : std::string(field) + "[" + std::to_string(at) + "]", came, expected);
  }

  const std::size_t row_;
};

}  // namespace augsynth
