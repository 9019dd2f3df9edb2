#define AUGSYNTH_ISA_NAME avx512
#include "simd/avx512.h"

#include "stages/stages.inl"
