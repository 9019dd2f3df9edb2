// The wrapper that every processor of the target runs.
#pragma once

#if AUGSYNTH_X86
#include "vectors/simd/sse2.h"
#else
#include "vectors/simd/portable.h"
#endif
