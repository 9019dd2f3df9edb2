// The common part of the checks of rows and of tables: the message that names the row, the field and its
// value.
#pragma once

#include <cmath>
#include <sstream>
#include <string>

#include "core/errors.h"

namespace augsynth {

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
