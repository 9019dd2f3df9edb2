// The vectors of the scalar executor: only the filters of whole images use them, in the form of any
// processor.
#pragma once

#include "vectors/simd/portable.h"
