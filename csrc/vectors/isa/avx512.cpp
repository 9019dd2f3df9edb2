#define AUGSYNTH_ISA_NAME avx512
#include "vectors/simd/avx512.h"

#include "vectors/stages/stages.inl"
#include "whole_image/functions.inl"
