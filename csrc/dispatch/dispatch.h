// The choice of the instruction set whose code runs: the best that the CPU has, or the one that was forced.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "dispatch/isas.h"

namespace augsynth {

struct Isa {
  std::size_t number;
  const char* name;
  const char* flags;  // the compiler flags of its object
  bool available;     // on this CPU
};

// All instruction sets that were built, the best first.
const std::vector<Isa>& built_isas();

const Isa& active_isa();

// Makes an instruction set the active one of the process. Throws NativeError if it was not built or the CPU
// lacks it.
void force_isa(const std::string& name);

}  // namespace augsynth

#define AUGSYNTH_DECLARE_IN_ISA(isa, flags, available, Type, function) \
  namespace isa {                                                      \
  Type function;                                                       \
  }
#define AUGSYNTH_FUNCTION_OF_ISA(isa, flags, available, Type, function) isa::function,

// Declares a function that every instruction set compiles in its own namespace, and an array of these
// functions by Isa::number. Call it as function[active_isa().number](...).
#define AUGSYNTH_BY_ISA(Type, function)                       \
  AUGSYNTH_EACH_ISA(AUGSYNTH_DECLARE_IN_ISA, Type, function); \
  static constexpr Type* function[] = {AUGSYNTH_EACH_ISA(AUGSYNTH_FUNCTION_OF_ISA, Type, function)};
