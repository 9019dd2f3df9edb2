// The instruction sets that the CPU offers and the operating system has enabled.
#pragma once

namespace augsynth {

struct CpuFeatures {
  bool avx2 = false;    // AVX2 with FMA and F16C
  bool avx512 = false;  // AVX-512 F, BW, DQ and VL
};

CpuFeatures detect_cpu();

}  // namespace augsynth
