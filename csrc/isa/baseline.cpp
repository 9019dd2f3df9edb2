#define AUGSYNTH_ISA_NAME baseline
#include "simd/baseline.h"

#include "operations/filters.inl"
#include "stages/stages.inl"
