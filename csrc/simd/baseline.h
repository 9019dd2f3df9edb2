// The wrapper that every processor of the target runs.
#pragma once

#if AUGSYNTH_X86
#include "sse2.h"
#else
#include "portable.h"
#endif
