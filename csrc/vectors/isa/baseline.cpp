#define AUGSYNTH_ISA_NAME baseline
#include "vectors/simd/baseline.h"

#include "vectors/stages/stages.inl"
#include "whole_image/functions.inl"
