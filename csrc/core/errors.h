// The exceptions that python/module.cpp turns into those of augsynth/errors.py. Each message says what came
// and what was expected.
#pragma once

#include <stdexcept>

namespace augsynth {

// A row is malformed, or does not fit its images.
struct PlanError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// An image has a dtype or a layout that is not supported.
struct ImageError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// An argument lies outside its range.
struct ArgumentError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// The machine or the build lacks what was asked for.
struct NativeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace augsynth
