#define AUGSYNTH_ISA_NAME avx2
#include "vectors/simd/avx2.h"

#include "vectors/stages/stages.inl"
#include "whole_image/functions.inl"
