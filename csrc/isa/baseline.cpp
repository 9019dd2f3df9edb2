#define AUGSYNTH_ISA_NAME baseline
#include "simd/baseline.h"

#include "stages/stages.inl"
