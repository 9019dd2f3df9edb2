// The common part of the checks of rows and of tables: the message that names the row, the field and its
// value.
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

  // The position to which the map `m` takes (x, y). It must lie in front of the horizon, and not too far
  // away. `field` names the map, `point` names (x, y), and `frame` names the frame of the result.
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

  // Throws the message for a field. It is not inlined, so that checks that hold cost nothing.
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
