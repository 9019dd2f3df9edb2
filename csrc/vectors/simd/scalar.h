// Of single pixels only the filters of whole images use vectors: those of any processor.
#pragma once

#include "vectors/simd/portable.h"
