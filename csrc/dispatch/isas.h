// The instruction sets, the best first. Each has a name, the compiler flags of its object, and a condition on
// `cpu`, a CpuFeatures. The name is also that of vectors/isa/<name>.cpp and of the namespace.
// CMakeLists.txt reads this list too.
#pragma once

#if AUGSYNTH_X86
#define AUGSYNTH_X86_ISA(DO, ...) DO(__VA_ARGS__)
#else
#define AUGSYNTH_X86_ISA(DO, ...)
#endif
#define AUGSYNTH_ISA(DO, ...) DO(__VA_ARGS__)

// Expands to DO(name, flags, condition, the other arguments) for each instruction set. `scalar` is the
// arithmetic of single pixels, as GPUs run it; it runs only when it is forced. GCC 12 warns of its own
// AVX-512 headers (GCC bug 105593).
// clang-format off
#define AUGSYNTH_EACH_ISA(DO, ...) \
  AUGSYNTH_X86_ISA(DO, avx512, "-mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512 -Wno-uninitialized -Wno-maybe-uninitialized", cpu.avx512, __VA_ARGS__) \
  AUGSYNTH_X86_ISA(DO, avx2, "-mavx2", cpu.avx2, __VA_ARGS__) \
  AUGSYNTH_ISA(DO, baseline, "", true, __VA_ARGS__) \
  AUGSYNTH_ISA(DO, scalar, "", true, __VA_ARGS__)
// clang-format on
