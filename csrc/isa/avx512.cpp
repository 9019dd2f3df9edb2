#define AUGSYNTH_ISA_NAME avx512
#include "simd/avx512.h"

#include "operations/filters.inl"
#include "stages/stages.inl"
