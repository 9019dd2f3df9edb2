#define AUGSYNTH_ISA_NAME avx2
#include "simd/avx2.h"

#include "operations/filters.inl"
#include "stages/stages.inl"
