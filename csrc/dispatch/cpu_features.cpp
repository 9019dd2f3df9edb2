#include "dispatch/cpu_features.h"

#if AUGSYNTH_X86
#include <cpuid.h>

#include <cstdint>
#endif

namespace augsynth {

#if AUGSYNTH_X86

namespace {

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(unsigned leaf) {
  Registers found;  // stays zero where the CPU lacks the leaf
  __get_cpuid_count(leaf, 0, &found.eax, &found.ebx, &found.ecx, &found.edx);
  return found;
}

// The register states that the operating system saves; without OSXSAVE it saves none of the wide ones.
std::uint64_t saved_states() {
  if (!(cpuid(1).ecx & bit_OSXSAVE)) return 0;
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<std::uint64_t>(high) << 32 | low;
}

bool has(std::uint64_t value, std::uint64_t bits) { return (value & bits) == bits; }

}  // namespace

CpuFeatures detect_cpu() {
  constexpr std::uint64_t kYmm = 0x6, kZmm = 0xe6;
  const Registers basic = cpuid(1), extended = cpuid(7);
  const std::uint64_t saved = saved_states();
  CpuFeatures cpu;
  cpu.avx2 = has(saved, kYmm) && has(basic.ecx, bit_AVX | bit_FMA | bit_F16C) && has(extended.ebx, bit_AVX2);
  cpu.avx512 = cpu.avx2 && has(saved, kZmm) &&
               has(extended.ebx, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL);
  return cpu;
}

#else

CpuFeatures detect_cpu() { return {}; }

#endif

}  // namespace augsynth
